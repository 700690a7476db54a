import { lookup } from "node:dns/promises";
import { UdpchatError } from "../errors.js";
import type { LanAddress } from "../net/lan.js";
import { parseTarget } from "./target.js";

/** The IPv4 address of a host name, asked for once. Tests put a table here. */
export type LookUp = (host: string) => Promise<string>;

/**
 * Asks the system's resolver.
 * @throws UdpchatError NAME_NOT_RESOLVED
 */
export const lookUpHost: LookUp = async (host) => {
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (cause) {
    throw new UdpchatError("NAME_NOT_RESOLVED", `the name ${host} has no IPv4 address`, {
      cause,
      remedy: "check its spelling, or use the address itself",
    });
  }
};

/**
 * The address that `host:port` or `host` (port 22400) means; nicknames are not looked at.
 * @throws UdpchatError INVALID_TARGET, INVALID_PORT, NAME_NOT_RESOLVED
 */
export async function addressOf(target: string, lookUp: LookUp = lookUpHost): Promise<LanAddress> {
  const parsed = parseTarget(target);
  switch (parsed.kind) {
    case "address":
      return parsed.to;
    case "host":
      return { address: await lookUp(parsed.host), port: parsed.port };
    case "peer":
      throw new UdpchatError("INVALID_TARGET", `"${target}" is not host:port`, {
        remedy: "name a host and a port, as 10.0.0.2:22400",
      });
  }
}
