import { afterEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { datagramType } from "../../../src/wire/header.js";
import { MessengerWorld, type Run } from "../../support/messengerWorld.js";
import { idOf } from "../../support/storedMessages.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

/** Both know each other, and bob is gone. */
async function acquainted(): Promise<Run> {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  await world.clock.until(alice.messenger.send("10.0.0.2", "first"));
  await world.close(bob);
  return alice;
}

const DISCOVERY = new Set<number | undefined>([
  DatagramType.beacon,
  DatagramType.query,
  DatagramType.answer,
]);

function isHandshake(bytes: Uint8Array): boolean {
  return datagramType(bytes) === DatagramType.handshakeInit;
}

/** The longest pause of 300 s, and the next look. */
const LONGEST_UNTIL_TRIED_MS = 330_000;

/** Of his second start, after alice and his first. */
const BOBS_SECOND = "10.0.0.3";

function bobHas(text: string): boolean {
  return world
    .store("bob")
    .history({})
    .some((message) => message.text === text);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await world.clock.until(promise);
  } catch (error) {
    if (error instanceof UdpchatError) return error.code;
    throw error;
  }
  return "none";
}

describe("send with queue", () => {
  it("is delivered like any other where somebody is there", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const delivery = await world.clock.until(alice.messenger.send("bob", "hello", { queue: true }));
    expect(delivery).toMatchObject({ status: "delivered", attempts: 1 });
    await world.clock.advance(100);
    expect(bob.shown).toEqual(["hello"]);
    // The call told it: no event does.
    expect(alice.progress).toEqual([]);
    expect(await alice.messenger.outbox()).toEqual([]);
  });

  it("waits for somebody who is known, and goes in order when he is back", async () => {
    const alice = await acquainted();
    for (const text of ["one", "two", "three"]) {
      const queued = await world.clock.until(alice.messenger.send("bob", text, { queue: true }));
      expect(queued).toMatchObject({ status: "queued", to: { name: "bob" }, rttMs: null });
    }
    expect((await alice.messenger.outbox()).map(({ text }) => text)).toEqual([
      "one",
      "two",
      "three",
    ]);
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual(["one", "two", "three"]);
    expect(alice.progress).toEqual(["delivered bob", "delivered bob", "delivered bob"]);
    expect(await alice.messenger.outbox()).toEqual([]);
  });

  it("survives the end of the sender, however it comes", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "kept", { queue: true }));
    alice.kill();
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual([]);
    const again = await world.start("alice");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual(["kept"]);
    expect(again.progress).toEqual(["delivered bob"]);
  });

  it("refuses names that nobody has, and keeps nothing", async () => {
    const alice = await world.start("alice");
    expect(await codeOf(alice.messenger.send("nobody", "x", { queue: true }))).toBe("NO_SUCH_PEER");
    expect(await alice.messenger.outbox()).toEqual([]);
  });

  it("refuses who is blocked", async () => {
    const alice = await acquainted();
    const blocking = alice.messenger.block("bob");
    await world.clock.advance(2000);
    await blocking;
    expect(await codeOf(alice.messenger.send("bob", "x", { queue: true }))).toBe("BLOCKED");
    expect(await alice.messenger.outbox()).toEqual([]);
  });

  it("gets through to an address as soon as somebody answers there", async () => {
    const alice = await world.start("alice");
    const queued = await world.clock.until(
      alice.messenger.send("10.0.0.2", "whoever", { queue: true }),
    );
    expect(queued).toMatchObject({ status: "queued", to: { id: null, address: "10.0.0.2" } });
    await world.clock.advance(1_200_000);
    // It does not announce itself: only trying finds it.
    const bob = await world.start("bob", { announce: false });
    await world.clock.advance(LONGEST_UNTIL_TRIED_MS);
    expect(bob.shown).toEqual(["whoever"]);
    const [kept] = await alice.messenger.history();
    expect(kept).toMatchObject({ state: "delivered", to: { id: bob.messenger.id, name: "bob" } });
  });

  it("tries an address where nobody answers less and less often", async () => {
    const alice = await world.start("alice");
    await world.start("bob", { announce: false });
    let attempts = 0;
    world.segment.drops = (bytes) => {
      if (isHandshake(bytes)) attempts += 1;
      return isHandshake(bytes);
    };
    await world.clock.until(alice.messenger.send("10.0.0.2", "whoever", { queue: true }));
    await world.clock.advance(300_000);
    const early = attempts;
    await world.clock.advance(1_200_000);
    attempts = 0;
    await world.clock.advance(LONGEST_UNTIL_TRIED_MS);
    expect(attempts).toBeGreaterThan(0);
    expect(early).toBeGreaterThan(2 * attempts);
  });

  it("goes to an address at once when somebody who was elsewhere is seen there", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.advance(2000);
    await world.clock.until(alice.messenger.send(BOBS_SECOND, "whoever", { queue: true }));
    await world.clock.advance(1_200_000);
    bob.kill();
    const elsewhere = await world.start("bob");
    await world.clock.advance(5000);
    expect(elsewhere.shown).toEqual(["whoever"]);
  });
});

describe("what is queued", () => {
  it("expires with an event, and goes no more", async () => {
    const alice = await acquainted();
    await world.clock.until(
      alice.messenger.send("bob", "late", { queue: true, ttlMs: 60_000, timeoutMs: 100 }),
    );
    await world.clock.advance(61_000);
    expect(alice.progress).toEqual(["undelivered bob"]);
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual([]);
    expect((await alice.messenger.history()).at(-1)).toMatchObject({
      text: "late",
      state: "undelivered",
      expiresAt: null,
    });
  });

  it("expires also while nothing runs", async () => {
    const alice = await acquainted();
    await world.clock.until(
      alice.messenger.send("bob", "late", { queue: true, ttlMs: 60_000, timeoutMs: 100 }),
    );
    alice.kill();
    await world.clock.advance(61_000);
    const again = await world.start("alice");
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(again.progress).toEqual(["undelivered bob"]);
    expect(bob.shown).toEqual([]);
  });

  it("is dropped by its id or that of its sender", async () => {
    const alice = await acquainted();
    const { id } = await world.clock.until(alice.messenger.send("bob", "one", { queue: true }));
    await world.clock.until(alice.messenger.send("bob", "two", { queue: true, id: "job 2" }));
    const dropped = { state: "undelivered", expiresAt: null };
    expect(await alice.messenger.dropQueued(id)).toMatchObject({ id, text: "one", ...dropped });
    expect(await alice.messenger.dropQueued("job 2")).toMatchObject({ text: "two", ...dropped });
    expect(await codeOf(alice.messenger.dropQueued("job 2"))).toBe("NO_SUCH_MESSAGE");
    await world.clock.advance(100);
    expect(alice.progress).toEqual(["undelivered bob", "undelivered bob"]);
    expect((await alice.messenger.history()).slice(1)).toMatchObject([dropped, dropped]);
    expect(await alice.messenger.outbox()).toEqual([]);
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual([]);
  });

  it("is undelivered at once for a call that waits when it is dropped", async () => {
    const alice = await acquainted();
    const ends = codeOf(alice.messenger.send("10.0.0.2", "one", { queue: true, id: "job 1" }));
    await world.clock.advance(1000);
    await alice.messenger.dropQueued("job 1");
    expect(await ends).toBe("TIMEOUT");
    expect(await alice.messenger.history()).toMatchObject([{}, { state: "undelivered" }]);
  });

  it("goes again and again while somebody is there who does not answer, less and less often", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "at last", { queue: true }));
    const bob = await world.start("bob");
    // Beacons arrive; what is meant for him alone does not.
    let attempts = 0;
    world.segment.drops = (bytes, from, to) => {
      const isLost =
        from.address === "10.0.0.1" && to.address === BOBS_SECOND && isHandshake(bytes);
      if (isLost) attempts += 1;
      return isLost;
    };
    await world.clock.advance(300_000);
    const early = attempts;
    await world.clock.advance(1_200_000);
    attempts = 0;
    await world.clock.advance(300_000);
    expect(attempts).toBeGreaterThan(0);
    expect(early).toBeGreaterThan(2 * attempts);
    expect(bob.shown).toEqual([]);
    world.segment.drops = () => false;
    await world.clock.advance(330_000);
    expect(bob.shown).toEqual(["at last"]);
  });

  it("is taken back when its recipient goes, and is not told as failed", async () => {
    const alice = await acquainted();
    const bob = await world.start("bob");
    await world.clock.advance(2000);
    world.segment.drops = (bytes) => isHandshake(bytes);
    await world.clock.until(alice.messenger.send("bob", "later", { queue: true, timeoutMs: 1000 }));
    const closing = world.close(bob);
    let inVain = 0;
    world.segment.drops = (bytes, from) => {
      if (from.address === "10.0.0.1" && isHandshake(bytes)) inVain += 1;
      return isHandshake(bytes);
    };
    await closing;
    expect(inVain).toBe(0);
    expect(await alice.messenger.outbox()).toMatchObject([{ text: "later", state: "queued" }]);
    world.segment.drops = () => false;
    const back = await world.start("bob");
    await world.clock.advance(2000);
    expect(back.shown).toEqual(["later"]);
  });

  it("goes when its recipient writes to us, whom no broadcast told of", async () => {
    const alice = await acquainted();
    world.segment.drops = (bytes) => DISCOVERY.has(datagramType(bytes));
    await world.clock.until(alice.messenger.send("bob", "later", { queue: true }));
    await world.clock.advance(400_000);
    const bob = await world.start("bob");
    await world.clock.advance(5000);
    expect(bob.shown).toEqual([]);
    await world.clock.until(bob.messenger.send("10.0.0.1", "here I am"));
    await world.clock.advance(1000);
    expect(bob.shown).toEqual(["later"]);
  });

  it("goes in the order of its queueing, however much it is", async () => {
    const alice = await acquainted();
    const texts = Array.from({ length: 50 }, (_, index) => `number ${index}`);
    for (const text of texts) {
      await world.clock.until(alice.messenger.send("bob", text, { queue: true, timeoutMs: 1 }));
    }
    const bob = await world.start("bob");
    await world.clock.advance(10_000);
    expect(bob.shown).toEqual(texts);
  });

  it("goes in that order also where only what was queued later knows an address", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "one", { queue: true, timeoutMs: 1 }));
    const store = world.store("alice");
    const [one] = store.outbox();
    if (one?.to === undefined) throw new Error("nothing is queued");
    const there = { ...one.to, address: "10.0.0.4" };
    store.add({ ...one, id: idOf(2), text: "two", hlc: one.hlc + 1, to: there });
    alice.kill();
    await world.start("alice");
    await world.clock.advance(100);
    const bob = await world.start("bob");
    await world.clock.advance(20_000);
    expect(bob.messenger.status().interfaces[0]?.address).toBe(there.address);
    expect(bob.shown).toEqual(["one", "two"]);
  });

  it("does not go by itself in a program that soon ends", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "later", { queue: true }));
    alice.kill();
    const oneShot = await world.start("alice", { announce: false, receives: false });
    const bob = await world.start("bob");
    await world.clock.advance(60_000);
    expect(bob.shown).toEqual([]);
    const delivery = oneShot.messenger.send("bob", "now", { queue: true });
    expect(await world.clock.until(delivery)).toMatchObject({ status: "delivered" });
    expect(await oneShot.messenger.outbox()).toMatchObject([{ text: "later" }]);
  });

  it("is shown once though its acknowledgement is lost and its sender is killed", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "once", { queue: true }));
    // Whatever bob says is lost from the moment at which he has it.
    const bob = await world.start("bob");
    world.segment.drops = (_bytes, from) => from.address === BOBS_SECOND && bobHas("once");
    await world.clock.advance(3000);
    expect(bob.shown).toEqual(["once"]);
    expect((await alice.messenger.outbox()).length).toBe(1);
    alice.kill();
    world.segment.drops = () => false;
    const again = await world.start("alice");
    await world.clock.advance(10_000);
    expect(again.progress).toEqual(["delivered bob"]);
    expect(bob.shown).toEqual(["once"]);
  });

  it("is told as read, and not as delivered afterwards, if its receipt overtakes", async () => {
    const alice = await acquainted();
    const queued = await world.clock.until(alice.messenger.send("bob", "once", { queue: true }));
    const bob = await world.start("bob");
    world.segment.drops = (_bytes, from) => from.address === BOBS_SECOND && bobHas("once");
    await world.clock.advance(3000);
    alice.kill();
    await bob.messenger.markRead([queued.id]);
    const again = await world.start("alice");
    // Acknowledgements are short, and lost until the receipt is there.
    world.segment.drops = (bytes, from) =>
      from.address === BOBS_SECOND && bytes.length < 60 && again.progress.length === 0;
    await world.clock.advance(20_000);
    expect(again.progress).toEqual(["read bob"]);
    expect(await again.messenger.outbox()).toEqual([]);
  });

  it("is shown once though its receiver is killed before its acknowledgement leaves", async () => {
    const alice = await acquainted();
    await world.clock.until(alice.messenger.send("bob", "once", { queue: true }));
    const bob = await world.start("bob");
    world.segment.drops = (_bytes, from) => from.address === BOBS_SECOND && bobHas("once");
    await world.clock.advance(3000);
    expect(bob.shown).toEqual(["once"]);
    bob.kill();
    world.segment.drops = () => false;
    const again = await world.start("bob");
    await world.clock.advance(60_000);
    expect(alice.progress).toEqual(["delivered bob"]);
    expect(again.shown).toEqual([]);
    expect((await again.messenger.history()).map(({ text }) => text)).toEqual(["first", "once"]);
  });
});

describe("a message on its way when its process is killed", () => {
  it("is given up when nobody can be waiting for it any more, and told", async () => {
    const alice = await acquainted();
    void alice.messenger.send("10.0.0.2", "cut off", { timeoutMs: 20_000 });
    await world.clock.advance(1000);
    alice.kill();
    const again = await world.start("alice");
    await world.clock.advance(45_000);
    expect((await again.messenger.history())[1]).toMatchObject({ state: "sent", expiresAt: null });
    expect(again.progress).toEqual([]);
    await world.clock.advance(10_000);
    expect((await again.messenger.history())[1]).toMatchObject({ state: "undelivered" });
    expect(again.progress).toEqual(["undelivered "]);
  });

  it("is left to another process of the home that is still trying", async () => {
    const alice = await acquainted();
    const shell = await world.start("alice", { announce: false, receives: false });
    void shell.messenger.send("10.0.0.2", "slowly", { timeoutMs: 25_000 }).catch(() => undefined);
    await world.clock.advance(20_000);
    expect((await alice.messenger.history())[1]).toMatchObject({ state: "sent" });
    await world.clock.advance(10_000);
    expect((await alice.messenger.history())[1]).toMatchObject({ state: "undelivered" });
    // The call has told it.
    await world.clock.advance(60_000);
    expect(alice.progress).toEqual([]);
  });

  it("is left to its call, however the clock is set meanwhile", async () => {
    const alice = await acquainted();
    const sent = alice.messenger.send("10.0.0.2", "slowly", { timeoutMs: 25_000 });
    await world.clock.advance(1000);
    world.clock.setWall(3_600_000);
    // Queueing makes the outbox look at its times.
    await world.clock.until(alice.messenger.send("10.0.0.9", "x", { queue: true, timeoutMs: 1 }));
    await world.clock.advance(1000);
    expect((await alice.messenger.history({ query: "slowly" }))[0]).toMatchObject({
      state: "sent",
    });
    expect(await codeOf(sent)).toBe("TIMEOUT");
    expect(alice.progress).toEqual([]);
  });
});
