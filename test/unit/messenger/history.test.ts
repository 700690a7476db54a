import { afterEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import type { HistoryMessage } from "../../../src/messenger/types.js";
import { MessengerWorld } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await world.clock.until(promise);
  } catch (error) {
    if (error instanceof UdpchatError) return error.code;
    throw error;
  }
  return "none";
}

function textsOf(messages: readonly HistoryMessage[]): string[] {
  return messages.map(({ text }) => text);
}

describe("history", () => {
  it("is asked for by words, peer and group, also of peers that are gone", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const carol = await world.start("carol");
    await world.clock.until(alice.messenger.send("bob", "green apples"));
    await world.clock.until(alice.messenger.send("carol", "red apples"));
    await world.clock.until(carol.messenger.send("alice", "red pears"));
    const group = await alice.messenger.join("#ops");
    await world.clock.advance(5);
    await world.clock.until(group.say("apples for all"));
    await world.close(bob, carol);
    const { messenger } = alice;
    expect(textsOf(await messenger.history({ query: "apples" }))).toEqual([
      "green apples",
      "red apples",
      "apples for all",
    ]);
    expect(textsOf(await messenger.history({ query: " apples  red " }))).toEqual(["red apples"]);
    expect(textsOf(await messenger.history({ peer: "carol" }))).toEqual([
      "red apples",
      "red pears",
    ]);
    const prefix = carol.messenger.id.slice(0, 8);
    expect(await messenger.history({ peer: prefix })).toHaveLength(2);
    expect(textsOf(await messenger.history({ group: "#ops" }))).toEqual(["apples for all"]);
    expect(textsOf(await messenger.history({ limit: 2 }))).toEqual(["red pears", "apples for all"]);
    const all: HistoryMessage[] = [];
    for await (const message of messenger.exportHistory()) all.push(message);
    expect(all).toEqual(await messenger.history());
  });

  it("has as many of the latest as fit into the bytes that are wanted", async () => {
    const alice = await world.start("alice");
    await world.start("bob");
    for (const text of ["a".repeat(3000), "\0".repeat(1000), "short", "last"]) {
      await world.clock.until(alice.messenger.send("bob", text));
    }
    const latest = async (maxBytes: number): Promise<string[]> =>
      textsOf(await alice.messenger.history({ maxBytes })).map((text) => text.slice(0, 5));
    expect(await latest(100)).toEqual([]);
    expect(await latest(6000)).toEqual(["short", "last"]);
    // A NUL takes six bytes, and every message some 700 beside its text.
    expect(await latest(10_000)).toEqual(["\0".repeat(5), "short", "last"]);
    expect(await latest(20_000)).toHaveLength(4);
  });

  it("refuses what names nobody and nothing", async () => {
    const { messenger } = await world.start("alice");
    expect(await codeOf(messenger.history({ peer: "nobody" }))).toBe("NO_SUCH_PEER");
    expect(await codeOf(messenger.history({ group: "ops" }))).toBe("INVALID_GROUP");
    expect(await codeOf(messenger.history({ limit: 0 }))).toBe("INVALID_ARGUMENT");
    // Somebody whom nobody here has met.
    expect(await messenger.history({ peer: "ab".repeat(32) })).toEqual([]);
  });

  it("finds whom we know behind a stranger of the same name", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.until(alice.messenger.send("bob", "hello"));
    await world.close(bob);
    await world.start("other", { name: "bob" });
    await world.clock.advance(3000);
    expect(textsOf(await alice.messenger.history({ peer: "bob" }))).toEqual(["hello"]);
    const queued = await world.clock.until(
      alice.messenger.send("bob", "later", { queue: true, timeoutMs: 2000 }),
    );
    expect(queued).toMatchObject({ status: "queued", to: { id: bob.messenger.id } });
  });
});

describe("a messenger without a store", () => {
  it("sends and is written to, but keeps and queues nothing", async () => {
    const alice = await world.start("alice", { store: "none" });
    const bob = await world.start("bob");
    await world.clock.until(alice.messenger.send("bob", "hello"));
    await world.clock.until(bob.messenger.send("alice", "hello"));
    await world.clock.advance(100);
    expect([alice.shown, bob.shown]).toEqual([["hello"], ["hello"]]);
    expect(await codeOf(alice.messenger.history())).toBe("STORE_UNUSABLE");
    expect(await codeOf(alice.messenger.send("bob", "x", { queue: true }))).toBe("STORE_UNUSABLE");
    expect(await codeOf(alice.messenger.send("bob", "x", { id: "1" }))).toBe("STORE_UNUSABLE");
    expect(await alice.messenger.outbox()).toEqual([]);
  });
});
