import { afterEach, describe, expect, it } from "vitest";
import { parseGroupName } from "../../../src/core/groups/groupName.js";
import type { Group } from "../../../src/messenger/types.js";
import { MessengerWorld, type Run } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

const MINUTE_MS = 60_000;
const AHEAD_MS = 40 * 365 * 24 * 60 * MINUTE_MS;
const RETENTION = { retentionMs: 60 * MINUTE_MS };
const { groupId } = parseGroupName("#ops", 22401);

async function said(group: Group, text: string): Promise<void> {
  await world.clock.until(group.say(text));
  await world.clock.advance(5000);
}

async function historyOf({ messenger }: Run): Promise<string[]> {
  return (await messenger.history()).map(({ text }) => text);
}

/** Numbers of what a home keeps of an author's datagrams. */
function keptBy(home: string, { messenger }: Run): number[] {
  return world
    .store(home)
    .log.streams(groupId)
    .filter(({ device }) => device === messenger.id)
    .flatMap(({ ranges }) => ranges.flatMap(({ first, last }) => [first, last]));
}

/** Alice keeps all; she said "old" more than an hour ago, and "young" since. */
async function scene(): Promise<{ alice: Run; bob: Run; atAlice: Group; atBob: Group }> {
  const alice = await world.start("alice");
  const bob = await world.start("bob", RETENTION);
  const atAlice = await alice.messenger.join("#ops");
  const atBob = await bob.messenger.join("#ops");
  await world.clock.advance(5000);
  await said(atAlice, "old");
  await world.clock.advance(100 * MINUTE_MS);
  await said(atAlice, "young");
  expect(keptBy("bob", alice)).toEqual([1, 2]);
  // The second time since the start: what is older than an hour is due.
  await world.clock.advance(20 * MINUTE_MS);
  return { alice, bob, atAlice, atBob };
}

describe("retention", () => {
  it("reaches what is kept of a group for others, and nobody brings it back", async () => {
    const { alice, bob, atAlice } = await scene();
    expect(keptBy("bob", alice)).toEqual([2, 2]);
    expect(await historyOf(bob)).toEqual(["young"]);
    expect(keptBy("alice", alice)).toEqual([1, 2]);
    await world.close(bob);
    const again = await world.start("bob", RETENTION);
    await again.messenger.join("#ops");
    await world.clock.advance(10 * MINUTE_MS);
    await said(atAlice, "now");
    expect(again.shown).toEqual(["now"]);
    expect(await historyOf(again)).toEqual(["young", "now"]);
    expect(keptBy("bob", alice)).toEqual([2, 3]);
    expect(again.messenger.status().counters["groupDatagramsTooOld"]).toBeGreaterThan(0);
  });

  it("reaches groups that nobody joins any more", async () => {
    const { alice, bob } = await scene();
    await world.close(bob);
    const again = await world.start("bob", RETENTION);
    await world.clock.advance(10_000);
    expect(keptBy("bob", alice)).toEqual([2, 2]);
    await world.clock.advance(121 * MINUTE_MS);
    expect(keptBy("bob", alice)).toEqual([]);
    expect(again.shown).toEqual([]);
    expect(keptBy("alice", alice)).toEqual([1, 2]);
  });

  it("counts from when a line came where its author's clock is ahead", async () => {
    const { bob, alice, atAlice, atBob } = await scene();
    world.clock.setWall(AHEAD_MS);
    const saying = atAlice.say("from the future");
    world.clock.setWall(-AHEAD_MS);
    await world.clock.until(saying);
    await world.clock.advance(5000);
    // It stands behind that, and so takes part in the future.
    await said(atBob, "an answer");
    expect(keptBy("bob", alice)).toEqual([2, 3]);
    expect(keptBy("bob", bob)).toEqual([1, 1]);
    await world.clock.advance(180 * MINUTE_MS);
    expect([keptBy("bob", alice), keptBy("bob", bob)]).toEqual([[], []]);
  });
});

describe("a group that is given up", () => {
  it("leaves no datagrams behind once it is left; its history stays", async () => {
    const { alice, bob, atBob } = await scene();
    await bob.messenger.forgetGroup("#ops");
    expect(keptBy("bob", alice)).toEqual([2, 2]);
    await world.clock.until(atBob.leave());
    expect(world.store("bob").log.groupIds()).toEqual([]);
    expect(await historyOf(bob)).toEqual(["young"]);
    const again = await bob.messenger.join("#ops");
    await world.clock.advance(10_000);
    expect(keptBy("bob", alice)).toEqual([2, 2]);
    await world.clock.until(again.leave());
    // A chat that ends is no farewell.
    expect(keptBy("bob", alice)).toEqual([2, 2]);
    await bob.messenger.forgetGroup("#ops");
    expect(world.store("bob").log.groupIds()).toEqual([]);
    expect(bob.shown).toEqual(["old", "young"]);
  });
});
