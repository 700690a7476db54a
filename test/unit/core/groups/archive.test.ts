import { describe, expect, it } from "vitest";
import { Archive } from "../../../../src/core/groups/archive.js";
import { type CoreEvent, Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { KeptLog } from "../../../support/keptLog.js";

const GROUP_ID = "aa".repeat(8);
const ALICE = { device: "a1".repeat(32), incarnation: "01".repeat(8) };
const BOB = { device: "b0".repeat(32), incarnation: "02".repeat(8) };

function archiveOf(groupLogDatagrams = 100, log = new KeptLog()) {
  const outputs = new Outputs();
  const limits = { ...DEFAULT_LIMITS, groupLogDatagrams };
  const archive = new Archive({ outputs, limits }, log, GROUP_ID);
  const told: CoreEvent[] = [];
  const keep = (of: typeof ALICE, sequence: number, hlc = sequence) =>
    archive.keep(of, hlc, { sequence, bytes: Uint8Array.of(sequence), keyId: undefined });
  const settle = () => {
    const { events } = outputs.drain();
    log.settle(events);
    told.push(...events);
  };
  return { archive, keep, settle, told, log };
}

describe("the archive of a group", () => {
  it("serves what it was told to keep, in the same turn and after the log has it", () => {
    const { archive, keep, settle } = archiveOf();
    keep(ALICE, 7);
    expect(archive.read(ALICE, 7)?.bytes).toEqual(Uint8Array.of(7));
    settle();
    expect(archive.read(ALICE, 7)?.bytes).toEqual(Uint8Array.of(7));
    expect(archive.read(ALICE, 8)).toBeUndefined();
    expect(archive.read(BOB, 7)).toBeUndefined();
  });

  it("tells once to keep what it is given twice", () => {
    const { keep, settle, told } = archiveOf();
    keep(ALICE, 1);
    keep(ALICE, 1);
    settle();
    expect(told).toHaveLength(1);
  });

  it("knows what it lacks, and what of a question it has", () => {
    const { archive, keep } = archiveOf();
    for (const sequence of [1, 2, 5, 6, 9]) keep(ALICE, sequence);
    expect(archive.missing(ALICE, 1, 10, 9)).toEqual([
      { first: 3, last: 4 },
      { first: 7, last: 8 },
      { first: 10, last: 10 },
    ]);
    const asked = [
      { first: 2, last: 5 },
      { first: 9, last: Number.MAX_SAFE_INTEGER },
    ];
    expect(archive.heldIn(ALICE, asked, 100)).toEqual([2, 5, 9]);
    expect(archive.heldIn(ALICE, asked, 2)).toEqual([2, 5]);
    expect(archive.heldIn(BOB, asked, 100)).toEqual([]);
    expect(archive.next(ALICE)).toBe(10);
    expect(archive.next(BOB)).toBe(1);
  });

  it("forgets first what was said first by who was silent for longest, and wants it no more", () => {
    const { archive, keep, settle, told, log } = archiveOf(100);
    for (let sequence = 1; sequence <= 25; sequence += 1) keep(ALICE, sequence, sequence);
    const others = ["b1", "b2", "b3", "b4"].map((byte) => ({ ...BOB, device: byte.repeat(32) }));
    for (let n = 0; n < 76; n += 1) keep(others[n % 4] ?? BOB, 1 + Math.floor(n / 4), 1000 + n);
    settle();
    expect(archive.count).toBe(99);
    expect(told.filter(({ kind }) => kind === "groupForgotten")).toMatchObject([
      { of: ALICE, upToSequence: 2 },
    ]);
    expect(log.read(GROUP_ID, ALICE, { first: 1, last: 9 }).map((kept) => kept.sequence)).toEqual([
      3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(archive.isKnown(ALICE, 2)).toBe(true);
    expect(archive.missing(ALICE, 1, 25, 9)).toEqual([]);
    const { digest } = archive;
    keep(ALICE, 1);
    keep(ALICE, 2);
    expect([archive.count, archive.digest]).toEqual([99, digest]);
  });

  it("says by its digest what it holds, however that came, restarts included", () => {
    const [one, other] = [archiveOf(), archiveOf()];
    for (const sequence of [1, 2, 3]) one.keep(ALICE, sequence);
    one.keep(BOB, 1);
    other.keep(BOB, 1);
    for (const sequence of [3, 1, 2]) other.keep(ALICE, sequence);
    expect(other.archive.digest).toBe(one.archive.digest);
    one.settle();
    expect(archiveOf(100, one.log).archive.digest).toBe(other.archive.digest);
    other.keep(BOB, 2);
    expect(other.archive.digest).not.toBe(one.archive.digest);
  });
});
