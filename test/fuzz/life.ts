import { SeededRandom } from "../support/seededRandom.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

/** Inputs between two looks at the bounds of a subject. */
const CHECK_EVERY_INPUTS = 500;
/** Separates what is drawn from what the subject draws. */
const DRAW_SEED = 0x5bd1_e995;

/** Stands in a list of inputs where the bounds were looked at: that may change the subject too. */
const CHECK_INPUT: FuzzInput = { kind: "check" };

/** What became of one life. */
export interface LifeReport {
  readonly seed: number;
  readonly inputs: number;
  readonly accepted: number;
  /** All inputs up to the one that failed, that included. */
  readonly failure?: { readonly inputs: readonly FuzzInput[]; readonly error: string };
}

/** What a life tells while it goes on. */
export interface LifeWatch {
  /** Input number `index` of the life is about to be drawn and fed. */
  readonly begins?: (index: number) => void;
  /** Everything was fed, and the subject is not closed yet. Throws on a failure. */
  readonly grownUp?: () => void;
}

/** The seed of life number `index` of a target, in a run with `runSeed`. */
export function lifeSeed(runSeed: number, targetName: string, index: number): number {
  let mixed = (runSeed ^ 0x9e37_79b9) >>> 0;
  for (const code of Buffer.from(`${targetName} ${index}`)) {
    mixed = Math.imul(mixed ^ code, 0x0100_0193) >>> 0;
  }
  return mixed;
}

/** Opens a subject, feeds it `count` inputs, and closes it. */
export async function live(
  target: FuzzTarget,
  seed: number,
  count: number,
  watch: LifeWatch = {},
): Promise<LifeReport> {
  const inputs: FuzzInput[] = [];
  const random = new SeededRandom(seed ^ DRAW_SEED);
  const subject = await target.open(new SeededRandom(seed));
  let accepted = 0;
  let fed = 0;
  const take = async (input: FuzzInput): Promise<void> => {
    inputs.push(input);
    if ((await feedOne(subject, input)) === "accepted") accepted += 1;
  };
  try {
    for (; fed < count; fed += 1) {
      watch.begins?.(fed);
      await take(subject.draw(random));
      if ((fed + 1) % CHECK_EVERY_INPUTS === 0) await take(CHECK_INPUT);
    }
    await take(CHECK_INPUT);
    watch.grownUp?.();
    return { seed, inputs: fed, accepted };
  } catch (error) {
    return { seed, inputs: fed, accepted, failure: { inputs, error: textOf(error) } };
  } finally {
    await subject.close();
  }
}

/** The input that a life would be fed as number `index`: for one that never came back from it. */
export async function inputsUpTo(
  target: FuzzTarget,
  seed: number,
  index: number,
): Promise<FuzzInput[]> {
  const inputs: FuzzInput[] = [];
  const random = new SeededRandom(seed ^ DRAW_SEED);
  const subject = await target.open(new SeededRandom(seed));
  for (let at = 0; at < index; at += 1) {
    const input = subject.draw(random);
    inputs.push(input);
    await feedOne(subject, input);
    if ((at + 1) % CHECK_EVERY_INPUTS !== 0) continue;
    inputs.push(CHECK_INPUT);
    await subject.check();
  }
  inputs.push(subject.draw(random));
  await subject.close();
  return inputs;
}

/** Feeds recorded inputs to a fresh subject. The error if one fails, or the last look at the bounds. */
export async function replay(
  target: FuzzTarget,
  seed: number,
  inputs: readonly FuzzInput[],
): Promise<string | undefined> {
  const subject = await target.open(new SeededRandom(seed));
  try {
    for (const input of inputs) await feedOne(subject, input);
    await subject.check();
    return undefined;
  } catch (error) {
    return textOf(error);
  } finally {
    await subject.close();
  }
}

async function feedOne(subject: FuzzSubject, input: FuzzInput): Promise<FuzzVerdict> {
  if (input.kind === CHECK_INPUT.kind) {
    await subject.check();
    return "refused";
  }
  // No await where nothing is waited for: two million of them cost minutes.
  const verdict = subject.feed(input);
  return typeof verdict === "string" ? verdict : await verdict;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
