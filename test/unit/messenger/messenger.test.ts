import { afterEach, describe, expect, it } from "vitest";
import { identityFromSeed } from "../../../src/crypto/identity.js";
import { UdpchatError } from "../../../src/errors.js";
import { KeptMessages } from "../../../src/messenger/keptMessages.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import {
  type MessengerEvent,
  type MessengerOptions,
  UndeliveredError,
} from "../../../src/messenger/types.js";
import type { LanHandlers } from "../../../src/net/lan.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** Messengers on one segment and one clock, closed after each test. */
class World {
  readonly clock = new ManualClock();
  readonly segment = new MemorySegment();
  readonly #open: Messenger[] = [];
  #seed = 7;

  async messenger(name: string, options: MessengerOptions = {}): Promise<Messenger> {
    this.#seed += 1;
    const messenger = await Messenger.open(
      { name, ephemeral: true, ...options },
      {
        openLan: this.segment.open,
        clock: this.clock,
        random: new SeededRandom(this.#seed),
        lookUp: async (host) => {
          if (host === "slow.test") {
            await new Promise<void>((resolve) => this.clock.after(2000, resolve));
            return "10.0.0.2";
          }
          if (host === "bob.test") return "10.0.0.2";
          if (host === "group.test") return "239.1.2.3";
          throw new UdpchatError("NAME_NOT_RESOLVED", `the name ${host} has no IPv4 address`);
        },
      },
    );
    this.#open.push(messenger);
    return messenger;
  }

  async closeAll(): Promise<void> {
    const closing = Promise.all(this.#open.map((messenger) => messenger.close()));
    await this.clock.until(closing);
  }
}

let world = new World();
afterEach(async () => {
  await world.closeAll();
  world = new World();
});

/** Takes the next events of a kind without waiting for more. */
async function nextOf<Type extends MessengerEvent["type"]>(
  events: AsyncIterable<MessengerEvent>,
  type: Type,
): Promise<Extract<MessengerEvent, { type: Type }>> {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await world.clock.until(iterator.next());
    if (done === true) throw new Error("the events ended");
    if (isOfType(value, type)) return value;
  }
}

function isOfType<Type extends MessengerEvent["type"]>(
  event: MessengerEvent,
  type: Type,
): event is Extract<MessengerEvent, { type: Type }> {
  return event.type === type;
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

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/** Lets time pass until the roster has somebody, and no more. */
async function untilMet(messenger: Messenger): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2000 && messenger.peers().length === 0; waitedMs += 1) {
    await world.clock.advance(1);
  }
  expect(messenger.peers()).toHaveLength(1);
}

describe("discover", () => {
  it("yields the peers that answer and ends at its timeout", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    await world.messenger("hidden", { announce: false });
    const peers = await world.clock.until(collect(alice.discover({ timeoutMs: 700 })));
    expect(peers.map(({ name, id }) => [name, id])).toEqual([["bob", bob.id]]);
    expect(world.clock.nowMs()).toBe(700);
  });

  it("ends early when aborted and when closed", async () => {
    const alice = await world.messenger("alice");
    const abort = new AbortController();
    const aborted = collect(alice.discover({ timeoutMs: 60_000, signal: abort.signal }));
    const closed = collect(alice.discover({ timeoutMs: 60_000 }));
    await world.clock.advance(10);
    abort.abort();
    expect(await aborted).toEqual([]);
    await world.clock.until(alice.close(), 7000);
    expect(await closed).toEqual([]);
  });
});

describe("send", () => {
  it("resolves on delivery, to an address, a nickname, an id and a DNS name", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    const events = bob.events();
    for (const target of ["10.0.0.2", "10.0.0.2:22400", "bob", bob.id.slice(0, 6), "bob.test"]) {
      const delivery = await world.clock.until(alice.send(target, `to ${target}`));
      expect(delivery).toMatchObject({ status: "delivered", to: { id: bob.id }, attempts: 1 });
      const { message } = await nextOf(events, "message");
      expect(message).toMatchObject({
        id: delivery.id,
        scope: "direct",
        text: `to ${target}`,
        group: null,
        verified: true,
        from: { id: alice.id, name: "alice", address: "10.0.0.1", port: 22_400 },
      });
    }
  });

  it("keeps the order of the calls", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    const events = bob.events();
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
    await world.clock.until(Promise.all(texts.map((text) => alice.send("bob", text))));
    for (const text of texts) {
      expect((await nextOf(events, "message")).message.text).toBe(text);
    }
  });

  it("keeps the order of the calls while a name is looked for", async () => {
    const alice = await world.messenger("alice", { announce: false });
    await world.clock.advance(100);
    const bob = await world.messenger("bob");
    const events = bob.events();
    const first = alice.send("bob", "first");
    // The roster has bob while the first call still waits for a namesake.
    await untilMet(alice);
    const second = alice.send("bob", "second");
    await world.clock.until(Promise.all([first, second]));
    expect((await nextOf(events, "message")).message.text).toBe("first");
    expect((await nextOf(events, "message")).message.text).toBe("second");
  });

  it("keeps the order of the calls while a host is looked up that becomes a nickname", async () => {
    const alice = await world.messenger("alice");
    const first = alice.send("slow.test", "first");
    const bob = await world.messenger("slow.test");
    const events = bob.events();
    await untilMet(alice);
    const second = alice.send("slow.test", "second");
    await world.clock.until(Promise.all([first, second]));
    expect((await nextOf(events, "message")).message.text).toBe("first");
    expect((await nextOf(events, "message")).message.text).toBe("second");
  });

  it("is not told as delivered by who does not receive, who can ask all the same", async () => {
    const alice = await world.messenger("alice");
    const oneShot = await world.messenger("one-shot", { receives: false });
    alice.handle(({ text }) => text.toUpperCase());
    expect(await codeOf(alice.send("10.0.0.2", "seen?"))).toBe("TIMEOUT");
    expect((await world.clock.until(oneShot.ask("10.0.0.1", "time?"))).text).toBe("TIME?");
  });

  it("times out naming the target, and does not try any longer", async () => {
    const alice = await world.messenger("alice", { announce: false });
    const sending = alice.send("10.0.0.9", "anybody?", { timeoutMs: 1500 });
    await expect(world.clock.until(sending)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: "no acknowledgement from 10.0.0.9 within 1.5 s",
    });
    expect(world.clock.nowMs()).toBe(1500);
    const sent = alice.status().counters.socketDatagramsSent;
    expect(sent).toBeGreaterThan(2);
    await world.clock.advance(20_000);
    expect(alice.status().counters.socketDatagramsSent).toBe(sent);
  });

  it("tells what became of a message that was not delivered, and to whom it went", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob", { receives: false });
    await untilMet(alice);
    const outcome = async (target: string): Promise<unknown> => {
      const sending = alice.send(target, "anybody?", { timeoutMs: 1500 });
      const error = await world.clock.until(sending.catch((thrown: unknown) => thrown));
      expect(error).toMatchObject({ code: "TIMEOUT" });
      return error instanceof UndeliveredError ? error.delivery : undefined;
    };
    const undelivered = {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      status: "undelivered",
      rttMs: null,
      attempts: null,
    };
    expect(await outcome("10.0.0.9:7")).toEqual({
      ...undelivered,
      to: { id: null, name: "", address: "10.0.0.9", port: 7, trust: null },
    });
    expect(await outcome("bob")).toEqual({
      ...undelivered,
      to: { id: bob.id, name: "bob", address: "10.0.0.2", port: 22_400, trust: "unknown" },
    });
    expect(await outcome("slow.test")).toBeUndefined();
  });

  it("refuses at once what cannot be one peer", async () => {
    const alice = await world.messenger("alice", { broadcasts: ["10.9.9.255"] });
    for (const target of ["0.0.0.0", "224.0.1.100", "255.255.255.255", "10.0.0.255", "#ops"]) {
      expect(await codeOf(alice.send(target, "x"))).toBe("INVALID_TARGET");
      expect(await codeOf(alice.ask(target, "x"))).toBe("INVALID_TARGET");
    }
    expect(await codeOf(alice.send("10.9.9.255", "x"))).toBe("INVALID_TARGET");
    expect(await codeOf(alice.send("group.test", "x"))).toBe("INVALID_TARGET");
    expect(world.clock.nowMs()).toBe(0);
  });

  it("asks whether another case was meant", async () => {
    const alice = await world.messenger("alice");
    await world.messenger("bob");
    await expect(world.clock.until(alice.send("BOB", "x"))).rejects.toMatchObject({
      code: "NO_SUCH_PEER",
      remedy: "did you mean bob?",
    });
  });

  it("rejects at once when aborted", async () => {
    const alice = await world.messenger("alice");
    const abort = new AbortController();
    const sending = alice.send("10.0.0.9", "anybody?", { signal: abort.signal });
    const code = codeOf(sending);
    abort.abort();
    expect(await code).toBe("ABORTED");
    expect(await codeOf(alice.send("10.0.0.9", "x", { signal: abort.signal }))).toBe("ABORTED");
  });

  it("refuses what is too large, and takes what just fits", async () => {
    const alice = await world.messenger("alice");
    await world.messenger("bob");
    await expect(alice.send("bob", "x".repeat(65_537))).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
      message: "the message has 65537 bytes: at most 65536 fit",
      remedy: "send it in parts or as a file",
    });
    const delivery = await world.clock.until(alice.send("bob", "é".repeat(32_768)));
    expect(delivery.status).toBe("delivered");
  });

  it("asks the network for a name before it says that nobody has it", async () => {
    const alice = await world.messenger("alice");
    expect(await codeOf(alice.send("nobody", "x"))).toBe("NO_SUCH_PEER");
    expect(world.clock.nowMs()).toBe(1200);
  });

  it("finds a name whose owner heard the last query alone", async () => {
    world.segment.drops = () => world.clock.nowMs() < 600;
    const bob = await world.messenger("bob");
    const alice = await world.messenger("alice", { announce: false });
    const delivery = await world.clock.until(alice.send("bob", "x"));
    expect(delivery.to.id).toBe(bob.id);
  });

  it("finds a name whose owner is heard of while it is looked for", async () => {
    const alice = await world.messenger("alice", { announce: false });
    const bob = await world.messenger("bob");
    // Alice is not heard until her last query went out, and Bob's second beacon is.
    world.segment.drops = (_bytes, from) =>
      from.address === "10.0.0.1" && world.clock.nowMs() < 700;
    const startedAtMs = world.clock.nowMs();
    const delivery = await world.clock.until(alice.send(bob.id, "x"));
    expect(delivery.to.id).toBe(bob.id);
    expect(world.clock.nowMs()).toBeLessThan(startedAtMs + 1200);
  });

  it("does not choose between two peers of one name", async () => {
    const alice = await world.messenger("alice");
    const first = await world.messenger("bob");
    const second = await world.messenger("bob");
    const sending = world.clock.until(alice.send("bob", "which?"));
    await expect(sending).rejects.toMatchObject({ code: "AMBIGUOUS_PEER" });
    const delivery = await world.clock.until(alice.send(`bob~${second.id.slice(0, 4)}`, "you"));
    expect(delivery.to.id).toBe(second.id);
    expect(first.id.slice(0, 4)).not.toBe(second.id.slice(0, 4));
  });

  it("rejects bad targets and ports", async () => {
    const alice = await world.messenger("alice");
    expect(await codeOf(alice.send("10.0.0.2:99999", "x"))).toBe("INVALID_PORT");
    expect(await codeOf(alice.send("", "x"))).toBe("INVALID_TARGET");
    expect(await codeOf(alice.send("nas.test", "x"))).toBe("NAME_NOT_RESOLVED");
  });
});

describe("ask", () => {
  it("resolves with the reply of the newest handler", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    bob.handle(() => "old");
    const remove = bob.handle(({ text, from }) => `${from.name} said ${text}`);
    const reply = await world.clock.until(alice.ask("bob", "ping"));
    expect(reply).toMatchObject({ text: "alice said ping", from: { id: bob.id } });
    remove();
    expect((await world.clock.until(alice.ask("bob", "ping"))).text).toBe("old");
  });

  it("tells failures of the handler, over-long replies and no handler apart", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    expect(await codeOf(alice.ask("bob", "x"))).toBe("NO_HANDLER");
    bob.handle(({ text }) => {
      if (text === "long") return "x".repeat(65_537);
      throw new Error("the disk is full");
    });
    await expect(world.clock.until(alice.ask("bob", "x"))).rejects.toMatchObject({
      code: "HANDLER_FAILED",
      message: "the request failed at bob: the disk is full",
    });
    await expect(world.clock.until(alice.ask("bob", "long"))).rejects.toMatchObject({
      code: "HANDLER_FAILED",
      message: expect.stringContaining("the reply is too long"),
    });
  });

  it("says that it was delivered when only the reply is missing", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    bob.handle(() => new Promise<string>(() => undefined));
    await expect(
      world.clock.until(alice.ask("bob", "x", { timeoutMs: 2000 })),
    ).rejects.toMatchObject({ code: "TIMEOUT", message: "delivered, but no reply within 2 s" });
  });
});

describe("groups", () => {
  it("carries messages both ways, and tells who is there", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    const atAlice = await alice.join("#Ops");
    const atBob = await bob.join("#ops");
    expect(atAlice.label).toBe("#ops");
    const heardByAlice = atAlice.events();
    const heardByBob = atBob.events();
    await world.clock.advance(1000);
    const id = await atAlice.say("hello");
    const { message } = await nextOf(heardByBob, "message");
    expect(message).toMatchObject({ id, scope: "group", group: "#ops", text: "hello" });
    expect(message.verified).toBe(true);
    await atBob.say("hello yourself");
    expect((await nextOf(heardByAlice, "message")).message.text).toBe("hello yourself");
    expect(atAlice.members().map(({ id }) => id)).toEqual([bob.id]);
  });

  it("counts who is there: not who left or fell silent", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    const carol = await world.messenger("carol");
    const atAlice = await alice.join("#ops");
    const atBob = await bob.join("#ops");
    await carol.join("#ops");
    await world.clock.advance(3000);
    const names = (): string[] =>
      atAlice
        .members()
        .map(({ name }) => name)
        .toSorted();
    expect(names()).toEqual(["bob", "carol"]);
    await world.clock.until(atBob.leave());
    await world.clock.advance(100);
    expect(names()).toEqual(["carol"]);
    world.segment.drops = () => true;
    await world.clock.advance(600_000);
    expect(names()).toEqual([]);
  });

  it("is one membership however often it is joined, until it is left", async () => {
    const alice = await world.messenger("alice");
    const [first, second] = await Promise.all([alice.join("#ops"), alice.join("#ops")]);
    expect(first).toBe(second);
    expect(alice.status().groups).toEqual(["#ops"]);
    const rest = collect(first.events());
    await world.clock.until(first.leave());
    expect(await rest).toEqual([]);
    expect(alice.groups()).toEqual([]);
    await expect(first.say("x")).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
    const again = await alice.join("#ops");
    expect(again).not.toBe(first);
    expect(await again.say("back")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("ends the events of a group that was left", async () => {
    const alice = await world.messenger("alice");
    const group = await alice.join("#ops");
    await world.clock.until(group.leave());
    expect(await collect(group.events())).toEqual([]);
  });

  it("rejects what is no group", async () => {
    const alice = await world.messenger("alice");
    expect(await codeOf(alice.join("10.0.0.1"))).toBe("INVALID_GROUP");
  });
});

describe("events", () => {
  it("tells who comes and goes", async () => {
    const alice = await world.messenger("alice");
    const events = alice.events();
    const bob = await world.messenger("bob");
    const came = await nextOf(events, "presence");
    expect(came.presence).toMatchObject({
      event: "online",
      group: null,
      peer: { id: bob.id, name: "bob" },
      online: 1,
    });
    await world.clock.until(bob.close());
    const went = await nextOf(events, "presence");
    expect(went.presence).toMatchObject({ event: "offline", peer: { id: bob.id }, online: 0 });
  });

  it("keeps what was acknowledged before anybody listened", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    await world.clock.until(alice.send("10.0.0.2", "precious"));
    expect((await nextOf(bob.events(), "message")).message.text).toBe("precious");
  });

  it("tells that the interfaces changed", async () => {
    let changed: LanHandlers["interfacesChanged"] = () => undefined;
    const alice = await Messenger.open(
      { ephemeral: true, name: "alice" },
      {
        openLan: (options, handlers) => {
          changed = handlers.interfacesChanged;
          return world.segment.open(options, handlers);
        },
        clock: world.clock,
      },
    );
    const { interfaces } = alice.status();
    changed(interfaces);
    expect(await nextOf(alice.events(), "interfaces")).toEqual({ type: "interfaces", interfaces });
    await world.clock.until(alice.close());
  });

  it("shows plain text from anybody, unverified", async () => {
    const alice = await world.messenger("alice");
    const events = alice.events();
    const from = { address: "10.0.0.77", port: 5000 };
    const to = { address: "10.0.0.1", port: 22_400 };
    world.segment.inject(Uint8Array.of(0xff, 0xfe), from, to);
    world.segment.inject(encodeUtf8("21.5 °C\n"), from, to);
    const { message } = await nextOf(events, "message");
    expect(message).toMatchObject({
      id: null,
      scope: "plain",
      text: "21.5 °C",
      sentAt: null,
      verified: false,
      from: { id: null, ...from },
    });
    expect(alice.status().counters.plainDropped).toBe(1);
  });
});

describe("open", () => {
  it("closes the sockets again if a later part fails", async () => {
    const broken = {
      bytes(countBytes: number): Uint8Array {
        if (countBytes === 32) return new Uint8Array(32);
        throw new Error("no more chance");
      },
      uniform: () => 0.5,
    };
    const opening = Messenger.open(
      { ephemeral: true, name: "alice" },
      { openLan: world.segment.open, clock: world.clock, random: broken },
    );
    await expect(opening).rejects.toThrow("no more chance");
    expect(world.segment.openCount).toBe(0);
  });

  it("leaves nothing open if the store fails at the last step", async () => {
    class Broken extends MemoryMessageStore {
      override prune(): number {
        throw new Error("no such table");
      }
    }
    const opening = Messenger.open(
      { ephemeral: true, name: "alice" },
      {
        openLan: world.segment.open,
        clock: world.clock,
        openMessages: async () => new KeptMessages(new Broken(), true),
      },
    );
    await expect(opening).rejects.toThrow("no such table");
    expect(world.segment.openCount).toBe(0);
  });

  it("refuses ports that nobody could find", async () => {
    expect(await codeOf(world.messenger("alice", { discoveryPort: 0 }))).toBe("INVALID_PORT");
    expect(await codeOf(world.messenger("alice", { discoveryPort: 22_400 }))).toBe("INVALID_PORT");
    expect(world.segment.openCount).toBe(0);
  });

  it("is the identity of its seed", async () => {
    const random = new SeededRandom(3);
    const alice = await Messenger.open(
      { ephemeral: true, name: "alice" },
      { openLan: world.segment.open, clock: world.clock, random },
    );
    expect(alice.id).toBe(identityFromSeed(new SeededRandom(3).bytes(32)).device);
    await world.clock.until(alice.close());
  });

  it("rejects names, ports and addresses that cannot be", async () => {
    const code = (options: MessengerOptions): Promise<string> =>
      codeOf(Messenger.open({ ephemeral: true, ...options }, { openLan: world.segment.open }));
    expect(await code({ name: "" })).toBe("INVALID_NAME");
    expect(await code({ name: "é".repeat(17) })).toBe("INVALID_NAME");
    expect(await code({ name: "a\u001b[31m" })).toBe("INVALID_NAME");
    expect(await code({ port: 65_536 })).toBe("INVALID_PORT");
    expect(await code({ port: 5000, discoveryPort: 5000 })).toBe("INVALID_PORT");
    expect(await code({ broadcasts: ["lan"] })).toBe("INVALID_ARGUMENT");
    expect(world.segment.openCount).toBe(0);
  });

  it("tells what failed while opening", async () => {
    const alice = await Messenger.open(
      { ephemeral: true, name: "alice" },
      {
        openLan: (options, handlers) => {
          handlers.trouble({ where: "membership", code: "ENODEV" });
          return world.segment.open(options, handlers);
        },
        clock: world.clock,
      },
    );
    const { warning } = await nextOf(alice.events(), "warning");
    expect(warning).toMatchObject({ code: "NETWORK", message: "membership: ENODEV" });
    await world.clock.until(alice.close());
  });

  it("leaves out a configured peer whose name is unknown, and says so", async () => {
    const alice = await world.messenger("alice", { peers: ["nas.test", "bob.test:1234"] });
    const { warning } = await nextOf(alice.events(), "warning");
    expect(warning).toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("nas.test"),
    });
  });
});

describe("close", () => {
  it("waits until everything is sent that was said", async () => {
    const alice = await world.messenger("alice");
    const bob = await world.messenger("bob");
    const atAlice = await alice.join("#ops");
    const atBob = await bob.join("#ops");
    const events = collect(atBob.events());
    await world.clock.advance(3000);
    const said = Array.from({ length: 15 }, () => atAlice.say("x".repeat(65_536)));
    await world.clock.until(alice.close());
    await Promise.all(said);
    await world.clock.until(bob.close());
    const lines = (await events).filter(({ type }) => type === "message");
    expect(lines).toHaveLength(15);
  });

  it("rejects what waits, ends what iterates, frees the network, and can be repeated", async () => {
    const alice = await world.messenger("alice");
    const group = await alice.join("#ops");
    const events = collect(alice.events());
    const sending = codeOf(alice.send("10.0.0.9", "x", { timeoutMs: 60_000 }));
    const asking = codeOf(alice.ask("nobody", "x", { timeoutMs: 60_000 }));
    await world.clock.advance(10);
    const closing = alice.close();
    expect(alice.close()).toBe(closing);
    expect(await sending).toBe("CLOSED");
    expect(await asking).toBe("CLOSED");
    await world.clock.until(closing, 6500);
    await events;
    expect(world.segment.openCount).toBe(0);
    expect(world.clock.pending).toBe(0);
    expect(await codeOf(alice.send("10.0.0.2", "x"))).toBe("CLOSED");
    expect(await codeOf(alice.join("#ops"))).toBe("CLOSED");
    expect(await codeOf(group.say("x"))).not.toBe("none");
    expect(await codeOf(collect(alice.discover()))).toBe("CLOSED");
  });
});
