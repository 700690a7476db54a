/**
 * What the fuzzer runs: a target is something that takes hostile input, a subject is one life of it.
 *
 * A run opens a subject, draws and feeds inputs, and opens a new one every `lifetimeInputs`. All
 * follows from one seed per life, and a subject takes recorded inputs as well as drawn ones: so what
 * failed is kept as a seed and a list of inputs, and the list is shortened by leaving inputs out.
 */
import type { SeededRandom } from "../support/seededRandom.js";

/** Something that takes hostile input. */
export interface FuzzTarget {
  /** As `--target` names it: lower case, digits and hyphens. */
  readonly name: string;
  /** Its share of the inputs of a run; relative to the others. */
  readonly weight: number;
  /** Inputs that one subject is fed: state builds up, but what fails stays reproducible. */
  readonly lifetimeInputs: number;
  /**
   * Fresh state. `random` is what the subject itself draws (keys, nonces, jitter), never its inputs:
   * the same seed with some inputs left out still opens the same subject.
   */
  open(random: SeededRandom): Promise<FuzzSubject> | FuzzSubject;
}

/** One life of a target. */
export interface FuzzSubject {
  /**
   * The next input, from `random` alone (and what the subject has seen so far), structure-aware or
   * byte-level. What depends on the state (an index, a counter) is filled in by `feed`, so that an
   * input still means something when those before it are left out.
   */
  draw(random: SeededRandom): FuzzInput;
  /**
   * Throws (anything but what the target says is allowed) on a failure: a crash, a broken bound, a
   * wrong answer. Must take any input that ever was drawn, and shortened ones.
   */
  feed(input: FuzzInput): FuzzVerdict | Promise<FuzzVerdict>;
  /** Bounds that must hold now: throws. Called now and then, and at the end of a life. */
  check(): void | Promise<void>;
  close(): Promise<void> | void;
}

/** How deep an input got: `accepted` if it was decoded, changed state or was answered. */
export type FuzzVerdict = "accepted" | "refused";

/** One input, as it is kept in a crasher: JSON. */
export interface FuzzInput {
  /** What the subject does with it. */
  readonly kind: string;
  /** Bytes as hexadecimal digits. The shrinker cuts bytes out. */
  readonly hex?: string;
  /** Texts (arguments, header lines, a body). The shrinker leaves out texts and cuts characters out. */
  readonly texts?: readonly string[];
  /** What goes with it and is not shortened: addresses, times, choices. */
  readonly with?: Readonly<Record<string, string | number | boolean>>;
}
