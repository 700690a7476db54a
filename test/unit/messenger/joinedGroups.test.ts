/** Secret groups between messengers: one name, one group; who is given keys and who loses them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { UdpchatError } from "../../../src/errors.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { Group, MessengerEvent, MessengerOptions } from "../../../src/messenger/types.js";
import { groupKeysFile } from "../../../src/store/groupKeys.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

const PASSPHRASE = "correct horse battery staple";

let clock = new ManualClock();
let segment = new MemorySegment();
let opened: Messenger[] = [];
afterEach(async () => {
  await clock.until(Promise.all(opened.map((messenger) => messenger.close())));
  clock = new ManualClock();
  segment = new MemorySegment();
  opened = [];
});

async function open(name: string, options: MessengerOptions = {}): Promise<Messenger> {
  const random = new SeededRandom(opened.length + 1);
  const messenger = await Messenger.open(
    { name, ephemeral: true, ...options },
    { openLan: segment.open, clock, random },
  );
  opened.push(messenger);
  return messenger;
}

/** Everything that it publishes, as it comes. */
function follow(events: AsyncIterable<MessengerEvent>): MessengerEvent[] {
  const seen: MessengerEvent[] = [];
  void (async () => {
    for await (const event of events) seen.push(event);
  })();
  return seen;
}

function texts(events: readonly MessengerEvent[]): string[] {
  return events.flatMap((event) => (event.type === "message" ? [event.message.text] : []));
}

function warnings(events: readonly MessengerEvent[]): string[] {
  return events.flatMap((event) => (event.type === "warning" ? [event.warning.code] : []));
}

const secret = (messenger: Messenger): Promise<Group> =>
  messenger.join("#ops", { secret: true, passphrase: PASSPHRASE });

describe("a name", () => {
  it("stands for the secret group once its key is kept, and is free when that is forgotten", async () => {
    const alice = await open("alice");
    const first = await secret(alice);
    expect(first).toMatchObject({ label: "#ops", secret: true });
    expect(await alice.join("#Ops")).toBe(first);
    await clock.until(first.leave());
    const again = await alice.join("#ops");
    expect(again.secret).toBe(true);
    await clock.until(again.leave());
    expect(await alice.forgetGroup("#OPS")).toBe(true);
    expect((await alice.join("#ops")).secret).toBe(false);
  });

  it("is not both: the open group is left first", async () => {
    const alice = await open("alice");
    const first = await alice.join("#ops");
    for (const options of [{ secret: true }, { passphrase: PASSPHRASE }, { kept: true }]) {
      await expect(alice.join("#ops", options)).rejects.toMatchObject({ code: "INVALID_GROUP" });
    }
    await expect(alice.invite("bob", "#ops")).rejects.toMatchObject({ code: "INVALID_GROUP" });
    await expect(alice.removeMember("bob", "#ops")).rejects.toMatchObject({
      code: "INVALID_GROUP",
    });
    await clock.until(first.leave());
    expect((await secret(alice)).secret).toBe(true);
  });

  it("has nothing to do with the open group of another", async () => {
    const alice = await open("alice");
    const bob = await open("bob");
    const eve = await open("eve");
    const heardByEve = follow((await eve.join("#ops")).events());
    const heardByBob = follow((await secret(bob)).events());
    const group = await secret(alice);
    await clock.advance(1000);
    await group.say("psst");
    await clock.advance(1000);
    expect(texts(heardByBob)).toEqual(["psst"]);
    expect(heardByEve).toEqual([]);
  });

  it("lends no name to plain text in a secret group", async () => {
    const alice = await open("alice");
    const events = follow(alice.events());
    const { address, port } = await secret(alice);
    const from = { address: "10.0.0.9", port: 9 };
    const how = { via: "group", group: { address, port } } as const;
    segment.deliver(encodeUtf8("hello"), from, () => true, how);
    await clock.advance(10);
    expect(events).toMatchObject([{ message: { scope: "plain", group: null } }]);
  });
});

describe("an invitation", () => {
  it("gives the key, and joins nothing by itself", async () => {
    const alice = await open("alice");
    const bob = await open("bob");
    const atBob = follow(bob.events());
    const group = await secret(alice);
    await clock.advance(1000);
    const invited = await clock.until(alice.invite("bob", "#ops"));
    expect(invited).toMatchObject({ group: "#ops", to: { id: bob.id, name: "bob" } });
    await clock.advance(10);
    expect(atBob.filter(({ type }) => type === "invitation")).toMatchObject([
      { invitation: { group: "#ops", from: { id: alice.id } } },
    ]);
    expect(bob.groups()).toEqual([]);
    expect(await bob.invitations()).toHaveLength(1);
    await bob.join("#ops", { secret: true });
    await clock.advance(1000);
    await group.say("welcome");
    await clock.advance(1000);
    expect(texts(atBob)).toEqual(["welcome"]);
  });

  it("that nobody takes ends as a message does", async () => {
    const alice = await open("alice");
    await secret(alice);
    const nobody = clock.until(alice.invite("10.0.0.77:9", "#ops", { timeoutMs: 100 }));
    await expect(nobody).rejects.toMatchObject({ code: "TIMEOUT" });
    await expect(alice.invite("bob", "#dev")).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
  });

  it("goes to no unknown at an address where only verified peers are asked for", async () => {
    const alice = await open("alice");
    const bob = await open("bob");
    await secret(alice);
    const invited = alice.invite("10.0.0.2:22400", "#ops", { requireVerified: true });
    await expect(clock.until(invited)).rejects.toMatchObject({ code: "NOT_VERIFIED" });
    await clock.advance(1000);
    expect(await bob.invitations()).toEqual([]);
  });
});

describe("a removal", () => {
  it("changes the key for everybody else, and ends the membership of who is removed", async () => {
    const alice = await open("alice");
    const bob = await open("bob");
    const carol = await open("carol");
    const group = await secret(alice);
    const atBob = follow(bob.events());
    const carols = await secret(carol);
    const inCarolsChat = follow(carols.events());
    await secret(bob);
    await clock.advance(2000);
    const removal = await clock.until(alice.removeMember("carol", "#ops"));
    expect(removal).toMatchObject({ peer: { id: carol.id, name: "carol" }, by: { id: alice.id } });
    await clock.advance(2000);
    await group.say("without carol");
    await clock.advance(2000);
    expect(texts(atBob)).toEqual(["without carol"]);
    expect(atBob.filter(({ type }) => type === "removed")).toMatchObject([
      { removal: { group: "#ops", peer: { name: "carol" }, by: { name: "alice" } } },
    ]);
    expect(warnings(inCarolsChat)).toEqual(["GROUP_REMOVED"]);
    expect(texts(inCarolsChat)).toEqual([]);
    expect(carols.ended.aborted).toBe(true);
    expect(carol.groups()).toEqual([]);
    await expect(carols.say("x")).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
    await expect(carol.join("#ops")).rejects.toMatchObject({ code: "NO_GROUP_KEY" });
  });

  it("is of somebody who is known, and not of oneself", async () => {
    const alice = await open("alice");
    await secret(alice);
    const code = "NO_SUCH_PEER";
    await expect(alice.removeMember("nobody", "#ops")).rejects.toMatchObject({ code });
    await expect(alice.removeMember(alice.id, "#ops")).rejects.toMatchObject({
      code: "INVALID_TARGET",
    });
    await expect(alice.removeMember("bob", "#dev")).rejects.toMatchObject({
      code: "NOT_A_MEMBER",
    });
  });
});

it("keeps changed keys for the next start", async () => {
  const home = await mkdtemp(join(tmpdir(), "udpchat-joined-"));
  try {
    const alice = await open("alice", { home, ephemeral: false, announce: false });
    await secret(alice);
    await alice.removeMember("ab".repeat(32), "#ops");
    // Whoever was told of the removal can lose power now.
    const kept = await groupKeysFile(join(home, "groupKeys.json")).list();
    expect(kept.groups.get("#ops")?.epoch).toBe(1);
  } finally {
    await rm(home, { recursive: true });
  }
});

describe("a member that only talks", () => {
  it("is given new keys, and shows what is written to it alone", async () => {
    const alice = await open("alice");
    const bob = await open("bob", { announce: false, receives: false });
    const group = await secret(alice);
    const chat = follow((await secret(bob)).events());
    const stranger = "ab".repeat(32);
    await clock.advance(2000);
    await clock.until(alice.removeMember(stranger, "#ops"));
    await clock.advance(2000);
    await group.say("under the new key");
    await clock.advance(2000);
    await clock.until(alice.send("10.0.0.2:22400", "just you"));
    await clock.advance(10);
    expect(texts(chat)).toEqual(["under the new key", "just you"]);
  });

  it("shows nothing once who followed it has stopped reading", async () => {
    const alice = await open("alice");
    const bob = await open("bob", { announce: false, receives: false });
    await secret(alice);
    const chat = (await secret(bob)).events()[Symbol.asyncIterator]();
    await clock.advance(2000);
    await clock.until(alice.send("10.0.0.2:22400", "to a reader"));
    await chat.return?.();
    const unseen = alice.send("10.0.0.2:22400", "to nobody", { timeoutMs: 3000 });
    await expect(clock.until(unseen)).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("acknowledges nothing that nobody is shown, and takes keys and replies all the same", async () => {
    const alice = await open("alice");
    const oneShot = await open("one-shot", { announce: false, receives: false });
    alice.handle(({ text }) => text.toUpperCase());
    const group = await secret(alice);
    const talk = await secret(oneShot);
    await clock.advance(2000);
    const to = "10.0.0.2:22400";
    const sendings: Promise<unknown>[] = [
      alice.send(to, "short", { timeoutMs: 3000 }),
      alice.send(to, "long ".repeat(5000), { timeoutMs: 3000 }),
      alice.ask(to, "anybody?", { timeoutMs: 3000 }),
    ];
    const unseen = sendings.map((sending) =>
      clock.until(sending.catch(({ code }: UdpchatError) => code)),
    );
    const asked = clock.until(oneShot.ask("10.0.0.1", "time?", { timeoutMs: 2000 }));
    expect((await asked).text).toBe("TIME?");
    expect(await Promise.all(unseen)).toEqual(["TIMEOUT", "TIMEOUT", "TIMEOUT"]);
    expect(oneShot.status().counters.messagesReceived).toBe(0);
    await clock.until(alice.removeMember("ab".repeat(32), "#ops"));
    await clock.advance(5000);
    const chat = follow(talk.events());
    await group.say("under the new key");
    await clock.advance(2000);
    expect(texts(chat)).toEqual(["under the new key"]);
  });
});

it("a member with another passphrase is told that it cannot read the others", async () => {
  const alice = await open("alice");
  const dave = await open("dave");
  const group = await secret(alice);
  const wrong = await dave.join("#ops", { secret: true, passphrase: "another one entirely" });
  const chat = follow(wrong.events());
  await clock.advance(1000);
  await group.say("not for dave");
  await clock.advance(10_000);
  expect(warnings(chat)).toContain("GROUP_KEY_UNKNOWN");
  expect(texts(chat)).toEqual([]);
});
