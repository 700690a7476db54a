import { mkdtemp, rm } from "node:fs/promises";
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
  await rm(home, { recursive: true });
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
  expect(await desk.dropQueued("job 1")).toMatchObject({ id: queued.id });
  expect(await desk.outbox()).toEqual([]);
  await expect(desk.dropQueued(queued.id)).rejects.toMatchObject({ code: "NO_SUCH_MESSAGE" });
  await desk.close();
});
