import { afterEach, describe, expect, it } from "vitest";
import type { MessageStore } from "../../../src/store/messageStore.js";
import { MessengerWorld } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

/** A store whose batches are told. */
function watched(store: MessageStore, told: string[]): MessageStore {
  return new Proxy(store, {
    get(target, key) {
      if (key === "batch") {
        return (durability: "promise" | "soon", work: () => unknown) => {
          told.push(durability);
          return work();
        };
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A store that gives each step up at its end, and runs it once more. */
function failingOnce(store: MessageStore): MessageStore {
  return new Proxy(store, {
    get(target, key) {
      if (key === "batch") {
        return (durability: "promise" | "soon", work: () => unknown) => {
          const failing = (): never => {
            work();
            throw new Error("no room");
          };
          expect(() => target.batch(durability, failing)).toThrow("no room");
          return target.batch(durability, work);
        };
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("what arrives", () => {
  it("is in the history of both, once, in the words of each", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.until(alice.messenger.send("bob", "hello"));
    await world.clock.until(bob.messenger.send("alice", "and you"));
    const [sent, answer] = await alice.messenger.history();
    expect(sent).toMatchObject({
      scope: "direct",
      own: true,
      state: "delivered",
      text: "hello",
      from: { id: alice.messenger.id, name: "alice", trust: "verified" },
      to: { id: bob.messenger.id, name: "bob" },
      receipts: [{ status: "delivered", peer: { name: "bob" } }],
      late: false,
      expiresAt: null,
    });
    expect(answer).toMatchObject({ own: false, state: "unread", receipts: [] });
    expect(
      await bob.messenger.history({ query: "HEL".toLowerCase(), peer: "alice" }),
    ).toMatchObject([{ id: sent?.id, own: false, from: { name: "alice" }, to: { name: "bob" } }]);
  });

  it("is stored with a promise before it is acknowledged", async () => {
    const alice = await world.start("alice");
    const told: string[] = [];
    await world.start("bob", {}, (store) => watched(store, told));
    await world.clock.advance(1000);
    const before = told.length;
    let acknowledged = 0;
    world.segment.drops = (_bytes, from) => {
      const isKept = world.store("bob").history({}).length > 0;
      if (from.address === "10.0.0.2" && isKept) acknowledged += 1;
      return false;
    };
    await world.clock.until(alice.messenger.send("bob", "hello"));
    expect(told.slice(before)).toContain("promise");
    expect(acknowledged).toBeGreaterThan(0);
  });

  it("is stored and shown once though the disk fails in the middle of every step", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob", {}, failingOnce);
    await world.clock.until(alice.messenger.send("bob", "hello"));
    await world.clock.until(bob.messenger.send("alice", "and you", { id: "job 1" }));
    const [arrived] = await bob.messenger.history();
    await bob.messenger.markRead([arrived?.id ?? ""]);
    await alice.messenger.markRead((await alice.messenger.history()).map(({ id }) => id));
    await world.clock.advance(1000);
    expect([alice.shown, bob.shown]).toEqual([["and you"], ["hello"]]);
    expect([alice.progress, bob.progress]).toEqual([["read bob"], ["read alice"]]);
    expect(await bob.messenger.history()).toMatchObject([{ state: "read" }, { state: "read" }]);
  });

  it("is not acknowledged if it cannot be stored at all", async () => {
    const alice = await world.start("alice");
    let fails = false;
    const bob = await world.start("bob", {}, (store) => {
      return new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (key === "add" && fails) {
            return () => {
              throw new Error("no room");
            };
          }
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    });
    await world.clock.advance(1000);
    fails = true;
    const errors: unknown[] = [];
    const caught = (error: unknown): void => void errors.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", caught);
    const sent = alice.messenger.send("bob", "hello", { timeoutMs: 3000 });
    const outcome = await world.clock.until(
      sent.then(
        () => "delivered",
        () => "undelivered",
      ),
    );
    process.off("uncaughtException", caught);
    for (const listener of others) process.on("uncaughtException", listener);
    expect(outcome).toBe("undelivered");
    expect(errors).not.toEqual([]);
    expect(bob.shown).toEqual([]);
    bob.kill();
  });

  it("is shown to whoever writes to himself", async () => {
    const alice = await world.start("alice");
    await world.clock.until(alice.messenger.send("10.0.0.1", "note"));
    await world.clock.advance(100);
    expect(alice.shown).toEqual(["note"]);
    expect(await alice.messenger.history()).toMatchObject([{ own: true, state: "delivered" }]);
  });

  it("is left out of the history if nobody is shown it", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob", { requireVerified: true });
    const atAlice = await alice.messenger.join("#ops");
    await bob.messenger.join("#ops");
    await world.clock.advance(3000);
    await world.clock.until(atAlice.say("to all"));
    await world.clock.advance(1000);
    expect(await bob.messenger.history()).toEqual([]);
  });
});

describe("a line of a group", () => {
  it("is said once it is kept, and is in everybody's history", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const atAlice = await alice.messenger.join("#ops");
    await bob.messenger.join("#ops");
    await world.clock.advance(3000);
    const id = await world.clock.until(atAlice.say("hello"));
    expect(await alice.messenger.history({ group: "#ops" })).toMatchObject([
      { id, own: true, state: "sent", group: "#ops", scope: "group", to: null },
    ]);
    await world.clock.advance(1000);
    expect(await bob.messenger.history({ group: "#OPS" })).toMatchObject([
      { id, own: false, state: "unread", text: "hello" },
    ]);
    expect(bob.shown).toEqual(["hello"]);
  });

  it("is shown by every process of a home that is in the group", async () => {
    const alice = await world.start("alice");
    const here = await world.start("bob");
    const there = await world.start("bob", { announce: false });
    const atAlice = await alice.messenger.join("#ops");
    await here.messenger.join("#ops");
    await there.messenger.join("#ops");
    await world.clock.advance(3000);
    await world.clock.until(atAlice.say("hello"));
    await world.clock.advance(1000);
    expect([here.shown, there.shown]).toEqual([["hello"], ["hello"]]);
    expect(await here.messenger.history()).toHaveLength(1);
  });

  it("goes on after a restart, at once, with what was kept", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const atAlice = await alice.messenger.join("#ops");
    await bob.messenger.join("#ops");
    await world.clock.advance(3000);
    await world.clock.until(atAlice.say("before"));
    alice.kill();
    const again = await world.start("alice");
    const back = await again.messenger.join("#ops");
    await world.clock.until(back.say("after"));
    await world.clock.advance(10_000);
    expect(bob.shown).toEqual(["before", "after"]);
    expect(again.shown).toEqual([]);
    const texts = (await again.messenger.history()).map(({ text }) => text);
    expect(texts).toEqual(["before", "after"]);
    const joins = bob.told.filter(
      (event) => event.type === "presence" && event.presence.event === "join",
    );
    expect(joins).toEqual([]);
  });
});
