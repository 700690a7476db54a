import { afterEach, expect, it } from "vitest";
import type { Messenger } from "../../../src/messenger/messenger.js";
import type { MemoryLan } from "../../support/memoryLan.js";
import { MessengerWorld } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
/** As opened, in order. */
let lans: MemoryLan[] = [];
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
  lans = [];
});

/** Two that know each other. */
async function pair(): Promise<[Messenger, Messenger]> {
  const { open } = world.segment;
  Object.assign(world.segment, {
    open: async (...given: Parameters<typeof open>) => {
      const lan = await open(...given);
      lans.push(lan);
      return lan;
    },
  });
  const alice = await world.start("alice");
  const bob = await world.start("bob");
  await world.clock.advance(3000);
  return [alice.messenger, bob.messenger];
}

it("examines the way to a peer, and leaves the groups again", async () => {
  const [alice] = await pair();
  const examination = await world.clock.until(alice.examine("bob"));
  expect(examination).toMatchObject({
    peer: { name: "bob" },
    result: "examined",
    clockAheadMs: 0,
  });
  const ways = new Map(examination.ways.map((way) => [way.way, way]));
  expect(ways.get("unicast")).toEqual({ way: "unicast", sent: 3, heardThere: 3, heardHere: 3 });
  expect(ways.get("defaultGroup")).toMatchObject({ heardThere: 3, heardHere: 3 });
  await world.clock.advance(5000);
  for (const lan of lans) expect(lan.joinedGroups).toEqual([]);
});

it("remembers no key for an examination", async () => {
  const [alice, bob] = await pair();
  await world.clock.until(alice.examine("bob"));
  expect(alice.peers()).toMatchObject([{ name: "bob", trust: "unknown" }]);
  expect(bob.peers()).toMatchObject([{ name: "alice", trust: "unknown" }]);
});

it("says of a peer that does not answer that it knows no examinations", async () => {
  const [alice, bob] = await pair();
  // All that an older version does with the question is to acknowledge it.
  Object.assign(lans[1] ?? {}, { joinGroup: () => new Promise(() => undefined) });
  const examination = await world.clock.until(alice.examine("bob"));
  expect(examination).toMatchObject({
    peer: { id: bob.id },
    result: "unknown",
    clockAheadMs: null,
    ways: [],
  });
});

it("rejects where nobody acknowledges the question, and when it is given up", async () => {
  const [alice] = await pair();
  world.segment.drops = (_bytes, _from, _to, via) => via === "data";
  await expect(world.clock.until(alice.examine("bob"))).rejects.toMatchObject({ code: "TIMEOUT" });
  const giveUp = new AbortController();
  const examination = alice.examine("bob", { signal: giveUp.signal });
  giveUp.abort();
  await expect(world.clock.until(examination)).rejects.toMatchObject({ code: "ABORTED" });
});

it("ends with the messenger", async () => {
  const [alice, bob] = await pair();
  const examination = alice.examine("bob");
  examination.catch(() => undefined);
  await world.clock.advance(200);
  const closing = alice.close();
  await expect(world.clock.until(examination)).rejects.toMatchObject({ code: "CLOSED" });
  await world.clock.until(closing);
  expect(bob.status().counters["examinationsAnswered"]).toBe(1);
});
