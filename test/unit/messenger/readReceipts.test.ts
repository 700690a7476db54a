import { afterEach, expect, it } from "vitest";
import { storeRead } from "../../../src/messenger/readReceipts.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { MessengerWorld, type Run } from "../../support/messengerWorld.js";
import { deviceOf, idOf, incoming, partyOf } from "../../support/storedMessages.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

async function unreadIds({ messenger }: Run): Promise<string[]> {
  const messages = await messenger.history();
  return messages.filter(({ state }) => state === "unread").map(({ id }) => id);
}

it("tells authors that a person was shown their messages, and when", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  await world.clock.until(alice.messenger.send("bob", "one"));
  await world.clock.until(alice.messenger.send("bob", "two"));
  const [one] = await unreadIds(bob);
  await bob.messenger.markRead([one ?? "", "0".repeat(32)]);
  await world.clock.advance(1000);
  expect(alice.progress).toEqual(["read bob"]);
  const atAlice = await alice.messenger.history();
  expect(atAlice).toMatchObject([
    { text: "one", state: "read", receipts: [{ status: "read", peer: { name: "bob" } }] },
    { text: "two", state: "delivered", receipts: [{ status: "delivered" }] },
  ]);
  // Once is enough.
  await bob.messenger.markRead([one ?? ""]);
  await world.clock.advance(60_000);
  expect(alice.progress).toEqual(["read bob"]);
  expect(world.store("bob").receiptsOwed(alice.messenger.id, 9)).toEqual([]);
});

it("owes the receipt until its author is there, across restarts", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  await world.clock.until(alice.messenger.send("bob", "one"));
  await world.close(alice);
  await bob.messenger.markRead(await unreadIds(bob));
  await world.clock.advance(5000);
  bob.kill();
  await world.start("bob");
  const again = await world.start("alice");
  await world.clock.advance(5000);
  expect(again.progress).toEqual(["read bob"]);
});

it("tells nobody where that is switched off", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob", { readReceipts: false });
  await world.clock.until(alice.messenger.send("bob", "one"));
  await bob.messenger.markRead(await unreadIds(bob));
  await world.clock.advance(60_000);
  expect(await unreadIds(bob)).toEqual([]);
  expect(alice.progress).toEqual([]);
  expect(await alice.messenger.history()).toMatchObject([{ state: "delivered" }]);
});

it("keeps to itself what was read while that was switched off, and what is owed while it is", async () => {
  const alice = await world.start("alice");
  const silent = await world.start("bob", { readReceipts: false });
  await world.clock.until(alice.messenger.send("bob", "one"));
  await silent.messenger.markRead(await unreadIds(silent));
  await world.close(silent);
  const open = await world.start("bob");
  await world.clock.until(alice.messenger.send("bob", "two"));
  await world.close(alice);
  await open.messenger.markRead(await unreadIds(open));
  await world.close(open);
  await world.start("bob", { readReceipts: false });
  const again = await world.start("alice");
  await world.clock.advance(60_000);
  expect([alice.progress, again.progress]).toEqual([[], []]);
});

it("believes only the device that a message was written to", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  const mallory = await world.start("mallory");
  const { id } = await world.clock.until(alice.messenger.send("bob", "one"));
  await world.clock.until(mallory.messenger.send("alice", "hello"));
  // What a liar would have in his store.
  world.store("mallory").add({
    id,
    author: { device: alice.messenger.id, name: "alice", address: "", port: 0 },
    own: false,
    text: "one",
    sentAtMs: 0,
    storedAtMs: 0,
    hlc: 0,
    state: "unread",
    to: { device: mallory.messenger.id, name: "mallory", address: "", port: 0 },
  });
  await mallory.messenger.markRead([id]);
  await world.clock.advance(5000);
  expect(world.store("mallory").receiptsOwed(alice.messenger.id, 9)).toEqual([]);
  expect(alice.progress).toEqual([]);
  expect((await alice.messenger.history())[0]).toMatchObject({ state: "delivered" });
  await bob.messenger.markRead([id]);
  await world.clock.advance(5000);
  expect(alice.progress).toEqual(["read bob"]);
});

it("takes no message for read because somebody else's has the same id", () => {
  const store = new MemoryMessageStore();
  for (const author of [partyOf("b"), partyOf("c")]) store.add(incoming(1, "hello", { author }));
  store.add(incoming(2, "hello again"));
  expect([...storeRead(store, [idOf(1), idOf(2)], true)]).toEqual([deviceOf("b")]);
  expect(store.receiptsOwed(deviceOf("b"), 9)).toEqual([idOf(2)]);
  expect(store.receiptsOwed(deviceOf("c"), 9)).toEqual([]);
  expect(store.unread([idOf(1)])).toHaveLength(2);
});
