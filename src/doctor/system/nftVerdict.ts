import { BlockList, isIPv4 } from "node:net";
import * as v from "valibot";
import { chainKey, type NftChain, type NftExpression, type NftRuleset } from "./nftRuleset.js";

/** A datagram that might come or go, as rules see it. */
export interface ImaginedPacket {
  readonly direction: "in" | "out";
  readonly interface: string;
  /** IPv4 literals; undefined: any of others. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly destinationPort: number;
  readonly kind: "host" | "broadcast" | "multicast";
}

/** What drops a packet for certain: a rule of a chain, or its policy. */
export interface NftDrop {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Undefined: the policy. */
  readonly ruleHandle: number | undefined;
}

/** Deeper jumps are not followed: the kernel allows 16. */
const MAX_JUMPS = 16;
const HOOKS = { in: ["prerouting", "input"], out: ["output", "postrouting"] } as const;
const FAMILIES: ReadonlySet<string> = new Set(["ip", "inet"]);

/**
 * What certainly drops a first packet of nobody's connection, or undefined: rules that are not
 * understood might accept it, or might not drop it.
 */
export function certainDrop(ruleset: NftRuleset, packet: ImaginedPacket): NftDrop | undefined {
  for (const hook of HOOKS[packet.direction]) {
    for (const chain of ruleset.chains.values()) {
      if (chain.hook !== hook || !FAMILIES.has(chain.family)) continue;
      const end = walk(ruleset, chain, packet, 0);
      if (end.verdict === "drop") return dropOf(end.chain, end.handle);
      if (end.verdict === "return" && chain.policy === "drop") return dropOf(chain, undefined);
    }
  }
  return undefined;
}

function dropOf({ family, table, name }: NftChain, ruleHandle: number | undefined): NftDrop {
  return { family, table, chain: name, ruleHandle };
}

/** How a walk through a chain ends; `return`: at its end. */
type End =
  | { readonly verdict: "accept" | "unknown" | "return" }
  | { readonly verdict: "drop"; readonly chain: NftChain; readonly handle: number };

function walk(ruleset: NftRuleset, chain: NftChain, packet: ImaginedPacket, depth: number): End {
  if (depth > MAX_JUMPS) return { verdict: "unknown" };
  for (const { handle, expressions } of chain.rules) {
    const matched = expressions.reduce<Matched>((so, one) => both(so, matches(one, packet)), true);
    if (matched === false) continue;
    const verdict = verdictOf(expressions);
    if (verdict === undefined) continue;
    // A rule that perhaps drops proves nothing; any other that perhaps holds ends our knowledge.
    if (matched === undefined && verdict.kind === "drop") continue;
    if (matched === undefined) return { verdict: "unknown" };
    if (verdict.kind === "drop") return { verdict: "drop", chain, handle };
    if (!("target" in verdict)) return { verdict: verdict.kind };
    const target = ruleset.chains.get(chainKey({ ...chain, name: verdict.target }));
    if (target === undefined) return { verdict: "unknown" };
    const end = walk(ruleset, target, packet, depth + 1);
    if (end.verdict !== "return" || verdict.kind === "goto") return end;
  }
  return { verdict: "return" };
}

type Verdict =
  | { readonly kind: "drop" }
  | { readonly kind: "accept" | "return" }
  | { readonly kind: "jump" | "goto"; readonly target: string };

const jump = v.object({ target: v.string() });

function verdictOf(expressions: readonly NftExpression[]): Verdict | undefined {
  for (const expression of expressions) {
    if ("accept" in expression || "vmap" in expression || "queue" in expression) {
      return { kind: "accept" };
    }
    if ("drop" in expression || "reject" in expression) return { kind: "drop" };
    if ("return" in expression) return { kind: "return" };
    for (const kind of ["jump", "goto"] as const) {
      const target = v.safeParse(jump, expression[kind]);
      if (target.success) return { kind, target: target.output.target };
    }
  }
  return undefined;
}

/** Undefined: not known. */
type Matched = boolean | undefined;

function both(one: Matched, other: Matched): Matched {
  if (one === false || other === false) return false;
  return one === undefined || other === undefined ? undefined : true;
}

/** Statements that match everything. */
const HARMLESS = [
  "accept",
  "drop",
  "reject",
  "return",
  "jump",
  "goto",
  "counter",
  "log",
  "comment",
];

function matches(expression: NftExpression, packet: ImaginedPacket): Matched {
  const [kind = ""] = Object.keys(expression);
  if (HARMLESS.includes(kind)) return true;
  if (kind !== "match") return undefined;
  const match = v.safeParse(matchShape, expression["match"]);
  if (!match.success) return undefined;
  const { op, left, right } = match.output;
  const value = fieldOf(left, packet);
  if (value === undefined) return undefined;
  const among = isAmong(value, right);
  if (op === "==" || op === "in") return among;
  return op === "!=" && among !== undefined ? !among : undefined;
}

const matchShape = v.object({ op: v.string(), left: v.unknown(), right: v.unknown() });
const leftShape = v.union([
  v.object({ meta: v.object({ key: v.string() }) }),
  v.object({ payload: v.object({ protocol: v.string(), field: v.string() }) }),
  v.object({ ct: v.object({ key: v.string() }) }),
  v.object({ fib: v.object({ result: v.string(), flags: v.unknown() }) }),
]);

/** What the packet has in this field; undefined: nobody can say. */
function fieldOf(left: unknown, packet: ImaginedPacket): string | number | undefined {
  const parsed = v.safeParse(leftShape, left);
  if (!parsed.success) return undefined;
  const field = parsed.output;
  if ("meta" in field) return metaOf(field.meta.key, packet);
  if ("ct" in field) return field.ct.key === "state" ? "new" : undefined;
  if ("fib" in field) {
    const isOfDestination = [field.fib.flags].flat().includes("daddr");
    if (field.fib.result !== "type" || !isOfDestination || packet.direction === "out") {
      return undefined;
    }
    return packet.kind === "host" ? "local" : packet.kind;
  }
  switch (`${field.payload.protocol} ${field.payload.field}`) {
    case "ip saddr":
      return packet.source;
    case "ip daddr":
      return packet.destination;
    case "ip protocol":
      return "udp";
    case "udp dport":
    case "th dport":
      return packet.destinationPort;
    default:
      return otherProtocol(field.payload.protocol) ? "" : undefined;
  }
}

/** Fields that a UDP datagram over IPv4 does not have: no rule about them matches. */
function otherProtocol(protocol: string): boolean {
  return ["tcp", "icmp", "icmpv6", "ip6", "sctp", "dccp", "esp", "ah"].includes(protocol);
}

function metaOf(key: string, packet: ImaginedPacket): string | undefined {
  switch (key) {
    case "iif":
    case "iifname":
      return packet.direction === "in" ? packet.interface : "";
    case "oif":
    case "oifname":
      return packet.direction === "out" ? packet.interface : "";
    case "l4proto":
      return "udp";
    case "nfproto":
      return "ipv4";
    case "protocol":
      return "ip";
    case "pkttype":
      return packet.kind;
    default:
      return undefined;
  }
}

const set = v.object({ set: v.array(v.unknown()) });
const range = v.object({ range: v.tuple([v.unknown(), v.unknown()]) });
const prefix = v.object({ prefix: v.object({ addr: v.string(), len: v.number() }) });

function isAmong(value: string | number, right: unknown): Matched {
  if (typeof right === "number") return value === right;
  if (typeof right === "string") return right.startsWith("@") ? undefined : isText(value, right);
  if (Array.isArray(right)) return anyOf(right.map((one) => isAmong(value, one)));
  const items = v.safeParse(set, right);
  if (items.success) return anyOf(items.output.set.map((one) => isAmong(value, one)));
  const ends = v.safeParse(range, right);
  if (ends.success) return isBetween(value, ends.output.range);
  const network = v.safeParse(prefix, right);
  if (!network.success || typeof value !== "string") return undefined;
  const { addr, len } = network.output.prefix;
  if (!isIPv4(addr) || !isIPv4(value)) return undefined;
  return inNetwork(value, (list) => list.addSubnet(addr, len, "ipv4"));
}

/** `eth*` stands for every name that begins so. */
function isText(value: string | number, right: string): boolean {
  return right.endsWith("*")
    ? String(value).startsWith(right.slice(0, -1))
    : String(value) === right;
}

function anyOf(all: readonly Matched[]): Matched {
  if (all.includes(true)) return true;
  return all.includes(undefined) ? undefined : false;
}

function isBetween(value: string | number, [low, high]: readonly [unknown, unknown]): Matched {
  if (typeof value === "number" && typeof low === "number" && typeof high === "number") {
    return low <= value && value <= high;
  }
  if (typeof value !== "string" || typeof low !== "string" || typeof high !== "string") {
    return undefined;
  }
  if (![value, low, high].every((address) => isIPv4(address))) return undefined;
  return inNetwork(value, (list) => list.addRange(low, high, "ipv4"));
}

function inNetwork(address: string, add: (list: BlockList) => void): Matched {
  const list = new BlockList();
  try {
    add(list);
  } catch {
    return undefined; // a range that goes backwards, a prefix of more than 32 bits
  }
  return list.check(address, "ipv4");
}
