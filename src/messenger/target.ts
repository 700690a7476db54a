import { isIPv4 } from "node:net";
import type { PeerSearch, PeerState } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { LanAddress } from "../net/lan.js";
import { DEFAULT_DATA_PORT } from "../wire/constants.js";
import type { PeerTrust } from "./types.js";

/** Whom a TARGET names, before anybody was asked. */
export type Target =
  /** An IPv4 literal: never taken for a nickname, so that nobody can call himself one. */
  | { readonly kind: "address"; readonly to: LanAddress }
  /** A DNS name; one without a port can also be a nickname, which goes first. */
  | {
      readonly kind: "host";
      readonly host: string;
      readonly port: number;
      readonly nickname: string | undefined;
    }
  /** A nickname, `nickname~ab12`, or the first characters of a peer id. */
  | { readonly kind: "peer"; readonly name: string };

const MIN_ID_PREFIX = 4;
/** So many characters of an id are meant as such, whatever others call themselves. */
export const MIN_CERTAIN_ID_PREFIX = 8;
const ID_PREFIX = /^[0-9a-f]{4,64}$/;
/** Names a key: nobody can call himself so. */
const TILDE_NAME = /~[0-9a-f]{4,64}$/i;
const FOUR_NUMBERS = /^\d+(\.\d+){3}$/;
const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Takes a TARGET apart.
 * @throws UdpchatError INVALID_TARGET, INVALID_PORT
 */
export function parseTarget(text: string): Target {
  const target = text.trim();
  if (target === "") throw invalidTarget(text);
  if (target.startsWith("#")) throw isGroup(target);
  const colon = target.lastIndexOf(":");
  if (colon >= 0) {
    const host = target.slice(0, colon);
    if (FOUR_NUMBERS.test(host) && !isIPv4(host)) throw notAnAddress(host);
    // A URL.
    if (target.includes("/")) throw invalidTarget(text);
    const port = parsePort(target.slice(colon + 1));
    if (isIPv4(host)) return { kind: "address", to: { address: host, port } };
    if (!isHostName(host)) throw invalidTarget(text);
    return { kind: "host", host, port, nickname: undefined };
  }
  if (isIPv4(target)) {
    return { kind: "address", to: { address: target, port: DEFAULT_DATA_PORT } };
  }
  if (FOUR_NUMBERS.test(target)) throw notAnAddress(target);
  const isHost = isHostName(target) && (target.includes(".") || target === "localhost");
  if (!isHost) return { kind: "peer", name: target };
  return { kind: "host", host: target, port: DEFAULT_DATA_PORT, nickname: target };
}

/** Numbers and dots alone are a mistyped address, not a name. */
function isHostName(text: string): boolean {
  return text.length <= 253 && HOST_NAME.test(text) && !/^[0-9.]+$/.test(text);
}

function invalidTarget(text: string): UdpchatError {
  return new UdpchatError("INVALID_TARGET", `"${text}" names nobody`, {
    remedy: "use host:port, host, a nickname, or the first characters of a peer id",
  });
}

function notAnAddress(text: string): UdpchatError {
  return new UdpchatError("INVALID_TARGET", `${text} is not an IPv4 address`, {
    remedy: "write four numbers from 0 to 255, as 10.0.0.2",
  });
}

function isGroup(label: string): UdpchatError {
  const quoted = label.startsWith("#") ? `'${label}'` : label;
  return new UdpchatError("INVALID_TARGET", `${label} is a group`, {
    remedy: `say it to the group instead: udpchat say ${quoted} TEXT`,
  });
}

/**
 * Refuses addresses that cannot be one peer's: groups (RFC 5771), "this host" (RFC 1122 section
 * 3.2.1.3), what is reserved (RFC 1112 section 4), and broadcasts.
 * @param isBroadcast of a network that we are in
 * @throws UdpchatError INVALID_TARGET
 */
export function assertOnePeer(
  { address, port }: LanAddress,
  isBroadcast: (address: string) => boolean,
): void {
  const firstOctet = Number(address.slice(0, address.indexOf(".")));
  if (firstOctet >= 224 && firstOctet <= 239) {
    throw isGroup(port === DEFAULT_DATA_PORT ? address : `${address}:${port}`);
  }
  if (firstOctet > 0 && firstOctet < 240 && !isBroadcast(address)) return;
  throw new UdpchatError("INVALID_TARGET", `${address} is not the address of one peer`, {
    remedy: "name one peer, or say it to a group: udpchat say GROUP TEXT",
  });
}

/** Why a nickname would be taken for something else as a TARGET; undefined if it would not. */
export function notNicknameBecause(name: string): string | undefined {
  if (FOUR_NUMBERS.test(name)) return "looks like an IPv4 address";
  if (name.includes(":")) return "contains a colon, as host:port does";
  if (name.startsWith("#")) return "begins with # as groups do";
  if (TILDE_NAME.test(name)) return "ends as names with a part of the id do";
  if (name === "-") return "is a single -, which commands take for standard input";
  return undefined;
}

/** A port to send to, from text. */
function parsePort(text: string): number {
  const port = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(port)) throw invalidPort(`"${text}" is not a port`, 1);
  return checkedPort(port, 1);
}

/**
 * A UDP port from `lowest` (0 stands for any free one) to 65535.
 * @throws UdpchatError INVALID_PORT
 */
export function checkedPort(port: number, lowest: 0 | 1): number {
  if (Number.isInteger(port) && port >= lowest && port <= 65_535) return port;
  throw invalidPort(`port ${port} is out of range`, lowest);
}

function invalidPort(message: string, lowest: number): UdpchatError {
  return new UdpchatError("INVALID_PORT", message, { remedy: `use ${lowest} to 65535` });
}

/** A peer that can be named, and what is held of its key. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly state: PeerState;
  /** Without it nobody counts more than others. */
  readonly trust?: PeerTrust;
}

/**
 * The peer that a name means: a nickname, `nickname~ab12`, or the first characters of an id. Ids
 * go first if the name is long enough to be meant as one. Of several with the nickname those count
 * that the user verified, or else those that are known: strangers cannot make it ambiguous. Then
 * peers that are gone count only where nobody present has the name.
 * @returns undefined if there is none
 * @throws UdpchatError AMBIGUOUS_PEER; KEY_CHANGED if all that have the nickname are strangers,
 *   and it stands for somebody whom we know
 */
export function findPeer<C extends Candidate>(name: string, roster: readonly C[]): C | undefined {
  const byId =
    name.length < MIN_CERTAIN_ID_PREFIX ? [] : roster.filter(({ id }) => isPrefixOf(name, id));
  if (byId.length > 0) return onlyPresent(name, byId);
  const byKey = roster.filter((peer) => isCalledByKey(peer, name));
  const byName = TILDE_NAME.test(name) ? [] : roster.filter((peer) => peer.name === name);
  const candidates = mostTrusted([...byName, ...byKey.filter((peer) => !byName.includes(peer))]);
  const found = onlyPresent(name, candidates);
  if (found?.trust === "conflict" && !byKey.includes(found)) throw keyChanged(found);
  return found;
}

/** @throws UdpchatError AMBIGUOUS_PEER */
function onlyPresent<C extends Candidate>(name: string, candidates: readonly C[]): C | undefined {
  const present = candidates.filter((peer) => peer.state !== "offline");
  const counting = present.length > 0 ? present : candidates;
  const [first, second] = counting;
  if (second === undefined) return first;
  throw ambiguous(name, counting);
}

/** Several have the name, and none of them is more likely to be meant. */
export function ambiguous(
  name: string,
  peers: readonly { readonly id: string; readonly name: string }[],
): UdpchatError {
  return new UdpchatError("AMBIGUOUS_PEER", `several peers are called ${name}`, {
    remedy: `choose one: ${distinctNames(peers.slice(0, 8)).join(", ")}`,
  });
}

function mostTrusted<C extends Candidate>(candidates: readonly C[]): readonly C[] {
  for (const trust of ["verified", "known"] as const) {
    const trusted = candidates.filter((peer) => peer.trust === trust);
    if (trusted.length > 0) return trusted;
  }
  return candidates;
}

/** It bears the name of somebody whom we know. */
export function keyChanged(peer: Pick<Candidate, "id" | "name">): UdpchatError {
  return new UdpchatError("KEY_CHANGED", `${peer.name} has another key than the one known here`, {
    remedy:
      `it may be somebody else: compare codes with \`udpchat verify ${commandName(peer)}\`, ` +
      `or write to ${commandName(peer)} if you do not mind`,
  });
}

/** The only peer whose nickname differs from the name in upper and lower case alone. */
export function findSimilar<P extends { readonly name: string }>(
  name: string,
  roster: readonly P[],
): P | undefined {
  const folded = name.toLowerCase();
  const similar = roster.filter((peer) => peer.name.toLowerCase() === folded);
  return similar.length === 1 ? similar[0] : undefined;
}

/** By `nickname~ab12` or the first characters of its id. */
export function isCalledByKey(peer: Pick<Candidate, "id" | "name">, name: string): boolean {
  if (isPrefixOf(name, peer.id)) return true;
  const tilde = name.lastIndexOf("~");
  if (tilde < 0 || peer.name !== name.slice(0, tilde)) return false;
  return isPrefixOf(name.slice(tilde + 1), peer.id);
}

function isPrefixOf(text: string, id: string): boolean {
  const prefix = text.toLowerCase();
  return ID_PREFIX.test(prefix) && id.startsWith(prefix);
}

/** True if the name, in any of its forms, means this peer. */
export function isCalled(peer: Pick<Candidate, "id" | "name">, name: string): boolean {
  return (peer.name === name && !TILDE_NAME.test(name)) || isCalledByKey(peer, name);
}

/** Finds all whom the name, in any of its forms, may mean; perhaps others besides. */
export function searchFor(name: string): PeerSearch {
  const nickname = TILDE_NAME.test(name) ? name.slice(0, name.lastIndexOf("~")) : name;
  const prefix = name.toLowerCase();
  return { names: [nickname], ...(ID_PREFIX.test(prefix) ? { idPrefix: prefix } : {}) };
}

/** A nickname that several peers have, told apart by key: `alice~ab12`. */
export function distinctName(peer: { readonly name: string; readonly id: string }): string {
  return `${peer.name}~${peer.id.slice(0, MIN_ID_PREFIX)}`;
}

/** With as many digits as it takes: four are the same for whoever tries 65,536 keys. */
function distinctNames(peers: readonly { readonly id: string; readonly name: string }[]): string[] {
  for (const digits of [MIN_ID_PREFIX, 8, 16]) {
    const names = peers.map(({ name, id }) => `${name}~${id.slice(0, digits)}`);
    if (new Set(names).size === names.length) return names;
  }
  return peers.map(({ id }) => id);
}

/** Needs no quotes in a shell, and is no option. */
const SIMPLE_NAME = /^[\p{L}\p{N}_.][\p{L}\p{N}_.-]*$/u;

/** To be typed: `alice~ab12`, or the first digits of the id where the name would need quotes. */
export function commandName(peer: { readonly id: string; readonly name: string }): string {
  return SIMPLE_NAME.test(peer.name) ? distinctName(peer) : peer.id.slice(0, MIN_CERTAIN_ID_PREFIX);
}
