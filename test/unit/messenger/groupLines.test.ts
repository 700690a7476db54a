import { afterEach, describe, expect, it } from "vitest";
import type { Warning } from "../../../src/messenger/types.js";
import { MessengerWorld, type Run } from "../../support/messengerWorld.js";

let world = new MessengerWorld();
afterEach(async () => {
  await world.end();
  world = new MessengerWorld();
});

function warnings(run: Run, code: Warning["code"]): Warning[] {
  return run.told.flatMap((event) =>
    event.type === "warning" && event.warning.code === code ? [event.warning] : [],
  );
}

/** Some ten seconds on the wire at the rate of a group. */
const LONG = "x".repeat(65_536);

describe("say", () => {
  it("waits until all of the line is kept", async () => {
    const alice = await world.start("alice");
    const group = await alice.messenger.join("#ops");
    const said = Array.from({ length: 5 }, () => group.say(LONG));
    let done = 0;
    for (const line of said) void line.then(() => (done += 1));
    await world.clock.advance(10);
    expect(done).toBeLessThan(5);
    await world.clock.until(Promise.all(said));
    expect(await alice.messenger.history()).toHaveLength(5);
  });

  it("rejects what will never be said", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const secret = { secret: true, passphrase: "correct horse battery staple" };
    const atAlice = await alice.messenger.join("#ops", secret);
    await bob.messenger.join("#ops", secret);
    await world.clock.advance(5000);
    const said = Promise.allSettled(Array.from({ length: 9 }, () => atAlice.say(LONG)));
    await bob.messenger.removeMember("alice", "#ops");
    const ends = await world.clock.until(said);
    expect(ends.at(-1)).toMatchObject({ status: "rejected", reason: { code: "NOT_A_MEMBER" } });
  });
});

describe("the transport of a group", () => {
  it("is told, with a warning each time that it changes for a person", async () => {
    const alice = await world.start("alice");
    const bob = await world.start("bob");
    const atAlice = await alice.messenger.join("#ops");
    const atBob = await bob.messenger.join("#ops");
    await world.clock.advance(10_000);
    expect([atAlice.transport, atBob.transport]).toEqual(["multicast", "multicast"]);
    world.segment.drops = (_bytes, from, _to, via) =>
      from.address === "10.0.0.1" && via === "group";
    for (let line = 0; line < 20; line += 1) {
      await world.clock.until(atAlice.say(`line ${line}`));
      await world.clock.advance(5000);
    }
    expect(atAlice.transport).not.toBe("multicast");
    expect(warnings(alice, "MULTICAST_BLOCKED")).toMatchObject([
      { group: "#ops", message: expect.stringContaining("from here to 1 member of #ops") },
    ]);
    expect(bob.shown).toHaveLength(20);
    world.segment.drops = () => false;
    await world.clock.advance(400_000);
    expect(atAlice.transport).toBe("multicast");
    expect(warnings(alice, "MULTICAST_RESTORED")).toMatchObject([{ group: "#ops" }]);
    expect(warnings(alice, "MULTICAST_BLOCKED")).toHaveLength(1);
  });
});
