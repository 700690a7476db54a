/** What is wrong with a host, or what it is connected to, is provoked on a real network, and named. */
import process from "node:process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildBin } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { filter, ip, named, preload, tunnel, type Visit, visit } from "../support/doctorVisit.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";
import type { NamespaceHost } from "../support/namespaceLan.js";

/** A watch looks every two seconds, and believes what it saw twice. */
const PATIENCE_MS = 30_000;

/** A program that has a UDP port for itself. */
function hold(host: NamespaceHost, port: number): Promise<void> {
  const script = `require("node:dgram").createSocket("udp4").bind(${port}, () => console.log(1))`;
  const holder = host.spawn(process.execPath, ["-e", script]);
  return new Promise((resolve) => holder.stdout.once("data", () => resolve()));
}

beforeAll(() => buildBin(), 60_000);

describeOnNamespaces("doctor, of this host", () => {
  let users: LanUsers;
  /** By what is wrong there. */
  const visits = new Map<string, Visit>();

  function seenAt(what: string): Visit {
    const seen = visits.get(what);
    if (seen === undefined) throw new Error(`no host with ${what}`);
    return seen;
  }

  beforeAll(async () => {
    users = new LanUsers(13);
    expect((await users.user(0, "bob").run(["start"])).code).toBe(0);
    const host = (index: number): NamespaceHost => users.lan.host(index);
    const guests = users.lan.hosts.map((_, index) => users.user(index, `guest${index}`));
    const at = (index: number): LanUser => guests[index] ?? users.user(index, "nobody");
    filter(host(2), ["meta pkttype broadcast drop"]);
    filter(host(3), ["ip daddr 224.0.0.0/4 drop"]);
    filter(host(4), ["ip daddr 224.0.1.100 drop"], "output");
    const allowed = ['iifname "lo" accept', "ct state established,related accept"];
    filter(host(5), allowed, "input", "drop");
    tunnel(host(6), "wg0", "10.8.0.2/24");
    const defaults = ["default via 10.77.0.1 metric 500", "default dev wg0 metric 50"];
    ip(host(6), ...defaults.map((route) => `route add ${route}`));
    tunnel(host(7), "tun0", "10.9.0.2/24");
    const halves = ["10.77.0.0/25 dev tun0", "10.77.0.128/25 dev tun0"];
    ip(host(7), ...halves.map((route) => `route add ${route}`));
    const bob = host(0).address;
    filter(host(8), [`ip saddr ${bob} drop`]);
    filter(host(9), [`ip saddr ${bob} udp sport 22400 drop`]);
    await Promise.all([hold(host(10), 22_400), hold(host(11), 22_401)]);
    preload(at(12), "smallBuffer");
    // Bob is examined by a few at a time.
    visits.set("nothing", await visit(at(1)));
    const begun: readonly [string, Promise<Visit>][] = [
      ["broadcast", visit(at(2))],
      ["multicast", visit(at(3))],
      ["224.0.1.100", visit(at(4))],
      ["everything", visit(at(5))],
      ["a VPN", visit(at(6))],
      ["a VPN over the LAN", visit(at(7), ["--interface", "eth0"])],
      ["bob", visit(at(8), [bob])],
      ["unicast of bob", visit(at(9), [bob])],
      ["data port", visit(at(10))],
      ["discovery port", visit(at(11))],
      ["buffer", visit(at(12))],
    ];
    for (const [what, seen] of begun) visits.set(what, await seen);
  }, 90_000);
  afterAll(() => users.dispose());

  it("gives a healthy network a clean bill", () => {
    const seen = seenAt("nothing");
    expect(named(seen), seen.output).toEqual([]);
    expect(seen.code).toBe(0);
    expect(seen.problems).toBe(0);
    expect(seen.findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["INTERFACE_OK", "PEER_OK"]),
    );
  });

  it.each([
    ["broadcast", "BROADCAST_BLOCKED"],
    ["multicast", "MULTICAST_BLOCKED"],
    ["224.0.1.100", "DEFAULT_GROUP_BLOCKED"],
    ["everything", "FIREWALL_BLOCKS"],
  ])("names a packet filter that drops %s, and how to end it", (what, code) => {
    const seen = seenAt(what);
    expect(named(seen), seen.output).toEqual([code]);
    const [found] = seen.findings.filter((one) => one.code === code);
    expect(found?.seen).toMatch(/table inet guard, chain (?:in|out)put/);
    const chain = what === "224.0.1.100" ? "output" : "input";
    expect(found?.command).toBe(
      `sudo nft insert rule inet guard ${chain} udp dport '{ 22400, 22401 }' accept`,
    );
    expect(found?.interface).toBe("eth0");
    expect(seen.code).toBe(4);
  });

  it("the command that it gives mends it", async () => {
    const host = users.lan.host(2);
    const [found] = seenAt("broadcast").findings.filter(({ code }) => code === "BROADCAST_BLOCKED");
    const command = (found?.command ?? "false").replace(/^sudo /, "");
    expect((await host.run("sh", ["-c", command])).code).toBe(0);
    const again = await visit(users.user(2, "again"));
    expect(named(again), again.output).toEqual([]);
  });

  it("names a VPN that has the default route", () => {
    const seen = seenAt("a VPN");
    expect(named(seen), seen.output).toEqual(["VIRTUAL_INTERFACE", "VPN_DEFAULT_ROUTE"]);
    expect(seen.findings.find(({ code }) => code === "VPN_DEFAULT_ROUTE")).toMatchObject({
      severity: "note",
      interface: "wg0",
      command: "udpchat stop; udpchat start --interface eth0",
    });
    expect(seen.code).toBe(0);
  });

  it("names a VPN that takes what is for the LAN", () => {
    const seen = seenAt("a VPN over the LAN");
    const [found] = seen.findings.filter(({ code }) => code === "LAN_ROUTED_ELSEWHERE");
    expect(found, seen.output).toMatchObject({ severity: "problem", interface: "eth0" });
    expect(found?.seen).toContain("leaves through tun0");
  });

  it("names what of ours keeps one peer away", () => {
    const seen = seenAt("bob");
    expect(named(seen), seen.output).toEqual(["PEER_SILENT"]);
    expect(seen.findings[0]?.seen).toMatch(
      /nothing at all comes from .*table inet guard, chain input/,
    );
    expect(seen.code).toBe(4);
  });

  it("names a peer that is heard, and never answers", () => {
    const seen = seenAt("unicast of bob");
    expect(named(seen), seen.output).toEqual(["PEER_ONLY_HEARD"]);
    expect(seen.findings[0]).toMatchObject({
      peer: { name: "bob", address: users.lan.host(0).address },
    });
  });

  it("names who holds our ports", () => {
    const data = seenAt("data port");
    expect(named(data), data.output).toEqual(["DATA_PORT_TAKEN"]);
    const [taken] = data.findings.filter(({ code }) => code === "DATA_PORT_TAKEN");
    expect(taken?.seen).toMatch(/UDP port 22400 is held by .*node.* \(pid \d+\)/);
    expect(taken?.command).toMatch(/^kill \d+$/);
    const discovery = seenAt("discovery port");
    expect(named(discovery), discovery.output).toEqual(["DISCOVERY_PORT_TAKEN"]);
    expect(discovery.findings[0]?.seen).toMatch(/22401.* is held by .*node.* \(pid \d+\)/);
    expect(discovery.code).toBe(4);
  });

  it("names a small receive buffer, and how to raise it now and for good", () => {
    const { findings, output } = seenAt("buffer");
    const [found] = findings.filter(({ code }) => code === "RECEIVE_BUFFER_SMALL");
    expect(found, output).toMatchObject({ severity: "note" });
    expect(found?.seen).toContain("48 KiB");
    expect(found?.command).toMatch(/sysctl -w net\.core\.rmem_max=1048576 && .*\/etc\/sysctl\.d\//);
  });
});

describeOnNamespaces("doctor, watching", () => {
  let users: LanUsers;
  beforeAll(async () => {
    users = new LanUsers(2);
    expect((await users.user(1, "bob").run(["start"])).code).toBe(0);
  });
  afterAll(() => users.dispose());

  it("tells when multicast stops, and when it comes back", async () => {
    const watching = users.user(0, "alice").spawn("doctor", "--watch", "60s");
    await watching.prints(/watching/);
    users.lan.dropMulticast(true);
    await watching.prints(
      /\d\d:\d\d:\d\d: multicast of bob .* does not arrive any more, after \d+ s/,
      PATIENCE_MS,
    );
    users.lan.dropMulticast(false);
    await watching.prints(
      /\d\d:\d\d:\d\d: multicast of bob .* arrives again, after \d+ s/,
      PATIENCE_MS,
    );
    watching.kill("SIGINT");
    expect(await watching.ended()).toBe(130);
  }, 90_000);
});
