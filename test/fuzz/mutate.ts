/** Damage to bytes, drawn from a seed. Every step is one thing that an attacker would try. */
import { PROTOCOL_VERSION } from "../../src/wire/constants.js";
import type { SeededRandom } from "../support/seededRandom.js";

const MOST_STEPS = 4;
/** Bytes that lie at the borders of lengths, counts, kinds and varint prefixes. */
const EXTREME_BYTES = [0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
/** Whole fields at the borders of their ranges, big-endian. */
const EXTREME_FIELDS = [
  "0000",
  "ffff",
  "04b0", // 1200
  "00000000",
  "ffffffff",
  "0000000000000000",
  "001fffffffffffff", // 2^53 - 1
  "0020000000000000",
  "ffffffffffffffff",
  "4000", // 0 in two bytes
  "80000000",
  "c000000000000000",
  "bfffffff",
  "dfffffffffffffff", // varint 2^53 - 1
  "e000000000000000",
  "ffffffffffffffff",
].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));

/** A whole number in [0, below). */
export function below(random: SeededRandom, limit: number): number {
  return Math.floor(random.uniform() * limit);
}

export function chance(random: SeededRandom, probability: number): boolean {
  return random.uniform() < probability;
}

/** One of `values`, which are not empty. */
export function pick<Value>(random: SeededRandom, values: readonly Value[]): Value {
  const value = values[below(random, values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}

/** Bytes of chance, half the time behind the beginning of a datagram of ours. */
export function noise(random: SeededRandom, mostBytes: number, types: readonly number[]) {
  const bytes = random.bytes(below(random, mostBytes + 1));
  if (chance(random, 0.5))
    bytes.set([0xf9, PROTOCOL_VERSION, pick(random, types)].slice(0, bytes.length));
  return bytes;
}

/** `bytes` after one to four steps of damage; `other` is spliced with it now and then. */
export function mutate(
  random: SeededRandom,
  bytes: Uint8Array,
  other: Uint8Array = bytes,
): Uint8Array {
  let mutated: Uint8Array = Uint8Array.from(bytes);
  for (let steps = 1 + below(random, MOST_STEPS); steps > 0; steps -= 1) {
    mutated = pick(random, STEPS)(random, mutated, other);
  }
  return mutated;
}

type Step = (random: SeededRandom, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const STEPS: readonly Step[] = [
  /* a bit turned over */
  (random, bytes) =>
    overwritten(bytes, below(random, bytes.length), (byte) => byte ^ (1 << below(random, 8))),
  /* a byte of chance */
  (random, bytes) => overwritten(bytes, below(random, bytes.length), () => below(random, 256)),
  /* a byte at a border */
  (random, bytes) =>
    overwritten(bytes, below(random, bytes.length), () => pick(random, EXTREME_BYTES)),
  /* a neighbouring number: off by one */
  (random, bytes) => {
    const change = chance(random, 0.5) ? 1 : 255;
    return overwritten(bytes, below(random, bytes.length), (byte) => (byte + change) & 0xff);
  },
  /* a field at a border, in place */
  (random, bytes) => {
    const field = pick(random, EXTREME_FIELDS);
    const at = below(random, bytes.length + 1);
    return joined(bytes.subarray(0, at), field, bytes.subarray(at + field.length));
  },
  /* a field at a border, inserted */
  (random, bytes) => {
    const at = below(random, bytes.length + 1);
    return joined(bytes.subarray(0, at), pick(random, EXTREME_FIELDS), bytes.subarray(at));
  },
  /* cut short */
  (random, bytes) => bytes.slice(0, below(random, bytes.length + 1)),
  /* made longer */
  (random, bytes) => joined(bytes, random.bytes(1 + below(random, 40))),
  /* a part left out */
  (random, bytes) => {
    const { start, end } = part(random, bytes);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  /* a part twice */
  (random, bytes) => {
    const { start, end } = part(random, bytes);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  /* a part of zeros */
  (random, bytes) => {
    const { start, end } = part(random, bytes);
    return Uint8Array.from(bytes).fill(0, start, end);
  },
  /* the beginning of one and the end of another */
  (random, bytes, other) => {
    return joined(
      bytes.subarray(0, below(random, bytes.length + 1)),
      other.subarray(below(random, other.length + 1)),
    );
  },
  /* another type */
  (random, bytes, other) => overwritten(bytes, 2, () => other[2] ?? below(random, 256)),
];

function overwritten(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const before = bytes[at];
  if (before !== undefined) bytes[at] = change(before);
  return bytes;
}

/** Parts are mostly short: lengths and numbers, or one element of a list. */
function part(random: SeededRandom, bytes: Uint8Array): { start: number; end: number } {
  const start = below(random, bytes.length + 1);
  const length = 1 + below(random, chance(random, 0.7) ? 16 : 400);
  return { start, end: Math.min(bytes.length, start + length) };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
