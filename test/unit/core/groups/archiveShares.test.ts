/** Whoever fills the archive of a group fills his own part of it. */
import { describe, expect, it } from "vitest";
import { Archive } from "../../../../src/core/groups/archive.js";
import { Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { KeptLog } from "../../../support/keptLog.js";

const GROUP_ID = "aa".repeat(8);
const ALICE = { device: "a1".repeat(32), incarnation: "01".repeat(8) };
const LIMIT = 400;
const MAX_STREAMS = 2048;

/** One start of whoever floods the group. */
function mallory(start: number, key = 0) {
  const device = (0xbad000 + key).toString(16).padStart(64, "0");
  return { device, incarnation: start.toString(16).padStart(16, "0") };
}

function archiveOf(groupLogDatagrams: number, log = new KeptLog()) {
  const outputs = new Outputs();
  const limits = { ...DEFAULT_LIMITS, groupLogDatagrams };
  const archive = new Archive({ outputs, limits }, log, GROUP_ID);
  const keep = (of: typeof ALICE, sequence: number, hlc: number) =>
    archive.keep(of, hlc, { sequence, bytes: Uint8Array.of(1), keyId: undefined });
  const settle = () => log.settle(outputs.drain().events);
  return { archive, keep, settle, log };
}

/** How much of Alice's is left. */
function ofAlice(archive: Archive): number {
  return archive.heldIn(ALICE, [{ first: 1, last: Number.MAX_SAFE_INTEGER }], 10 ** 6).length;
}

describe("an archive that somebody floods", () => {
  it.each([
    ["under one incarnation", (_n: number) => 1],
    ["under a new incarnation each time", (n: number) => n],
  ])("keeps a quarter of it for whoever was there before (%s)", (_how, startOf) => {
    const { archive, keep } = archiveOf(LIMIT);
    for (let n = 1; n <= LIMIT / 4; n += 1) keep(ALICE, n, n);
    for (let n = 1; n <= 5 * LIMIT; n += 1) keep(mallory(startOf(n)), n, Number.MAX_SAFE_INTEGER);
    expect(archive.count).toBeLessThanOrEqual(LIMIT);
    expect(archive.count).toBeGreaterThan(0.98 * LIMIT);
    expect(ofAlice(archive)).toBe(LIMIT / 4);
  });

  it("tells how much of the latest of an author stays, whoever else speaks", () => {
    const { archive, keep } = archiveOf(LIMIT);
    expect(archive.roomFor(ALICE.device)).toBe(LIMIT - 4);
    for (let n = 1; n <= LIMIT; n += 1) keep(mallory(1), n, n);
    const room = archive.roomFor(ALICE.device);
    expect(room).toBe(LIMIT / 4 - 4);
    for (let n = 1; n <= room; n += 1) keep(ALICE, n, n);
    for (let n = 1; n <= LIMIT; n += 1) keep(mallory(2), n, LIMIT + n);
    expect(ofAlice(archive)).toBe(room);
    expect(archiveOf(1).archive.roomFor(ALICE.device)).toBe(1);
  });

  it("still lets an author who is nearly alone have nearly all of it", () => {
    const { archive, keep } = archiveOf(LIMIT);
    for (let n = 1; n <= 3 * LIMIT; n += 1) keep(ALICE, n, n);
    expect(ofAlice(archive)).toBeGreaterThan(0.98 * LIMIT);
  });

  it("knows a bounded number of incarnations, and goes on with that after a restart", () => {
    const { archive, keep, settle, log } = archiveOf(DEFAULT_LIMITS.groupLogDatagrams);
    keep(ALICE, 1, 1);
    for (let n = 1; n <= 2 * MAX_STREAMS; n += 1) {
      keep(mallory(n), 1, n + 1);
      keep(mallory(n), 2 ** 40 + n, n + 1);
    }
    expect(archive.streams()).toHaveLength(MAX_STREAMS);
    expect(ofAlice(archive)).toBe(1);
    settle();
    const again = archiveOf(DEFAULT_LIMITS.groupLogDatagrams, log);
    expect(again.archive.digest).toBe(archive.digest);
    again.keep(mallory(2 * MAX_STREAMS + 1), 1, 2 * MAX_STREAMS + 1);
    expect(again.archive.streams()).toHaveLength(MAX_STREAMS);
    expect(ofAlice(again.archive)).toBe(1);
  });
});
