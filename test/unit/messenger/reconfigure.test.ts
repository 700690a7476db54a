/** What changes while a messenger is open, and what goes on as if nothing had happened. */
import { afterEach, expect, it } from "vitest";
import { MessengerWorld, type Run } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

const namesSeenBy = ({ messenger }: Run): string[] => messenger.peers().map(({ name }) => name);
const handshakes = ({ messenger }: Run): number | undefined =>
  messenger.status().counters["handshakesCompleted"];

it("is known by another name at once, and talks on in the same session", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  const group = await alice.messenger.join("#ops");
  await bob.messenger.join("#ops");
  await world.clock.until(alice.messenger.send("bob", "one"));
  await world.clock.until(bob.messenger.send("alice", "two"));
  const before = handshakes(bob);
  expect(before).toBeGreaterThan(0);

  await alice.messenger.reconfigure({ name: "zoe" });
  await world.clock.advance(1000);
  expect([alice.messenger.name, alice.messenger.status().name]).toEqual(["zoe", "zoe"]);
  expect(namesSeenBy(bob)).toEqual(["zoe"]);
  await world.clock.until(bob.messenger.send("zoe", "three"));
  await world.clock.until(alice.messenger.send("bob", "four"));
  await group.say("five");
  await world.clock.advance(1000);
  expect(alice.shown).toEqual(["two", "three"]);
  expect(bob.shown).toEqual(["one", "four", "five"]);
  const said = bob.told.findLast((event) => event.type === "message");
  expect(said).toMatchObject({ message: { text: "five", from: { name: "zoe" } } });
  const kept = await alice.messenger.history({ query: "four" });
  expect(kept).toMatchObject([{ from: { name: "zoe" } }]);
  expect(handshakes(bob)).toBe(before);
  // Bob learns it with the next keys of the session, which its use after 10 minutes brings.
  await world.clock.advance(660_000);
  await world.clock.until(alice.messenger.send("bob", "last of the old keys"));
  await world.clock.advance(1000);
  await world.clock.until(alice.messenger.send("bob", "six"));
  expect(bob.told.findLast((event) => event.type === "message")).toMatchObject({
    message: { text: "six", from: { name: "zoe" } },
  });
  const ourselves = world.clock.until(alice.messenger.verify("zoe"));
  await expect(ourselves).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

it("has to do with verified peers alone from now on, and with all again", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  bob.messenger.handle(() => "yes");
  await world.clock.advance(2000);
  const send = (text: string) =>
    world.clock.until(alice.messenger.send("bob", text, { timeoutMs: 1000 }));
  await send("one");
  await bob.messenger.reconfigure({ name: "bob", requireVerified: true });
  await expect(send("two")).rejects.toMatchObject({ code: "TIMEOUT" });
  const asking = () => world.clock.until(alice.messenger.ask("bob", "?", { timeoutMs: 1000 }));
  await expect(asking()).rejects.toMatchObject({ code: "REFUSED" });
  await expect(bob.messenger.send("alice", "back")).rejects.toMatchObject({ code: "NOT_VERIFIED" });
  await bob.messenger.reconfigure({ name: "bob" });
  await send("three");
  expect((await asking()).text).toBe("yes");
  expect(bob.shown).toEqual(["one", "three"]);
});

it("tells readers, or no longer", async () => {
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  const read = async (text: string): Promise<void> => {
    await world.clock.until(alice.messenger.send("bob", text));
    await bob.messenger.markRead((await bob.messenger.history()).map(({ id }) => id));
    await world.clock.advance(1000);
  };
  await bob.messenger.reconfigure({ name: "bob", readReceipts: false });
  await read("one");
  expect(alice.progress).toEqual([]);
  await bob.messenger.reconfigure({ name: "bob" });
  await read("two");
  expect(alice.progress).toEqual(["read bob"]);
});

it("forgets what is older than a new retention, and nothing once it is taken back", async () => {
  const alice = await world.start("alice");
  await world.start("bob");
  const hour = 3_600_000;
  const texts = async () => (await alice.messenger.history()).map(({ text }) => text);
  await world.clock.until(alice.messenger.send("bob", "old"));
  await world.clock.advance(2 * hour);
  await world.clock.until(alice.messenger.send("bob", "new"));
  expect(await texts()).toEqual(["old", "new"]);
  await alice.messenger.reconfigure({ name: "alice", retentionMs: hour });
  await world.clock.advance(1000);
  expect(await texts()).toEqual(["new"]);
  await alice.messenger.reconfigure({ name: "alice" });
  await world.clock.advance(3 * hour);
  expect(await texts()).toEqual(["new"]);
});

it("finds peers that are named now", async () => {
  const alice = await world.start("alice");
  // Beyond the reach of broadcasts.
  await world.start("bob", { discoveryPort: 22402 });
  await world.clock.advance(60_000);
  expect(namesSeenBy(alice)).toEqual([]);
  await alice.messenger.reconfigure({ name: "alice", peers: ["10.0.0.2"] });
  await world.clock.advance(1000);
  expect(alice.messenger.peers()).toMatchObject([{ name: "bob", via: "configured" }]);
});

it("changes nothing where one of them is wrong", async () => {
  const alice = await world.start("alice", { requireVerified: true });
  const wrong = [
    [{ name: "" }, "INVALID_NAME"],
    [{ name: "zoe", broadcasts: ["nowhere"] }, "INVALID_ARGUMENT"],
    [{ name: "zoe", peers: ["a:b:c"] }, "INVALID_PORT"],
  ] as const;
  for (const [options, code] of wrong) {
    await expect(alice.messenger.reconfigure(options)).rejects.toMatchObject({ code });
  }
  expect(alice.messenger.name).toBe("alice");
  await world.close(alice);
  await expect(alice.messenger.reconfigure({})).rejects.toMatchObject({ code: "CLOSED" });
});
