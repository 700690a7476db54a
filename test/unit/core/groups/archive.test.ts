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

  it("forgets the first ones of a stream that goes on, as far as they are too old", () => {
    const { archive, keep, settle, told, log } = archiveOf();
    for (const sequence of [1, 2, 3, 4, 5, 7, 8, 9]) keep(ALICE, sequence, 1024 * sequence);
    keep(BOB, 1, 1024);
    settle();
    told.length = 0;
    // The log does not know it yet.
    keep(ALICE, 6, 1024 * 6);
    archive.forgetBefore(6);
    settle();
    expect(told).toMatchObject([
      { kind: "groupDatagram" },
      { kind: "groupForgotten", of: ALICE, upToSequence: 5 },
      { kind: "groupForgotten", of: BOB, upToSequence: 1 },
    ]);
    expect(archive.streams()).toMatchObject([{ ...ALICE, ranges: [{ first: 6, last: 9 }] }]);
    expect(archive.streams()).toEqual(log.streams(GROUP_ID));
    expect(archive.count).toBe(4);
    expect(archive.missing(ALICE, 1, 12, 9)).toEqual([{ first: 10, last: 12 }]);
    expect([archive.isKnown(BOB, 1), archive.next(BOB)]).toEqual([true, 2]);
    keep(BOB, 1, 1024);
    expect(archive.has(BOB, 1)).toBe(false);
    archive.forgetBefore(6);
    settle();
    expect(told).toHaveLength(3);
  });

  it("forgets no more than the log says, and all that is old where it says nothing", () => {
    const { archive, keep, settle, told, log } = archiveOf();
    keep(ALICE, 1, 1024);
    keep(BOB, 1, 1024 * 9);
    settle();
    // Another process of this home forgot all of it.
    log.forget(GROUP_ID, ALICE, 1);
    log.forget(GROUP_ID, BOB, 1);
    archive.forgetBefore(5);
    settle();
    expect(archive.streams()).toMatchObject([BOB]);
    expect(told.slice(2)).toMatchObject([{ kind: "groupForgotten", of: ALICE }]);
  });

  it("wants nothing that was said before what it refused, and keeps what it has of it", () => {
    const { archive, keep } = archiveOf();
    keep(ALICE, 2);
    archive.refuseUpTo(ALICE, 4);
    archive.refuseUpTo(ALICE, 3);
    expect([1, 2, 3, 4, 5].map((n) => archive.isKnown(ALICE, n))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(archive.has(ALICE, 2)).toBe(true);
    expect(archive.missing(ALICE, 1, 5, 9)).toEqual([{ first: 5, last: 5 }]);
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
