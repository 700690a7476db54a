/** What messengers do for and against one another, with keys and names. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { MessengerEvent, MessengerOptions } from "../../../src/messenger/types.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { datagramType, isOurs } from "../../../src/wire/header.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

let clock: ManualClock;
let segment: MemorySegment;
let open: Messenger[];
let seed: number;
let home: string;
beforeEach(async () => {
  clock = new ManualClock();
  segment = new MemorySegment();
  open = [];
  seed = 100;
  home = await mkdtemp(join(tmpdir(), "udpchat-messenger-"));
});
afterEach(async () => {
  await until(Promise.all(open.map((messenger) => messenger.close())));
  await rm(home, { recursive: true, force: true });
});

/**
 * Lets time pass until it settles. What the disk and Argon2 take is no time of this clock: it
 * advances a little and waits for them.
 */
async function until<T>(promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const settle = (): void => void (state.settled = true);
  promise.then(settle, settle);
  for (let turn = 0; !state.settled && turn < 20_000; turn += 1) {
    await clock.advance(1);
    if (turn % 10 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    if (turn % 1000 === 999) await delay(100);
  }
  if (!state.settled) throw new Error("nothing settles the promise");
  return promise;
}

async function start(name: string, options: MessengerOptions = {}): Promise<Messenger> {
  seed += 1;
  const messenger = await Messenger.open(
    { name, ephemeral: options.home === undefined, ...options },
    { openLan: segment.open, clock, random: new SeededRandom(seed) },
  );
  open.push(messenger);
  return messenger;
}

async function stop(messenger: Messenger): Promise<void> {
  await until(messenger.close());
  open = open.filter((other) => other !== messenger);
}

/** What came of it: a code, or `none`. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await until(promise);
  } catch (error) {
    if (error instanceof UdpchatError) return error.code;
    throw error;
  }
  return "none";
}

/** Everything that happens, as it happens. */
function recorded(messenger: Messenger): MessengerEvent[] {
  const events: MessengerEvent[] = [];
  void (async () => {
    for await (const event of messenger.events()) events.push(event);
  })();
  return events;
}

function messagesOf(events: readonly MessengerEvent[]) {
  return events.flatMap((event) => (event.type === "message" ? [event.message] : []));
}

function warningsOf(events: readonly MessengerEvent[]) {
  return events.flatMap((event) => (event.type === "warning" ? [event.warning] : []));
}

async function met(one: Messenger, count: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < 4000 && one.peers().length < count; waitedMs += 10) {
    await clock.advance(10);
  }
  expect(one.peers()).toHaveLength(count);
}

const trustIn = (messenger: Messenger, other: Messenger) =>
  messenger.peers().find(({ id }) => id === other.id)?.trust;

describe("first use", () => {
  it("makes both sides known to each other; the first message comes from a stranger", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    const events = recorded(bob);
    await met(alice, 1);
    expect(trustIn(alice, bob)).toBe("unknown");
    const { to } = await until(alice.send("bob", "one"));
    expect(to.trust).toBe("known");
    await until(alice.send("bob", "two"));
    expect(messagesOf(events).map(({ from }) => from.trust)).toEqual(["unknown", "known"]);
    expect([trustIn(alice, bob), trustIn(bob, alice)]).toEqual(["known", "known"]);
  });

  it("is kept in the home", async () => {
    const bob = await start("bob");
    const before = await start("alice", { home });
    await until(before.ask("bob", "?").catch(() => undefined));
    await until(before.send("bob", "hello"));
    await stop(before);
    const after = await start("alice", { home });
    await met(after, 1);
    expect(trustIn(after, bob)).toBe("known");
  });
});

describe("a squatter of a nickname", () => {
  it("cannot make it ambiguous, and is warned of", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    await until(alice.send("bob", "hello"));
    const events = recorded(alice);
    const squatter = await start("BOB");
    const other = await start("bob");
    await met(alice, 3);
    expect([trustIn(alice, squatter), trustIn(alice, other)]).toEqual(["conflict", "conflict"]);
    const { to } = await until(alice.send("bob", "for bob"));
    expect(to.id).toBe(bob.id);
    expect(warningsOf(events).map(({ code, peer }) => [code, peer?.id])).toEqual(
      expect.arrayContaining([
        ["KEY_CHANGED", squatter.id],
        ["KEY_CHANGED", other.id],
      ]),
    );
    expect(warningsOf(events)).toHaveLength(2);
    await until(other.send("alice", "it is me, bob"));
    expect(messagesOf(events)[0]?.from.trust).toBe("conflict");
  });

  it("is warned of where only his message comes", async () => {
    const alice = await start("alice");
    await start("bob");
    await until(alice.send("bob", "hello"));
    const events = recorded(alice);
    const hidden = await start("bob", { announce: false });
    await until(hidden.send("alice", "it is me, bob"));
    expect(messagesOf(events)[0]?.from.trust).toBe("conflict");
    expect(warningsOf(events)).toMatchObject([{ code: "KEY_CHANGED", peer: { id: hidden.id } }]);
    const group = await until(alice.join("#ops"));
    const other = await start("bob", { announce: false });
    await until(other.join("#ops")).then((joined) => until(joined.say("me, too")));
    await clock.advance(500);
    expect(group.members()).toMatchObject([{ trust: "conflict" }]);
    expect(warningsOf(events).map(({ peer }) => peer?.id)).toEqual([hidden.id, other.id]);
  });

  it("gets nothing by that name when the one that we know is away", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    await until(alice.send("bob", "hello"));
    await stop(bob);
    const squatter = await start("bob");
    const events = recorded(squatter);
    await met(alice, 2);
    const short = squatter.id.slice(0, 4);
    // The one that we know has a place in the roster still: it is him that is tried.
    expect(await codeOf(alice.send("bob", "secret"))).toBe("TIMEOUT");
    expect(messagesOf(events)).toEqual([]);
    for (const target of [`bob~${short}`, squatter.id, "10.0.0.3"]) {
      await until(alice.send(target, `to ${target}`));
    }
    expect(messagesOf(events)).toHaveLength(3);
    expect(trustIn(alice, squatter)).toBe("conflict");
  });

  it("is refused with what to do where nobody else answers to the name", async () => {
    const bob = await start("bob");
    const before = await start("alice", { home });
    await until(before.send("bob", "hello"));
    await stop(before);
    await stop(bob);
    const squatter = await start("bob");
    const alice = await start("alice", { home, announce: false });
    await expect(until(alice.send("bob", "secret"))).rejects.toMatchObject({
      code: "KEY_CHANGED",
      remedy: expect.stringContaining(`udpchat verify bob~${squatter.id.slice(0, 4)}`),
    });
    await until(alice.verify(`bob~${squatter.id.slice(0, 4)}`));
    expect((await until(alice.send("bob", "now"))).to).toMatchObject({
      id: squatter.id,
      trust: "verified",
    });
  });

  it("that answers first does not keep the one that we know from being found", async () => {
    const bobsHome = join(home, "bob");
    const bob = await start("bob", { home: bobsHome });
    const before = await start("alice", { home: join(home, "alice") });
    await until(before.send("bob", "hello"));
    await stop(before);
    await stop(bob);
    await start("bob");
    const alice = await start("alice", { home: join(home, "alice"), announce: false });
    const outcome = alice.send("bob", "hello again");
    outcome.catch(() => undefined);
    // The squatter has answered, and a namesake would have had its time.
    await clock.advance(300);
    await start("bob", { home: bobsHome });
    expect((await until(outcome)).to).toMatchObject({ id: bob.id, trust: "known" });
  });
});

describe("verify", () => {
  it("shows both sides the same code, and marks whom it was compared with", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    await met(alice, 1);
    const ours = await until(alice.verificationCode("bob"));
    const theirs = await until(bob.verificationCode(alice.id.slice(0, 8)));
    expect(theirs.code).toBe(ours.code);
    expect(ours.peer).toMatchObject({ id: bob.id, trust: "unknown", address: "10.0.0.2" });
    const { peer } = await until(alice.verify("10.0.0.2", theirs.code.replaceAll(" ", "")));
    expect(peer).toMatchObject({ id: bob.id, trust: "verified" });
    expect(trustIn(alice, bob)).toBe("verified");
    expect(trustIn(bob, alice)).toBe("unknown");
  });

  it("refuses another code, and what is none", async () => {
    const alice = await start("alice");
    await start("bob");
    const wrong = "00000 11111 22222 33333 44444";
    await expect(until(alice.verify("bob", wrong))).rejects.toMatchObject({
      code: "CODE_MISMATCH",
      message: expect.stringContaining("THE CODES DIFFER"),
    });
    expect(await codeOf(alice.verify("bob", "1234"))).toBe("INVALID_ARGUMENT");
    expect(alice.peers().map(({ trust }) => trust)).toEqual(["unknown"]);
  });

  it.each(["verificationCode", "verify", "block"] as const)(
    "and the like say who is nobody, and who is ourselves: %s",
    async (method) => {
      const alice = await start("alice");
      expect(await codeOf(alice[method]("nobody"))).toBe("NO_SUCH_PEER");
      for (const self of ["alice", alice.id, alice.id.slice(0, 8), "10.0.0.1:22400"]) {
        expect(await codeOf(alice[method](self))).toBe("INVALID_ARGUMENT");
      }
    },
  );

  it("finds who is away, if it was there before", async () => {
    const bob = await start("bob");
    const before = await start("alice", { home });
    await until(before.send("bob", "hello"));
    await stop(before);
    await stop(bob);
    const alice = await start("alice", { home });
    const { peer } = await until(alice.verify("bob"));
    expect(peer).toEqual({ id: bob.id, name: "bob", address: "", port: 0, trust: "verified" });
  });
});

describe("block", () => {
  it("ends everything with a key, however it is named, until it is taken back", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    const events = recorded(alice);
    await until(bob.send("alice", "hello"));
    const blocked = await until(alice.block("bob"));
    expect(blocked).toMatchObject({ id: bob.id, name: "bob", trust: "blocked" });
    expect(alice.peers()).toEqual([]);
    expect(alice.blockedPeers()).toEqual([
      { id: bob.id, name: "bob", address: "", port: 0, trust: "blocked" },
    ]);
    const names = ["bob", `bob~${bob.id.slice(0, 4)}`, bob.id.slice(0, 8), bob.id];
    for (const name of names) expect(await codeOf(alice.send(name, "hi"))).toBe("BLOCKED");
    expect(await codeOf(alice.verify("bob"))).toBe("BLOCKED");
    expect(await codeOf(alice.block(bob.id.slice(0, 8)))).toBe("none");
    const seen = messagesOf(events).length;
    expect(await codeOf(bob.send("10.0.0.1", "let me in"))).not.toBe("none");
    expect(messagesOf(events)).toHaveLength(seen);

    expect(await codeOf(alice.unblock("carol"))).toBe("NO_SUCH_PEER");
    expect((await until(alice.unblock("bob"))).trust).toBe("known");
    expect(alice.blockedPeers()).toEqual([]);
    expect(await codeOf(alice.send("bob", "welcome back"))).toBe("none");
  });

  it("asks which one is meant where a stranger has the name of somebody known", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    await until(alice.verify("bob"));
    const squatter = await start("bob");
    await clock.advance(1000);
    expect(await codeOf(alice.block("bob"))).toBe("AMBIGUOUS_PEER");
    await until(alice.block(bob.id.slice(0, 8)));
    // The name is still that of the one who was known.
    expect(await codeOf(alice.send("bob", "hi"))).toBe("KEY_CHANGED");
    expect(alice.peers()).toMatchObject([{ id: squatter.id, trust: "conflict" }]);
  });

  it("holds for an address, too", async () => {
    const alice = await start("alice");
    await start("bob");
    await until(alice.block("10.0.0.2"));
    expect(await codeOf(alice.send("10.0.0.2", "hi"))).toBe("BLOCKED");
  });

  it("outlasts the run", async () => {
    const bob = await start("bob");
    const before = await start("alice", { home });
    await until(before.block("bob"));
    await stop(before);
    const alice = await start("alice", { home });
    const events = recorded(alice);
    expect(await codeOf(bob.send("10.0.0.2", "hi"))).not.toBe("none");
    await clock.advance(3000);
    expect(alice.peers()).toEqual([]);
    expect(messagesOf(events)).toEqual([]);
  });

  it("is not forgotten in silence when the file is damaged", async () => {
    await writeFile(join(home, "trust.json"), "{");
    const alice = await start("alice", { home });
    expect(alice.openingWarnings).toMatchObject([{ code: "TRUST_DAMAGED" }]);
    const [, kept = ""] = /kept as (\S+):/.exec(alice.openingWarnings[0]?.message ?? "") ?? [];
    expect(await readFile(kept, "utf8")).toBe("{");
    const events = recorded(alice);
    await clock.advance(1);
    expect(warningsOf(events)).toMatchObject([{ code: "TRUST_DAMAGED" }]);
  });
});

describe("requireVerified", () => {
  it("sends nothing to who is not verified, by name or address", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    const events = recorded(bob);
    const options = { requireVerified: true };
    // Not even a handshake, where the roster knows whose key it is.
    let handshakes = 0;
    segment.drops = (bytes) => {
      if (isOurs(bytes) && datagramType(bytes) === DatagramType.handshakeInit) handshakes += 1;
      return false;
    };
    expect(await codeOf(alice.send("bob", "secret", options))).toBe("NOT_VERIFIED");
    expect(handshakes).toBe(0);
    for (const target of ["bob", "10.0.0.2"]) {
      expect(await codeOf(alice.send(target, "secret", options))).toBe("NOT_VERIFIED");
      expect(await codeOf(alice.ask(target, "secret", options))).toBe("NOT_VERIFIED");
    }
    expect(messagesOf(events)).toEqual([]);
    await until(alice.verify("bob"));
    for (const target of ["bob", "10.0.0.2"]) {
      expect(await codeOf(alice.send(target, "secret", options))).toBe("none");
    }
    expect(messagesOf(events)).toHaveLength(2);
  });

  it("of a whole messenger leaves others out of everything", async () => {
    const alice = await start("alice", { requireVerified: true });
    const bob = await start("bob");
    const carol = await start("carol");
    alice.handle(({ from }) => `hello ${from.name}`);
    await met(alice, 2);
    await until(alice.verify("carol"));
    const events = recorded(alice);
    const group = await until(alice.join("#ops"));
    for (const other of [bob, carol]) {
      const joined = await until(other.join("#ops"));
      await clock.advance(200);
      await until(joined.say(`I am ${other.name}`));
      // Nobody would see it: bob must not believe that it was delivered.
      const code = await codeOf(other.send("alice", "direct", { timeoutMs: 500 }));
      expect(code).toBe(other === bob ? "TIMEOUT" : "none");
    }
    await clock.advance(500);
    expect(group.members()).toHaveLength(2);
    expect(await codeOf(bob.ask("alice", "?"))).toBe("REFUSED");
    expect((await until(carol.ask("alice", "?"))).text).toBe("hello carol");
    expect(await codeOf(alice.send("bob", "no"))).toBe("NOT_VERIFIED");
    expect(messagesOf(events).map(({ from, text }) => [from.name, text])).toEqual([
      ["carol", "I am carol"],
      ["carol", "direct"],
    ]);
    const presence = events.flatMap((event) => (event.type === "presence" ? [event.presence] : []));
    expect(presence.map(({ peer }) => peer.name)).not.toContain("bob");
  });

  it("of a handler refuses requests of others alone", async () => {
    const alice = await start("alice");
    const bob = await start("bob");
    const carol = await start("carol");
    let asked = 0;
    alice.handle(() => `${(asked += 1)}`, { requireVerified: true });
    await met(alice, 2);
    await until(alice.verify("carol"));
    expect(await codeOf(bob.ask("alice", "?"))).toBe("REFUSED");
    expect((await until(carol.ask("alice", "?"))).text).toBe("1");
    expect(asked).toBe(1);
  });
});
