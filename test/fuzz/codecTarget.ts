/** Every decoder of the wire, on damaged and invented bytes. */
import { isDeepStrictEqual } from "node:util";
import { UdpchatError } from "../../src/errors.js";
import { DatagramType } from "../../src/wire/constants.js";
import { toHex } from "../../src/wire/cursor.js";
import { decodeSealedGroup } from "../../src/wire/group.js";
import {
  decodeSyncGroup,
  decodeSyncSeal,
  groupedByDevice,
  peekGroupSync,
} from "../../src/wire/groupSync.js";
import { datagramType, isOurs } from "../../src/wire/header.js";
import fc from "../support/fastCheck.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { formats } from "../unit/wire/datagrams.js";
import { below, chance, mutate, noise, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

const LIFETIME_INPUTS = 20_000;
const EXAMPLES_PER_FORMAT = 24;
/** A record has more than a datagram; what is encoded again may not be longer than one. */
const MOST_BYTES = 60 * 1024;
const MOST_NOISE_BYTES = 1300;
const TYPES = Object.values(DatagramType);

/** Decoders without an encoder of their own. */
const PLAIN_DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  "group sealed": decodeSealedGroup,
  "sync group": decodeSyncGroup,
  "sync seal": decodeSyncSeal,
  "sync peek": peekGroupSync,
  "datagram type": (bytes) => ({ ours: isOurs(bytes), type: datagramType(bytes) }),
};

export const codecTarget: FuzzTarget = {
  name: "codec",
  weight: 80,
  lifetimeInputs: LIFETIME_INPUTS,
  open: (random) => new CodecSubject(random),
};

class CodecSubject implements FuzzSubject {
  /** Valid examples by the title of their format. */
  readonly #examples: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly #all: readonly Uint8Array[];

  constructor(random: SeededRandom) {
    const seed = below(random, 2 ** 31);
    this.#examples = new Map(
      formats.map(({ title, example }) => [
        title,
        fc.sample(example, { seed, numRuns: EXAMPLES_PER_FORMAT }).map(({ bytes }) => bytes),
      ]),
    );
    this.#all = [...this.#examples.values()].flat();
  }

  /** `kind`: the format that it is read as, or `any` for all of them. */
  draw(random: SeededRandom): FuzzInput {
    if (chance(random, 0.1)) {
      return { kind: "any", hex: toHex(noise(random, MOST_NOISE_BYTES, TYPES)) };
    }
    const { title } = pick(random, formats);
    const example = pick(random, this.#examples.get(title) ?? []);
    const other = pick(random, chance(random, 0.7) ? (this.#examples.get(title) ?? []) : this.#all);
    const bytes = chance(random, 0.02) ? example : mutate(random, example, other);
    // Now and then what is another thing is read as this one.
    const kind = chance(random, 0.03) ? "any" : title;
    return { kind, hex: toHex(bytes.subarray(0, MOST_BYTES)) };
  }

  feed({ kind, hex = "" }: FuzzInput): FuzzVerdict {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"));
    let verdict: FuzzVerdict = "refused";
    for (const { title, decode, reencode } of formats) {
      if (kind !== "any" && kind !== title) continue;
      const value = orRefused(() => decode(bytes));
      if (value === undefined) continue;
      verdict = "accepted";
      const again = decode(reencode(bytes));
      if (!isDeepStrictEqual(asWritten(value), asWritten(again))) {
        throw new Error(`${title}: encoded and decoded again it is something else`);
      }
    }
    if (kind === "any")
      for (const decode of Object.values(PLAIN_DECODERS)) orRefused(() => decode(bytes));
    if (toHex(bytes) !== hex) throw new Error(`${kind}: a decoder changed what it read`);
    return verdict;
  }

  /** Decoders keep nothing. */
  check(): void {}

  close(): void {}
}

/** Undefined if it was refused as malformed; whatever else is thrown fails. */
function orRefused(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (error instanceof UdpchatError && error.code === "MALFORMED_DATAGRAM") return undefined;
    throw error;
  }
}

/**
 * What is not written as it was read, and says the same: streams come out device by device, and
 * nobody writes flags that he does not know.
 */
function asWritten(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("streams" in value && isStreams(value.streams)) {
    return { ...value, streams: groupedByDevice(value.streams) };
  }
  if ("entries" in value && Array.isArray(value.entries)) {
    const entries = value.entries.map((entry: object) => ({ ...entry, unknown: undefined }));
    return { ...value, entries };
  }
  return value;
}

function isStreams(value: unknown): value is Parameters<typeof groupedByDevice>[0] {
  return Array.isArray(value);
}
