/** What is wrong with the way to a peer is provoked on a real network, and named. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FindingLine } from "../../src/api/lines.js";
import { buildBin } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { filter, named, preload, type Visit, visit } from "../support/doctorVisit.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

function about(seen: Visit, name: string): FindingLine[] {
  return seen.findings.filter(({ peer }) => peer?.name === name);
}

beforeAll(() => buildBin(), 60_000);

describeOnNamespaces("doctor, of the way to each peer", () => {
  let users: LanUsers;
  let alice: LanUser;
  let seen: Visit;
  let nobody: Visit;
  const faults: Readonly<Record<string, (user: LanUser) => void>> = {
    bob: () => undefined,
    carol: ({ host }) => filter(host, ["meta pkttype broadcast drop"]),
    dave: ({ host }) => filter(host, ["ip daddr 224.0.0.0/4 drop"]),
    erin: ({ host }) => filter(host, ["ip daddr 224.0.1.100 drop"]),
    frank: ({ host }) => filter(host, ["ip frag-off & 0x1fff != 0 drop"], "prerouting"),
    grace: ({ host }) => filter(host, ["meta length > 1100 drop"]),
    heidi: (user) => preload(user, "clockAhead"),
    ivan: ({ host }) => filter(host, ['iifname "eth0" udp dport 22400 drop']),
  };

  beforeAll(async () => {
    const names = Object.keys(faults);
    users = new LanUsers(1 + names.length);
    alice = users.user(0, "alice");
    expect((await alice.run(["start"])).code).toBe(0);
    for (const [index, name] of names.entries()) {
      const user = users.user(index + 1, name);
      faults[name]?.(user);
      expect((await user.run(["start"])).code, name).toBe(0);
    }
    [seen, nobody] = await Promise.all([visit(alice), visit(alice, ["zoe"])]);
  }, 60_000);
  afterAll(() => users.dispose());

  it("finds nothing wrong with who is well", () => {
    expect(
      about(seen, "bob").map(({ code }) => code),
      seen.output,
    ).toEqual(["PEER_OK"]);
  });

  it.each([
    ["a peer that drops broadcast", "carol", "BROADCAST_ONE_WAY", /of ours does not reach carol/],
    ["a peer that drops multicast", "dave", "MULTICAST_ONE_WAY", /of ours does not reach dave/],
    [
      "a peer that drops 224.0.1.100 alone",
      "erin",
      "DEFAULT_GROUP_BLOCKED",
      /224\.0\.1\.100 alone/,
    ],
    ["a peer that drops fragments", "frank", "FRAGMENTS_LOST", /two packets/],
    ["a path that carries no large datagrams", "grace", "FULL_DATAGRAMS_LOST", /1,200 bytes/],
    ["a clock that is an hour off", "heidi", "CLOCK_OFF", /60 minutes ahead/],
    ["a peer that lets no unicast in", "ivan", "PEER_DEAF", /hears our broadcast/],
  ])("names %s", (_what, name, code, sentence) => {
    const [found, ...more] = about(seen, name).filter(({ severity }) => severity !== "ok");
    expect(found, seen.output).toMatchObject({ code, seen: expect.stringMatching(sentence) });
    expect(more).toEqual([]);
  });

  it("ends with 4, and says of this host that it is well", () => {
    expect(seen.code).toBe(4);
    const ofHost = seen.findings.filter(({ peer }) => peer === null);
    expect(
      ofHost.map(({ code }) => code).filter((code) => code !== "RECEIVE_BUFFER_SMALL"),
    ).toEqual(["INTERFACE_OK"]);
  });

  it("speaks of one peer alone, if asked to", async () => {
    const one = await visit(alice, ["erin"]);
    expect(named(one), one.output).toEqual(["DEFAULT_GROUP_BLOCKED"]);
    expect(one.code).toBe(4);
  });

  it("knows nothing of who is not there", () => {
    expect(nobody.code, nobody.output).toBe(3);
    expect(nobody.output).toContain("NO_SUCH_PEER");
  });

  it("is not left behind in the rosters of others", async () => {
    const peers = await users.user(1, "bob").api.call("peers", {});
    expect(peers.map(({ name }) => name)).not.toContain("doctor");
  });
});
