import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/messenger/clock.js";
import { KeptMessages, openKeptMessages } from "../../../src/messenger/keptMessages.js";
import type { Warning } from "../../../src/messenger/types.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { pathsOf } from "../../../src/store/paths.js";
import { ManualClock } from "../../support/manualClock.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-home-"));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

describe("openKeptMessages", () => {
  it("touches the disk only where messages are kept there", async () => {
    const paths = pathsOf(home);
    for (const [place, given, keeps] of [
      ["none", paths, false],
      ["memory", paths, true],
      [undefined, undefined, true],
    ] as const) {
      const kept = await openKeptMessages(
        place === undefined ? {} : { store: place },
        given,
        () => undefined,
      );
      expect(kept.keeps).toBe(keeps);
      kept.close();
    }
    expect(await readdir(home)).toEqual([]);
    const kept = await openKeptMessages({}, paths, () => undefined);
    expect(await readdir(home)).toContain("udpchat.db");
    kept.close();
  });

  it("warns of a database that was damaged, and begins a new one", async () => {
    const paths = pathsOf(home);
    await writeFile(paths.databaseFile, "this is no database at all".repeat(100));
    const warnings: Warning[] = [];
    const kept = await openKeptMessages(
      { store: "disk" },
      paths,
      (warning) => void warnings.push(warning),
    );
    expect(warnings).toMatchObject([{ code: "STORE_DAMAGED", peer: null }]);
    expect(kept.store.history({})).toEqual([]);
    kept.close();
  });
});

describe("KeptMessages", () => {
  it("forgets in small steps, and again every hour, and looks after the disk meanwhile", async () => {
    const clock = new ManualClock();
    /** One takes a millisecond. */
    let workedMs = 0;
    const slow: Clock = {
      nowMs: () => clock.nowMs() + workedMs,
      wallMs: () => clock.wallMs(),
      after: (delayMs, callback) => clock.after(delayMs, callback),
      endOfTurn: (callback) => clock.endOfTurn(callback),
      afterPromises: (callback) => clock.afterPromises(callback),
    };
    /** What is too old at the start, and how it went. */
    let left = 2000;
    const turns: number[] = [];
    let atMs = -1;
    class Store extends MemoryMessageStore {
      override prune(beforeMs: number | undefined, keep: number, atMost = 0): number {
        expect([beforeMs, keep]).toEqual([clock.wallMs() - 60_000, 1_000_000]);
        if (clock.nowMs() !== atMs) turns.push(0);
        atMs = clock.nowMs();
        const pruned = Math.min(left, atMost);
        turns.push((turns.pop() ?? 0) + pruned);
        left -= pruned;
        workedMs += pruned;
        return pruned;
      }
    }
    let retries = 0;
    const kept = new KeptMessages(new Store(), true, async () => void (retries += 1));
    kept.maintain(slow, 60_000);
    await clock.advance(60_000);
    expect(left).toBe(0);
    // No turn takes longer than 40 ms, and every one does something but the last.
    expect(Math.max(...turns)).toBeLessThan(40);
    expect(turns.slice(0, -1).every((pruned) => pruned > 0)).toBe(true);
    expect(retries).toBeGreaterThan(0);
    const before = turns.length;
    await clock.advance(3_600_000);
    expect(turns).toHaveLength(before + 1);
    kept.close();
    expect(clock.pending).toBe(0);
  });
});
