import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HistoryDesk } from "../../../src/messenger/historyDesk.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { HistoryMessage } from "../../../src/messenger/types.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-home-"));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

/** What waits for the disk is not in the hands of the clock. */
async function close(clock: ManualClock, messenger: Messenger): Promise<void> {
  const closing = messenger.close();
  await clock.advance(10_000);
  await closing;
}

it("tells what a home keeps while nothing runs there, and drops what is queued", async () => {
  const clock = new ManualClock();
  const segment = new MemorySegment();
  const parts = { openLan: segment.open, clock };
  const alice = await Messenger.open({ name: "alice", home }, parts);
  const bob = await Messenger.open({ name: "bob", ephemeral: true }, parts);
  const { id } = await clock.until(alice.send("bob", "hello"));
  await close(clock, bob);
  const queued = await clock.until(alice.send("bob", "later", { queue: true, id: "job 1" }));
  await close(clock, alice);

  const desk = await HistoryDesk.open({ home });
  const all = await desk.history();
  expect(all).toMatchObject([
    { id, own: true, state: "delivered", from: { id: alice.id }, to: { name: "bob" } },
    { id: queued.id, state: "queued", clientId: "job 1" },
  ]);
  expect(await desk.history({ peer: "bob", query: "LATE" })).toEqual([all[1]]);
  await expect(desk.history({ peer: "carol" })).rejects.toMatchObject({ code: "NO_SUCH_PEER" });
  const exported: HistoryMessage[] = [];
  for await (const message of desk.exportHistory()) exported.push(message);
  expect(exported).toEqual(all);
  expect(await desk.outbox()).toEqual([all[1]]);
  expect(await desk.dropQueued(queued.id.slice(-4))).toMatchObject({ id: queued.id });
  expect(await desk.outbox()).toEqual([]);
  expect((await desk.history())[1]).toMatchObject({ id: queued.id, state: "undelivered" });
  await expect(desk.dropQueued(queued.id)).rejects.toMatchObject({ code: "NO_SUCH_MESSAGE" });
  await desk.close();
});

it("makes nothing in a home where nobody was yet, nor where nothing was kept", async () => {
  const nothing = async (): Promise<void> => {
    const desk = await HistoryDesk.open({ home });
    expect(await desk.history()).toEqual([]);
    expect(await desk.outbox()).toEqual([]);
    for await (const message of desk.exportHistory()) expect.unreachable(message.text);
    await expect(desk.history({ peer: "bob" })).rejects.toMatchObject({ code: "NO_SUCH_PEER" });
    await expect(desk.dropQueued("0001")).rejects.toMatchObject({ code: "NO_SUCH_MESSAGE" });
    await desk.markRead(["0001"]);
    expect(desk.openingWarnings).toEqual([]);
    await desk.close();
  };
  await nothing();
  expect(await readdir(home)).toEqual([]);
  await rm(home, { recursive: true });
  await nothing();
  expect(existsSync(home)).toBe(false);

  const clock = new ManualClock();
  const parts = { openLan: new MemorySegment().open, clock };
  await close(clock, await Messenger.open({ home, store: "none" }, parts));
  const files = await readdir(home);
  await nothing();
  expect(await readdir(home)).toEqual(files);
});

it("marks as read, which is told when a messenger runs, or to nobody", async () => {
  const clock = new ManualClock();
  const parts = { openLan: new MemorySegment().open, clock };
  const alice = await Messenger.open({ name: "alice", home }, parts);
  const bob = await Messenger.open({ name: "bob", ephemeral: true }, parts);
  const told: string[] = [];
  void (async () => {
    for await (const event of bob.events()) {
      if (event.type === "delivery") told.push(`${event.progress.status} ${event.progress.id}`);
    }
  })();
  const ids: string[] = [];
  for (const text of ["private", "public"]) {
    ids.push((await clock.until(bob.send("alice", text))).id);
  }
  await close(clock, alice);

  for (const [index, readReceipts] of [false, true].entries()) {
    const desk = await HistoryDesk.open({ home, readReceipts });
    await desk.markRead([ids[index] ?? "", "0".repeat(32)]);
    expect((await desk.history())[index]).toMatchObject({ state: "read" });
    await desk.close();
  }
  const again = await Messenger.open({ name: "alice", home }, parts);
  await clock.advance(10_000);
  expect(told).toEqual([`read ${ids[1]}`]);
  await close(clock, again);
  await close(clock, bob);
});
