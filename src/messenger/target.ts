import { isIPv4 } from "node:net";
import type { PeerView } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { LanAddress } from "../net/lan.js";
import { DEFAULT_DATA_PORT } from "../wire/constants.js";

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
const MIN_CERTAIN_ID_PREFIX = 8;
const ID_PREFIX = /^[0-9a-f]{4,64}$/;
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
 * @param broadcasts the directed ones of the networks that we are in
 * @throws UdpchatError INVALID_TARGET
 */
export function assertOnePeer({ address, port }: LanAddress, broadcasts: readonly string[]): void {
  const firstOctet = Number(address.slice(0, address.indexOf(".")));
  if (firstOctet >= 224 && firstOctet <= 239) {
    throw isGroup(port === DEFAULT_DATA_PORT ? address : `${address}:${port}`);
  }
  if (firstOctet > 0 && firstOctet < 240 && !broadcasts.includes(address)) return;
  throw new UdpchatError("INVALID_TARGET", `${address} is not the address of one peer`, {
    remedy: "name one peer, or say it to a group: udpchat say GROUP TEXT",
  });
}

/** Why a nickname would be taken for something else as a TARGET; undefined if it would not. */
export function notNicknameBecause(name: string): string | undefined {
  if (FOUR_NUMBERS.test(name)) return "looks like an IPv4 address";
  if (name.includes(":")) return "contains a colon, as host:port does";
  if (name.startsWith("#")) return "begins with # as groups do";
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

/**
 * The peer of the roster that a name means: a nickname, `nickname~ab12`, or the first characters
 * of an id. Peers that are gone count only where nobody present has the name, and nicknames only
 * where no id begins with the name, if it is long enough to be meant as one.
 * @returns undefined if there is none
 * @throws UdpchatError AMBIGUOUS_PEER
 */
export function findPeer(name: string, roster: readonly PeerView[]): PeerView | undefined {
  const byId =
    name.length < MIN_CERTAIN_ID_PREFIX ? [] : roster.filter(({ id }) => isPrefixOf(name, id));
  const candidates = byId.length > 0 ? byId : roster.filter((peer) => isCalled(peer, name));
  const present = candidates.filter((peer) => peer.state !== "offline");
  const [first, second] = present.length > 0 ? present : candidates;
  if (second === undefined) return first;
  const names = (present.length > 0 ? present : candidates).slice(0, 8).map(distinctName);
  throw new UdpchatError("AMBIGUOUS_PEER", `several peers are called ${name}`, {
    remedy: `choose one: ${names.join(", ")}`,
  });
}

/** The only peer whose nickname differs from the name in upper and lower case alone. */
export function findSimilar(name: string, roster: readonly PeerView[]): PeerView | undefined {
  const folded = name.toLowerCase();
  const similar = roster.filter((peer) => peer.name.toLowerCase() === folded);
  return similar.length === 1 ? similar[0] : undefined;
}

function isCalled(peer: PeerView, name: string): boolean {
  if (peer.name === name || isPrefixOf(name, peer.id)) return true;
  const tilde = name.lastIndexOf("~");
  if (tilde < 0 || peer.name !== name.slice(0, tilde)) return false;
  return isPrefixOf(name.slice(tilde + 1), peer.id);
}

function isPrefixOf(text: string, id: string): boolean {
  const prefix = text.toLowerCase();
  return ID_PREFIX.test(prefix) && id.startsWith(prefix);
}

/** A nickname that several peers have, told apart by key: `alice~ab12`. */
export function distinctName(peer: { readonly name: string; readonly id: string }): string {
  return `${peer.name}~${peer.id.slice(0, MIN_ID_PREFIX)}`;
}
