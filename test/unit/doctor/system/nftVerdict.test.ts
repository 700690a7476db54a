import { describe, expect, it } from "vitest";
import { type NftRuleset, parseNftRuleset } from "../../../../src/doctor/system/nftRuleset.js";
import { certainDrop, type ImaginedPacket } from "../../../../src/doctor/system/nftVerdict.js";

const UNICAST: ImaginedPacket = {
  direction: "in",
  interface: "eth0",
  source: "10.0.0.9",
  destination: "10.0.0.2",
  destinationPort: 22_400,
  kind: "host",
};
const BROADCAST: ImaginedPacket = {
  ...UNICAST,
  destination: "10.0.0.255",
  destinationPort: 22_401,
  kind: "broadcast",
};
const MULTICAST: ImaginedPacket = {
  ...BROADCAST,
  destination: "224.0.1.100",
  kind: "multicast",
};

/** As `nft -j list ruleset` of nftables 1.0.6 writes them. */
const meta = (key: string, right: unknown, op = "==") => ({
  match: { op, left: { meta: { key } }, right },
});
const field = (protocol: string, name: string, right: unknown, op = "==") => ({
  match: { op, left: { payload: { protocol, field: name } }, right },
});
const state = {
  match: { op: "in", left: { ct: { key: "state" } }, right: ["established", "related"] },
};
const [accept, drop] = [{ accept: null }, { drop: null }];

type Expressions = readonly Readonly<Record<string, unknown>>[];

function ruleset(
  rules: readonly Expressions[],
  chain: object = {},
  more: object[] = [],
): NftRuleset {
  const base = { family: "inet", table: "filter" };
  const entries = [
    { metainfo: { version: "1.0.6" } },
    { table: { family: "inet", name: "filter", handle: 1 } },
    { chain: { ...base, name: "input", hook: "input", policy: "accept", ...chain } },
    ...more,
    ...rules.map((expr, index) => ({
      rule: { ...base, chain: "input", handle: index + 10, expr },
    })),
  ];
  const parsed = parseNftRuleset(JSON.stringify({ nftables: entries }));
  if (parsed === undefined) throw new Error("not understood");
  return parsed;
}

const BY_POLICY = { family: "inet", table: "filter", chain: "input", ruleHandle: undefined };

describe("a packet filter", () => {
  it.each<[string, readonly Expressions[], ImaginedPacket, number | undefined]>([
    ["a drop of all", [[drop]], UNICAST, 10],
    ["a drop with a counter", [[{ counter: { packets: 0, bytes: 0 } }, drop]], UNICAST, 10],
    ["a reject", [[{ reject: { type: "icmpx" } }]], UNICAST, 10],
    ["a drop of another port", [[field("udp", "dport", 5353), drop]], UNICAST, undefined],
    [
      "a drop of a set of ports",
      [[field("udp", "dport", { set: [5353, 22_400] }), drop]],
      UNICAST,
      10,
    ],
    ["a range", [[field("udp", "dport", { range: [22_000, 23_000] }), drop]], UNICAST, 10],
    [
      "a range elsewhere",
      [[field("udp", "dport", { range: [1, 1023] }), drop]],
      UNICAST,
      undefined,
    ],
    ["not the port", [[field("udp", "dport", 22, "!="), drop]], UNICAST, 10],
    ["TCP", [[field("tcp", "dport", 22_400), drop]], UNICAST, undefined],
    ["broadcast", [[meta("pkttype", "broadcast"), drop]], BROADCAST, 10],
    ["unicast past that", [[meta("pkttype", "broadcast"), drop]], UNICAST, undefined],
    ["a group", [[field("ip", "daddr", "224.0.1.100"), drop]], MULTICAST, 10],
    [
      "a prefix",
      [[field("ip", "daddr", { prefix: { addr: "224.0.0.0", len: 4 } }), drop]],
      MULTICAST,
      10,
    ],
    [
      "another prefix",
      [[field("ip", "daddr", { prefix: { addr: "239.0.0.0", len: 8 } }), drop]],
      MULTICAST,
      undefined,
    ],
    ["an interface", [[meta("iifname", "eth*"), drop]], UNICAST, 10],
    ["another interface", [[meta("iifname", "lo"), drop]], UNICAST, undefined],
    ["established alone, then all", [[state, accept], [drop]], UNICAST, 11],
    ["an accept before it", [[field("udp", "dport", 22_400), accept], [drop]], UNICAST, undefined],
    // What is not understood is neither: an accept may hold, a drop may not.
    ["a perhaps accepted one", [[{ limit: { rate: 1 } }, accept], [drop]], UNICAST, undefined],
    ["a perhaps dropped one", [[{ limit: { rate: 1 } }, drop]], UNICAST, undefined],
    ["a named set", [[field("ip", "saddr", "@friends"), accept], [drop]], UNICAST, undefined],
    ["an xtables match", [[{ xt: null }, drop]], UNICAST, undefined],
    [
      "fragments",
      [[{ match: { op: "!=", left: { "&": [1, 2] }, right: 0 } }, drop]],
      UNICAST,
      undefined,
    ],
  ])("with %s", (_what, rules, packet, handle) => {
    expect(certainDrop(ruleset(rules), packet)?.ruleHandle).toBe(handle);
  });

  it("drops by its policy what no rule accepts", () => {
    const closed = { policy: "drop" };
    expect(certainDrop(ruleset([[meta("iif", "lo"), accept]], closed), UNICAST)).toEqual(BY_POLICY);
    expect(
      certainDrop(ruleset([[field("udp", "dport", 22_400), accept]], closed), UNICAST),
    ).toBeUndefined();
    expect(certainDrop(ruleset([[{ vmap: {} }]], closed), UNICAST)).toBeUndefined();
    expect(certainDrop(ruleset([[{ return: null }], [accept]], closed), UNICAST)).toEqual(
      BY_POLICY,
    );
  });

  it("says nothing certain of addresses that it does not know", () => {
    const from = (right: string) => ruleset([[field("ip", "saddr", right), drop]]);
    expect(certainDrop(from("10.0.0.9"), UNICAST)).toBeDefined();
    expect(certainDrop(from("10.0.0.9"), { ...UNICAST, source: undefined })).toBeUndefined();
  });

  it("follows jumps, and comes back from them", () => {
    const base = { family: "inet", table: "filter" };
    const chain = (name: string) => ({ chain: { ...base, name } });
    const rule = (name: string, handle: number, ...expr: object[]) => ({
      rule: { ...base, chain: name, handle, expr },
    });
    const guarded = ruleset([[{ jump: { target: "guard" } }], [accept]], {}, [
      chain("guard"),
      rule("guard", 5, meta("pkttype", "multicast"), drop),
    ]);
    expect(certainDrop(guarded, MULTICAST)).toMatchObject({ chain: "guard", ruleHandle: 5 });
    expect(certainDrop(guarded, UNICAST)).toBeUndefined();
    const gone = ruleset([[{ goto: { target: "guard" } }], [accept]], { policy: "drop" }, [
      chain("guard"),
    ]);
    expect(certainDrop(gone, UNICAST)).toEqual(BY_POLICY);
    const endless = ruleset([[{ jump: { target: "input" } }], [drop]]);
    expect(certainDrop(endless, UNICAST)).toBeUndefined();
  });

  it("looks at the hooks of the direction alone, in families of IPv4", () => {
    const out = { ...UNICAST, direction: "out" as const };
    expect(certainDrop(ruleset([[drop]], { hook: "output" }), UNICAST)).toBeUndefined();
    expect(certainDrop(ruleset([[drop]], { hook: "output" }), out)).toBeDefined();
    expect(
      certainDrop(ruleset([[meta("oifname", "eth0"), drop]], { hook: "postrouting" }), out),
    ).toBeDefined();
    expect(certainDrop(ruleset([[drop]], { hook: "forward" }), UNICAST)).toBeUndefined();
  });

  it("is not taken from what is no ruleset", () => {
    for (const text of ["", "{}", "[]", "null", '{"nftables":3}']) {
      expect(parseNftRuleset(text), text).toBeUndefined();
    }
    expect(parseNftRuleset('{"nftables":[{"chain":3},{"rule":{}},7,null]}')?.chains.size).toBe(0);
  });
});
