import { prefixOf } from "../../net/interfaces.js";
import type { LanInterface } from "../../net/lan.js";
import { sourceAddressTo } from "../../net/sourceAddress.js";

/** Which way the kernel would send. */
export interface RouteFacts {
  /** The interface that everything beyond the LANs leaves through; undefined: there is no way. */
  readonly defaultInterface: string | undefined;
  /** Interfaces whose own subnet is reached through another one. */
  readonly elsewhere: readonly { readonly interface: LanInterface; readonly via: string }[];
}

/** An address of documentation alone (RFC 5737): nobody is there, and it is on nobody's LAN. */
const FAR_AWAY = "192.0.2.1";

/** Asks the kernel, and sends nothing. `interfaces`: all of this host. */
export async function readRoutes(interfaces: readonly LanInterface[]): Promise<RouteFacts> {
  const nameOf = async (to: string): Promise<string | undefined> => {
    const { address } = await sourceAddressTo(to);
    return interfaces.find((entry) => entry.address === address)?.name;
  };
  const elsewhere: { interface: LanInterface; via: string }[] = [];
  for (const entry of interfaces) {
    const neighbour = neighbourOf(entry);
    const via = neighbour === undefined ? undefined : await nameOf(neighbour);
    const shares = interfaces.some((one) => one.name === via && isSameSubnet(one, entry));
    if (via !== undefined && !shares) elsewhere.push({ interface: entry, via });
  }
  return { defaultInterface: await nameOf(FAR_AWAY), elsewhere };
}

/** Another address of the same subnet; undefined where there is none, and for loopback. */
export function neighbourOf({ address, netmask, loopback }: LanInterface): string | undefined {
  const prefix = prefixOf(netmask);
  if (loopback || prefix === undefined || prefix > 30) return undefined;
  const own = toNumber(address);
  const size = 2 ** (32 - prefix);
  const network = own - (own % size);
  const other = own - network === 1 ? own + 1 : network + 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(other / 2 ** shift) % 256).join(".");
}

/** Two interfaces on one LAN, as cable and Wi-Fi: either will do. */
function isSameSubnet(a: LanInterface, b: LanInterface): boolean {
  return a.broadcast !== undefined && a.broadcast === b.broadcast && a.netmask === b.netmask;
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
