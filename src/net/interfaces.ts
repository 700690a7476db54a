import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import ip from "ip";
import type { LanInterface } from "./lan.js";

/** What Node knows of this host's interfaces, `os.networkInterfaces()`; those that are up. */
export type InterfaceTable = ReturnType<typeof networkInterfaces>;

/**
 * The IPv4 addresses of a table, by name and address.
 * @param names interfaces to use; undefined or empty for all, loopback included.
 */
export function interfacesOf(
  table: InterfaceTable,
  names: readonly string[] | undefined,
): readonly LanInterface[] {
  const wanted = names === undefined || names.length === 0 ? undefined : new Set(names);
  const found: LanInterface[] = [];
  for (const [name, addresses] of Object.entries(table)) {
    if (addresses === undefined || (wanted !== undefined && !wanted.has(name))) continue;
    for (const { family, address, netmask, internal } of addresses) {
      const prefix = prefixOf(netmask);
      if (family !== "IPv4" || !isIPv4(address) || prefix === undefined) continue;
      const broadcast = broadcastOf(address, prefix);
      found.push({ name, address, netmask, broadcast, loopback: internal });
    }
  }
  return found.toSorted((a, b) => compare(a.name, b.name) || compare(a.address, b.address));
}

/** The interfaces of this host as they are now. */
export function listInterfaces(names: readonly string[] | undefined): readonly LanInterface[] {
  return interfacesOf(networkInterfaces(), names);
}

/** Names one address of one interface: an address that moves to another interface is another. */
export function interfaceKey(of: LanInterface): string {
  return `${of.name} ${of.address}`;
}

/** True if both lists (sorted, as {@link interfacesOf} returns them) say the same. */
export function sameInterfaces(a: readonly LanInterface[], b: readonly LanInterface[]): boolean {
  return textOf(a) === textOf(b);
}

function textOf(interfaces: readonly LanInterface[]): string {
  return interfaces.map((entry) => `${interfaceKey(entry)} ${entry.netmask}`).join("\n");
}

/**
 * Directed broadcast address; undefined for a /31 and a /32, which have none (RFC 3021), and for
 * anything that is not IPv4: the package `ip` answers nonsense to bad input.
 */
export function broadcastOf(address: string, prefix: number): string | undefined {
  if (!isIPv4(address) || !Number.isInteger(prefix) || prefix < 0 || prefix > 30) return undefined;
  return ip.cidrSubnet(`${address}/${prefix}`).broadcastAddress;
}

/** The number of leading ones of a netmask; undefined if it is not one. */
export function prefixOf(netmask: string): number | undefined {
  if (!isIPv4(netmask)) return undefined;
  const mask = ipv4ToInteger(netmask);
  const prefix = Math.clz32(~mask);
  return mask === maskOf(prefix) ? prefix : undefined;
}

/** Tells whether an address lies in a subnet of one of our interfaces. Asked for every datagram. */
export class OnLinkTest {
  /** Bounded by the interface addresses of this host. */
  readonly #subnets: { readonly network: number; readonly mask: number }[];
  /** What was asked last: who talks to us sends more than one datagram. */
  #asked = "";
  #answer = false;

  constructor(interfaces: readonly LanInterface[]) {
    // All of 127/8 is this host, whatever interfaces are in use (RFC 1122 section 3.2.1.3).
    this.#subnets = [{ network: ipv4ToInteger("127.0.0.0"), mask: maskOf(8) }];
    for (const { address, netmask } of interfaces) {
      const mask = ipv4ToInteger(netmask);
      this.#subnets.push({ network: ipv4ToInteger(address) & mask, mask });
    }
  }

  /** @param address an IPv4 literal, as the kernel gave it. */
  has(address: string): boolean {
    if (address !== this.#asked) {
      const value = ipv4ToInteger(address);
      this.#answer = this.#subnets.some(({ network, mask }) => (value & mask) === network);
      this.#asked = address;
    }
    return this.#answer;
  }
}

/** A dotted quad as a signed 32-bit integer, for bit operations. */
function ipv4ToInteger(address: string): number {
  let value = 0;
  for (const octet of address.split(".")) value = (value << 8) | Number(octet);
  return value;
}

/** Signed 32-bit netmask. A shift by 32 would be none at all. */
function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : -1 << (32 - prefix);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
