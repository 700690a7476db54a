/** Outputs as the documentation of each firewall, and those who recorded them, show them. */
import { describe, expect, it } from "vitest";
import type { CommandOutcome } from "../../../../src/doctor/system/command.js";
import {
  parseFirewalldZone,
  parseSocketFilter,
  parseUfwStatus,
  parseWindowsFirewall,
  readFirewall,
} from "../../../../src/doctor/system/firewall.js";

describe("ufw status verbose", () => {
  const head = `Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
`;
  it.each([
    ["22,80/tcp                  ALLOW IN    Anywhere\n", []],
    ["22400,22401/udp            ALLOW IN    Anywhere\n", [22_400, 22_401]],
    [
      "22400:22402/udp            ALLOW IN    Anywhere\n22401 (v6) ALLOW IN Anywhere (v6)\n",
      [22_400, 22_401, 22_402],
    ],
    ["22400                      ALLOW IN    Anywhere\n", [22_400]],
    ["22400/udp                  DENY IN     Anywhere\n", []],
    [
      "22400,22401/udp            ALLOW IN    Anywhere                   # udpchat\n",
      [22_400, 22_401],
    ],
    ["22400/udp                  DENY IN     Anywhere                   # no ALLOW IN here\n", []],
    ["22400/udp                  ALLOW IN    192.168.1.0/24\n", [22_400]],
    ["22400/udp                  LIMIT IN    Anywhere\n", [22_400]],
    ["22400/udp on eth0          ALLOW IN    Anywhere\n", [22_400]],
    ["192.168.1.5 22400/udp      ALLOW IN    Anywhere\n", [22_400]],
    ["Anywhere                   ALLOW IN    192.168.1.0/24             # home\n", "everything"],
    ["Anywhere on eth0           ALLOW IN    Anywhere\n", "everything"],
    ["22400/udp (v6)             ALLOW IN    Anywhere (v6)\n", []],
    ["Anywhere (v6) on eth0      ALLOW IN    Anywhere (v6)\n", []],
    ["22400/udp                  ALLOW OUT   Anywhere\n", []],
    ["OpenSSH                    ALLOW IN    Anywhere\n", []],
    ["22/tcp                     ALLOW IN    Anywhere\n", []],
  ])("%s", (rules, ports) => {
    expect(parseUfwStatus(head + rules)).toEqual(ports);
  });

  it("of one that is off, or lets everything in", () => {
    expect(parseUfwStatus("Status: inactive\n")).toBeUndefined();
    expect(parseUfwStatus(head.replace("deny (incoming)", "allow (incoming)"))).toBe("everything");
  });
});

describe("firewall-cmd --list-all", () => {
  // As in firewalld's documentation of zones.
  const zone = (target: string, ports: string) => `public (active)
  target: ${target}
  icmp-block-inversion: no
  interfaces: eth0
  sources:
  services: dhcpv6-client ssh
  ports: ${ports}
  protocols:
`;
  it("lets in its ports", () => {
    expect(parseFirewalldZone(zone("default", "22400-22401/udp 8080/tcp"))).toEqual([
      22_400, 22_401,
    ]);
    expect(parseFirewalldZone(zone("default", ""))).toEqual([]);
    expect(parseFirewalldZone(zone("ACCEPT", ""))).toBe("everything");
  });
});

describe("socketfilterfw of macOS", () => {
  const [on, off] = ["Firewall is enabled. (State = 1) \n", "Firewall is disabled. (State = 0)\n"];
  const all = (state: string) => `Firewall has block all state set to ${state}.\n`;
  it.each([
    [[off, all("disabled"), ""], undefined],
    [
      [on, all("disabled"), "Incoming connection to /usr/local/bin/node is permitted.\n"],
      "everything",
    ],
    [[on, all("disabled"), "Incoming connection to /usr/local/bin/node is blocked.\n"], "nothing"],
    [[on, all("enabled"), ""], "nothing"],
    [["Firewall settings cannot be read\n", "", ""], undefined],
  ])("%j", (said, letsIn) => {
    expect(parseSocketFilter(said)).toBe(letsIn);
  });
});

describe("the firewall of Windows", () => {
  // Enabled and Action as Get-NetFirewallProfile and Get-NetFirewallRule name them.
  const state = (inbound: string, ...actions: string[]) =>
    JSON.stringify({
      profiles: [{ enabled: "True", inbound }],
      rules: actions.map((action) => ({ enabled: "True", action })),
    });
  it.each([
    [state("NotConfigured"), "nothing"],
    [state("Block", "Allow"), "everything"],
    [state("Allow"), "everything"],
    [state("NotConfigured", "Allow", "Block"), "nothing"],
    [JSON.stringify({ profiles: [{ enabled: "False", inbound: "Block" }], rules: [] }), undefined],
    ["", undefined],
    ["{}", undefined],
  ])("%s", (output, letsIn) => {
    expect(parseWindowsFirewall(output)).toBe(letsIn);
  });
});

describe("a firewall that is read", () => {
  const saying =
    (answers: Readonly<Record<string, CommandOutcome>>) =>
    async (file: string): Promise<CommandOutcome> =>
      answers[file] ?? { ok: false, why: "missing" };

  it("is none where there are no commands", async () => {
    const facts = await readFirewall("linux", saying({}), "node", []);
    expect(facts).toMatchObject({ manager: undefined, ruleset: undefined, hidden: undefined });
    expect(await readFirewall("freebsd", saying({}), "node", [])).toEqual(facts);
    expect(await readFirewall("win32", saying({}), "node", [])).toEqual(facts);
  });

  it("may hide its rules from users", async () => {
    const facts = await readFirewall(
      "linux",
      saying({ nft: { ok: false, why: "denied" } }),
      "node",
      [],
    );
    expect(facts.hidden).toBe("sudo nft list ruleset");
  });

  it("asks each platform its own way", async () => {
    const on = { ok: true, output: "Firewall is enabled. (State = 1)" } as const;
    const tool = "/usr/libexec/ApplicationFirewall/socketfilterfw";
    expect(await readFirewall("darwin", saying({ [tool]: on }), "node", [])).toMatchObject({
      manager: "macos",
      letsIn: "everything",
    });
    const output = '{"profiles":[{"enabled":"True","inbound":"Block"}],"rules":[]}';
    const asked: string[][] = [];
    const facts = await readFirewall(
      "win32",
      async (_file, args) => {
        asked.push([...args]);
        return { ok: true, output };
      },
      "C:\\it's\\node.exe",
      [],
    );
    expect(facts).toMatchObject({ manager: "windows", letsIn: "nothing" });
    expect(asked[0]?.at(-1)).toContain("-Program 'C:\\it''s\\node.exe'");
    const running = { ok: true, output: "running\n" } as const;
    expect(
      await readFirewall("linux", saying({ "firewall-cmd": running }), "node", []),
    ).toMatchObject({
      manager: "firewalld",
    });
  });

  it("is read of firewalld for the zone of each interface", async () => {
    const answers: Readonly<Record<string, string>> = {
      "--state": "running\n",
      "--get-zone-of-interface=eth0": "home\n",
      "--get-zone-of-interface=br0": "trusted\n",
      "--get-default-zone": "public\n",
      "--zone=home --list-all": "  target: default\n  ports: 22400-22401/udp\n",
      "--zone=public --list-all": "  target: default\n  ports: 22400/udp\n",
      "--zone=trusted --list-all": "  target: ACCEPT\n  ports: \n",
    };
    const read = async (...interfaces: string[]) => {
      const run = async (_file: string, args: readonly string[]): Promise<CommandOutcome> => {
        const output = answers[args.join(" ")];
        return output === undefined ? { ok: false, why: "failed" } : { ok: true, output };
      };
      const { letsIn, zones } = await readFirewall("linux", run, "node", interfaces);
      return [letsIn, zones];
    };
    expect(await read("eth0", "br0")).toEqual([[22_400, 22_401], ["home"]]);
    expect(await read("eth0", "wlan0")).toEqual([[22_400], ["home", "public"]]);
    expect(await read("br0")).toEqual(["everything", []]);
  });
});
