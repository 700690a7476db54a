import { describe, expect, it } from "vitest";
import { byImportance, FINDING_CODES, finding } from "../../../../src/doctor/finding.js";
import { withoutConsequences } from "../../../../src/doctor/judgements/consequences.js";
import {
  judgeFirewall,
  judgeHiddenFirewall,
  openingCommand,
} from "../../../../src/doctor/judgements/firewall.js";
import { judgeHearing } from "../../../../src/doctor/judgements/hearing.js";
import {
  judgeDataPort,
  judgeDiscoveryPort,
  judgeInterfaces,
  judgeNewerVersions,
  judgeReceiveBuffer,
  judgeRoutes,
} from "../../../../src/doctor/judgements/host.js";
import { neighbourOf } from "../../../../src/doctor/probes/routes.js";
import type { HeardBack, SharedWay } from "../../../../src/doctor/probes/selfHearing.js";
import type { FirewallFacts, FirewallManager } from "../../../../src/doctor/system/firewall.js";

const ETH0 = {
  name: "eth0",
  address: "10.0.0.2",
  netmask: "255.255.255.0",
  broadcast: "10.0.0.255",
  loopback: false,
};
const WG0 = { ...ETH0, name: "wg0", address: "10.8.0.2", broadcast: "10.8.0.255" };
const LO = { ...ETH0, name: "lo", address: "127.0.0.1", netmask: "255.0.0.0", loopback: true };
const PORTS = { data: 22_400, discovery: 22_401 };
const OPEN: FirewallFacts = {
  manager: undefined,
  letsIn: undefined,
  zones: [],
  ruleset: undefined,
  hidden: undefined,
};

const WAYS: readonly SharedWay[] = ["broadcast", "discoveryGroup", "defaultGroup", "namedGroup"];

/** All ways are heard but these. */
function heardBut(silent: readonly SharedWay[], errno?: string): HeardBack[] {
  return WAYS.map((way) => {
    const heard = !silent.includes(way);
    return { way, heard, errno: heard ? undefined : errno };
  });
}

describe("what we hear of ourselves", () => {
  const judge = (ways: readonly HeardBack[], platform: NodeJS.Platform = "linux", name = "eth0") =>
    judgeHearing({ interface: { ...ETH0, name }, ways }, { platform, explain: () => undefined });

  it.each<[readonly SharedWay[], readonly string[]]>([
    [[], ["INTERFACE_OK"]],
    [["broadcast"], ["BROADCAST_BLOCKED"]],
    [["discoveryGroup", "defaultGroup", "namedGroup"], ["MULTICAST_BLOCKED"]],
    [["defaultGroup"], ["DEFAULT_GROUP_BLOCKED"]],
    [["namedGroup"], ["MULTICAST_BLOCKED"]],
    [WAYS, ["BROADCAST_BLOCKED", "MULTICAST_BLOCKED"]],
  ])("without %j is %j", (silent, codes) => {
    expect(judge(heardBut(silent)).map(({ code }) => code)).toEqual(codes);
  });

  it("names a system that does not send, and one that a firewall keeps from it", () => {
    const refused = judge(heardBut(["broadcast"], "ENETUNREACH"));
    expect(refused).toMatchObject([
      { code: "SEND_REFUSED", seen: expect.stringContaining("ENETUNREACH") },
    ]);
    expect(judge(heardBut(["broadcast"], "EPERM"))).toMatchObject([{ code: "BROADCAST_BLOCKED" }]);
  });

  it("knows that macOS keeps programs from the local network (Apple TN3179)", () => {
    const found = judge(heardBut(WAYS, "EHOSTUNREACH"), "darwin");
    expect(found.map(({ code }) => code)).toEqual(["LOCAL_NETWORK_PRIVACY"]);
    expect(judge(heardBut(WAYS, "EHOSTUNREACH"), "linux")[0]?.code).toBe("SEND_REFUSED");
  });

  it("expects nothing back from a tunnel", () => {
    expect(judge(heardBut(WAYS), "linux", "wg0")).toEqual([]);
  });
});

describe("interfaces and routes", () => {
  it("says that only this machine can be reached", () => {
    expect(judgeInterfaces([], "linux")).toMatchObject([
      { code: "NO_INTERFACE", severity: "problem" },
    ]);
    expect(judgeInterfaces([LO], "linux")).toMatchObject([
      { code: "NO_INTERFACE", severity: "note" },
    ]);
    expect(judgeInterfaces([LO, ETH0], "linux")).toEqual([]);
  });

  it("says whom else we announce ourselves to", () => {
    expect(judgeInterfaces([ETH0, WG0, { ...WG0, address: "10.8.0.3" }], "linux")).toMatchObject([
      {
        code: "VIRTUAL_INTERFACE",
        interface: "wg0",
        command: "udpchat stop; udpchat start --interface eth0",
      },
    ]);
  });

  it.each([
    ["linux", "Ethernet 2", "udpchat stop; udpchat start --interface 'Ethernet 2'"],
    ["win32", "Ethernet 2", 'udpchat stop; udpchat start --interface "Ethernet 2"'],
    ["win32", "$(calc)", null],
  ] as const)("quotes on %s the name %s", (platform, name, command) => {
    const [found] = judgeInterfaces([{ ...ETH0, name }, WG0], platform);
    expect(found?.command).toBe(command);
  });

  it("names a VPN with the default route, and one that takes the LAN", () => {
    const none = { defaultInterface: undefined, elsewhere: [] };
    expect(judgeRoutes(none, [ETH0], "linux")).toEqual([]);
    expect(judgeRoutes({ ...none, defaultInterface: "eth0" }, [ETH0], "linux")).toEqual([]);
    expect(judgeRoutes({ ...none, defaultInterface: "wg0" }, [ETH0], "linux")).toMatchObject([
      { code: "VPN_DEFAULT_ROUTE", severity: "note", interface: "wg0" },
    ]);
    const elsewhere = [{ interface: ETH0, via: "wg0" }];
    expect(judgeRoutes({ ...none, elsewhere }, [ETH0], "linux")).toMatchObject([
      { code: "LAN_ROUTED_ELSEWHERE", severity: "problem", interface: "eth0" },
    ]);
    expect(judgeRoutes({ ...none, elsewhere }, [WG0], "linux")).toEqual([]);
  });

  it.each([
    ["10.0.0.2", "255.255.255.0", "10.0.0.1"],
    ["10.0.0.1", "255.255.255.0", "10.0.0.2"],
    ["192.168.7.130", "255.255.255.252", "192.168.7.129"],
    ["10.0.0.1", "255.255.255.254", undefined],
    ["10.0.0.1", "255.255.255.255", undefined],
  ])("finds a neighbour of %s in %s", (address, netmask, neighbour) => {
    expect(neighbourOf({ ...ETH0, address, netmask })).toBe(neighbour);
  });
});

describe("ports, buffers and versions", () => {
  it("names the owner of a port, as far as it is known", () => {
    const owner = { pid: 7, program: "node\u001b[2J server.js" };
    expect(judgeDiscoveryPort(22_401, [owner])).toMatchObject({
      code: "DISCOVERY_PORT_TAKEN",
      seen: expect.stringContaining("server.js (pid 7)"),
      command: "kill 7",
    });
    expect(judgeDiscoveryPort(22_401, [owner]).seen).not.toContain("\u001b");
    const unseen = judgeDiscoveryPort(22_401, []);
    expect(unseen.seen).toContain("a program that this user may not see");
    expect(unseen.command).toBe("udpchat start --discovery-port 32401");
    const other = { pid: 8, program: "node /usr/bin/udpchat daemon" };
    expect(judgeDataPort({ port: 4000 }, 22_400, [other])).toMatchObject({
      code: "DATA_PORT_TAKEN",
      severity: "note",
      command: null,
    });
  });

  it("wants 1 MiB of buffer; Linux reports double of what it grants", () => {
    const MiB = 1024 * 1024;
    expect(judgeReceiveBuffer(2 * MiB, "linux")).toEqual([]);
    expect(judgeReceiveBuffer(MiB, "darwin")).toEqual([]);
    expect(judgeReceiveBuffer(425_984, "linux")).toMatchObject([
      {
        seen: expect.stringContaining("208 KiB"),
        command: expect.stringContaining("rmem_max=1048576"),
      },
    ]);
    expect(judgeReceiveBuffer(65_536, "darwin")[0]?.command).toContain("kern.ipc.maxsockbuf");
    expect(judgeReceiveBuffer(65_536, "win32")[0]?.command).toBeNull();
  });

  it("mentions who can't be seen", () => {
    const newerVersions = [{ address: "10.0.0.7", version: 2 }];
    expect(judgeNewerVersions({ newerVersions })).toMatchObject([{ code: "NEWER_VERSION" }]);
  });
});

describe("the firewall", () => {
  it.each<[FirewallManager | undefined, string]>([
    ["ufw", "sudo ufw allow proto udp to any port 22400,22401"],
    [
      "firewalld",
      "sudo firewall-cmd --permanent --zone=home --add-port=22400/udp --add-port=22401/udp && " +
        "sudo firewall-cmd --permanent --zone=work --add-port=22400/udp --add-port=22401/udp && " +
        "sudo firewall-cmd --reload",
    ],
    [
      "windows",
      "New-NetFirewallRule -DisplayName udpchat -Direction Inbound -Protocol UDP -LocalPort 22400,22401 -Action Allow",
    ],
    [undefined, "sudo nft insert rule inet filter input udp dport '{ 22400, 22401 }' accept"],
  ])("of %s is opened by a command", (manager, command) => {
    expect(openingCommand({ ...OPEN, manager, zones: ["home", "work"] }, PORTS)).toBe(command);
  });

  it("of firewalld is opened in the default zone where no other is known", () => {
    expect(openingCommand({ ...OPEN, manager: "firewalld" }, PORTS)).toBe(
      "sudo firewall-cmd --permanent --add-port=22400/udp --add-port=22401/udp && " +
        "sudo firewall-cmd --reload",
    );
  });

  it("is named where it lets a port of ours out", () => {
    const judge = (letsIn: FirewallFacts["letsIn"]) =>
      judgeFirewall({ ...OPEN, manager: "ufw", letsIn }, PORTS, [ETH0]);
    expect(judge([22_400, 22_401])).toEqual([]);
    expect(judge("everything")).toEqual([]);
    expect(judge([22_400])).toMatchObject([
      { code: "FIREWALL_BLOCKS", seen: expect.stringContaining("port 22401") },
    ]);
    expect(judge("nothing")[0]?.seen).toContain("22400 and 22401");
    expect(
      judgeFirewall({ ...OPEN, manager: "macos", letsIn: "nothing" }, PORTS, [ETH0]),
    ).toMatchObject([{ command: expect.stringContaining("--unblockapp") }]);
  });

  it("that hides its rules is mentioned", () => {
    expect(judgeHiddenFirewall(OPEN)).toEqual([]);
    expect(judgeHiddenFirewall({ ...OPEN, hidden: "sudo nft list ruleset" })).toMatchObject([
      { code: "FIREWALL_UNREADABLE", command: "sudo nft list ruleset" },
    ]);
  });
});

describe("findings", () => {
  const about = { seen: "x", meaning: "y" };
  const peer = { id: null, name: "bob", address: "10.0.0.3", port: 1, trust: null };

  it("come in the order of their importance", () => {
    const all = [
      finding("PEER_OK", "ok", about),
      finding("CLOCK_OFF", "note", about),
      finding("NO_INTERFACE", "problem", about),
    ];
    expect(byImportance(all).map(({ severity }) => severity)).toEqual(["problem", "note", "ok"]);
  });

  it("leave out what only follows from others", () => {
    const broadcast = finding("BROADCAST_BLOCKED", "problem", {
      ...about,
      interface: "eth0",
      command: "c",
    });
    const ofPeer = finding("BROADCAST_ONE_WAY", "problem", { ...about, peer });
    const multicast = finding("MULTICAST_ONE_WAY", "problem", { ...about, peer });
    expect(withoutConsequences([broadcast, ofPeer, multicast])).toEqual([broadcast, multicast]);
    const firewall = finding("FIREWALL_BLOCKS", "problem", {
      ...about,
      interface: "eth0",
      command: "c",
    });
    const nobody = finding("NOBODY_FOUND", "note", about);
    expect(withoutConsequences([firewall, broadcast, nobody])).toEqual([firewall]);
    expect(withoutConsequences([broadcast, nobody])).toEqual([broadcast, nobody]);
    const elsewhere = { ...broadcast, interface: "eth1" };
    expect(withoutConsequences([firewall, elsewhere])).toEqual([firewall, elsewhere]);
  });

  it("have codes in order, each once", () => {
    expect(FINDING_CODES.toSorted()).toEqual([...new Set(FINDING_CODES)]);
  });
});
