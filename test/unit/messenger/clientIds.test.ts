import { afterEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import type { Run } from "../../support/messengerWorld.js";
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

function send(run: Run, text: string, options: object = {}): Promise<unknown> {
  return run.messenger.send("bob", text, { id: "job 1", ...options });
}

describe("send with an id of the caller's", () => {
  it("sends once, and answers the same again", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const first = await world.clock.until(alice.messenger.send("bob", "hello", { id: "job 1" }));
    const second = await world.clock.until(alice.messenger.send("bob", "hello", { id: "job 1" }));
    expect(second).toMatchObject({ id: first.id, status: "delivered", attempts: 0 });
    await world.clock.advance(1000);
    expect(bob.shown).toEqual(["hello"]);
  });

  it("is one message for calls at the same time, whatever they are waiting for", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const both = Promise.all([send(alice, "hello"), send(alice, "hello"), send(alice, "hello")]);
    const [first, ...others] = await world.clock.until(both);
    for (const other of others) expect(other).toMatchObject({ id: Object(first).id });
    await world.clock.advance(1000);
    expect(bob.messenger.status().counters["messagesReceived"]).toBe(1);
    expect(bob.shown).toEqual(["hello"]);
  });

  it("holds across restarts and processes of a home", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.until(send(alice, "hello"));
    const other = await world.start("alice", { announce: false, receives: false });
    expect(await world.clock.until(send(other, "hello"))).toMatchObject({ status: "delivered" });
    alice.kill();
    const again = await world.start("alice");
    expect(await world.clock.until(send(again, "hello"))).toMatchObject({ status: "delivered" });
    await world.clock.advance(1000);
    expect(bob.shown).toEqual(["hello"]);
  });

  it("refuses another text or another recipient", async () => {
    const alice = await world.start("alice");
    await world.start("bob");
    await world.start("carol");
    await world.clock.until(send(alice, "hello"));
    expect(await codeOf(send(alice, "goodbye"))).toBe("INVALID_ARGUMENT");
    const toCarol = alice.messenger.send("carol", "hello", { id: "job 1" });
    expect(await codeOf(toCarol)).toBe("INVALID_ARGUMENT");
    for (const id of ["", "x".repeat(65), "né"]) {
      expect(await codeOf(alice.messenger.send("bob", "x", { id }))).toBe("INVALID_ARGUMENT");
    }
  });

  it("goes again under the same id where nobody acknowledged it, and is shown once", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.advance(1000);
    world.segment.drops = (_bytes, from) =>
      from.address === "10.0.0.2" && world.store("bob").history({}).length > 0;
    expect(await codeOf(send(alice, "hello"))).toBe("TIMEOUT");
    const [unsure] = await alice.messenger.history();
    expect(unsure).toMatchObject({ state: "undelivered", clientId: "job 1" });
    world.segment.drops = () => false;
    const again = await world.clock.until(send(alice, "hello"));
    expect(again).toMatchObject({ id: unsure?.id, status: "delivered" });
    await world.clock.advance(1000);
    expect(bob.shown).toEqual(["hello"]);
    expect(await alice.messenger.history()).toMatchObject([{ state: "delivered" }]);
  });

  it("stays queued, and can be queued again after it has expired", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.until(alice.messenger.send("bob", "first"));
    await world.close(bob);
    const terms = { queue: true, ttlMs: 30_000 };
    const queued = await world.clock.until(send(alice, "hello", terms));
    expect(await world.clock.until(send(alice, "hello"))).toEqual(queued);
    expect(await alice.messenger.outbox()).toHaveLength(1);
    await world.clock.advance(40_000);
    expect(alice.progress).toEqual(["undelivered bob"]);
    expect(await world.clock.until(send(alice, "hello", terms))).toEqual(queued);
    const again = await world.start("bob");
    await world.clock.advance(5000);
    expect(again.shown).toEqual(["hello"]);
  });

  it("is an answer of a message that expires while its call waits", async () => {
    const alice = await world.start("alice");
    const ends = codeOf(
      alice.messenger.send("10.0.0.9", "x", { queue: true, ttlMs: 1000, timeoutMs: 9000 }),
    );
    expect(await ends).toBe("TIMEOUT");
    expect(await alice.messenger.history()).toMatchObject([{ state: "undelivered" }]);
    expect(alice.progress).toEqual([]);
  });
});
