/** Interfaces come, go and change their addresses under running daemons. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { PeerLineSchema } from "../../src/api/lines.js";
import { buildBin, eventually } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { parseLines } from "../support/jsonLines.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

/** What the README promises: a new interface is used within 10 s. */
const NOTICED_MS = 10_000;

describeOnNamespaces("a LAN that changes", () => {
  let users: LanUsers;
  let alice: LanUser;
  let bob: LanUser;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(1);
    alice = users.user(0, "alice");
    const offline = users.lan.addHost({ connected: false });
    bob = users.user(users.lan.hosts.indexOf(offline), "bob");
    for (const user of [alice, bob]) expect((await user.run(["start"])).code).toBe(0);
  });
  afterAll(() => users.dispose());

  async function roster(user: LanUser) {
    return parseLines(PeerLineSchema, (await user.run(["peers", "--json"])).stdout);
  }

  async function seesOnline(user: LanUser, name: string, address: string): Promise<void> {
    await eventually(
      async () =>
        (await roster(user)).some(
          (peer) => peer.name === name && peer.state === "online" && peer.address === address,
        ),
      () => `${user.name} to see ${name} at ${address}`,
      NOTICED_MS,
    );
  }

  it("an interface that appears after the start is used within 10 s", async () => {
    expect(await roster(alice)).toEqual([]);
    bob.host.addInterface("eth0", "10.77.0.2/24");
    await seesOnline(alice, "bob", "10.77.0.2");
    await seesOnline(bob, "alice", "10.77.0.1");
    expect((await alice.run(["send", "bob", "welcome"])).code).toBe(0);
    const chats = [alice, bob].map((user) => user.spawn("join", "224.0.1.100"));
    await Promise.all(chats.map((chat) => chat.prints(/\(2 online\)/)));
    chats[0]?.type("over the new interface\n");
    await chats[1]?.prints(/alice: over the new interface/);
    for (const chat of chats) chat.kill("SIGINT");
  });

  it("an address change keeps the roster to one entry per key", async () => {
    bob.host.setAddress("10.77.0.55/24");
    await seesOnline(alice, "bob", "10.77.0.55");
    expect(await roster(alice)).toHaveLength(1);
    expect((await alice.run(["send", "bob", "found you"])).code).toBe(0);
    expect((await bob.run(["send", "alice", "here"])).code).toBe(0);
    expect(await roster(alice)).toHaveLength(1);
  });

  it("an interface that disappears crashes nothing", async () => {
    bob.host.removeInterface("eth0");
    expect((await alice.run(["send", "bob", "anyone?", "--timeout", "300ms"])).code).toBe(4);
    expect((await bob.run(["send", "alice", "hello?", "--timeout", "300ms"])).code).toBe(4);
    expect((await bob.run(["status"])).code).toBe(0);
    bob.host.addInterface("eth1", "10.77.0.2/24");
    await seesOnline(alice, "bob", "10.77.0.2");
    expect((await bob.run(["send", "alice", "back again"])).code).toBe(0);
    expect(await roster(alice)).toHaveLength(1);
  });
});
