import { isIPv4 } from "node:net";
import { UdpchatError } from "../errors.js";
import type { LanAddress, LanInterface } from "./lan.js";
import { Memberships } from "./memberships.js";
import {
  HEEDLESS,
  openUdpSocket,
  type UdpSocket,
  type UdpSocketHandlers,
  WILDCARD_ADDRESS,
} from "./udpSocket.js";

export interface GroupReceiversOptions {
  readonly receiveBufferBytes: number;
  /** Handlers of a socket that receives groups; `group` as in `LanDatagram`. */
  readonly handlers: (group: () => LanAddress | undefined) => UdpSocketHandlers;
  readonly membershipFailed: (reason: unknown) => void;
}

interface Receiver {
  readonly memberships: Memberships;
  /** How often each group is joined. Bounded by the caller's limit on groups. */
  readonly joins: Map<string, number>;
  /** The socket to close with the last group; undefined for one that belongs to the caller. */
  readonly ownSocket: UdpSocket | undefined;
}

/**
 * On Linux a socket bound to a group's address receives that group alone: the kernel filters.
 * Windows cannot bind to one. Elsewhere we keep to what works everywhere.
 */
const BIND_TO_GROUP = process.platform === "linux";

/**
 * The sockets that groups arrive on: the caller's own on its ports, and on any other port one
 * per group (Linux) or one per port (elsewhere). Not reentrant: the caller awaits each step.
 */
export class GroupReceivers {
  readonly #options: GroupReceiversOptions;
  /** By bound address and port. Bounded by the caller's limit on groups. */
  readonly #receivers = new Map<string, Receiver>();
  #interfaces: readonly LanInterface[] = [];

  constructor(options: GroupReceiversOptions) {
    this.#options = options;
  }

  /** Groups on this socket's port arrive on it; the socket stays the caller's. */
  lend(socket: UdpSocket): void {
    this.#receivers.set(receiverKey(WILDCARD_ADDRESS, socket.port), {
      memberships: this.#membershipsOf(socket),
      joins: new Map(),
      ownSocket: undefined,
    });
  }

  /** @throws UdpchatError INVALID_GROUP, INVALID_PORT, PORT_IN_USE, NETWORK_UNAVAILABLE */
  async join(group: LanAddress): Promise<void> {
    assertGroup(group);
    const receiver = this.#find(group) ?? (await this.#open(group));
    const joins = receiver.joins.get(group.address) ?? 0;
    receiver.joins.set(group.address, joins + 1);
    if (joins === 0) await receiver.memberships.add(group.address);
  }

  async leave(group: LanAddress): Promise<void> {
    const receiver = this.#find(group);
    const joins = receiver?.joins.get(group.address);
    if (receiver === undefined || joins === undefined) return;
    if (joins > 1) {
      receiver.joins.set(group.address, joins - 1);
      return;
    }
    receiver.joins.delete(group.address);
    receiver.memberships.remove(group.address);
    if (receiver.ownSocket !== undefined && receiver.memberships.empty) {
      this.#receivers.delete(receiverKey(bindAddressOf(group), group.port));
      await closeReceiver(receiver);
    }
  }

  /** Joins everything again, on these interfaces. */
  async rejoin(interfaces: readonly LanInterface[]): Promise<void> {
    this.#interfaces = interfaces;
    for (const { memberships } of this.#receivers.values()) await memberships.rejoin(interfaces);
  }

  async close(): Promise<void> {
    const receivers = [...this.#receivers.values()];
    this.#receivers.clear();
    for (const receiver of receivers) await closeReceiver(receiver);
  }

  #find(group: LanAddress): Receiver | undefined {
    return (
      this.#receivers.get(receiverKey(WILDCARD_ADDRESS, group.port)) ??
      this.#receivers.get(receiverKey(bindAddressOf(group), group.port))
    );
  }

  async #open(group: LanAddress): Promise<Receiver> {
    const address = bindAddressOf(group);
    let memberships: Memberships | undefined;
    const groupOf = (): LanAddress | undefined => {
      const only = memberships?.only;
      return only === undefined ? undefined : { address: only, port: group.port };
    };
    const socket = await openUdpSocket(
      {
        address,
        port: group.port,
        reuseAddr: true,
        receiveBufferBytes: this.#options.receiveBufferBytes,
      },
      this.#options.handlers(groupOf),
    );
    memberships = this.#membershipsOf(socket);
    const receiver = { memberships, joins: new Map(), ownSocket: socket };
    this.#receivers.set(receiverKey(address, group.port), receiver);
    return receiver;
  }

  #membershipsOf(socket: UdpSocket): Memberships {
    return new Memberships(
      {
        socket,
        openHolder: process.platform === "linux" ? openHolder : undefined,
        failed: this.#options.membershipFailed,
      },
      this.#interfaces,
    );
  }
}

/** A socket that nobody sends to. */
function openHolder(): Promise<UdpSocket> {
  return openUdpSocket({ address: WILDCARD_ADDRESS, port: 0 }, HEEDLESS);
}

async function closeReceiver({ memberships, ownSocket }: Receiver): Promise<void> {
  await memberships.closeHolders();
  await ownSocket?.close();
}

function bindAddressOf(group: LanAddress): string {
  return BIND_TO_GROUP ? group.address : WILDCARD_ADDRESS;
}

function receiverKey(address: string, port: number): string {
  return `${address}:${port}`;
}

/** Multicast is 224.0.0.0/4 (RFC 5771). */
function assertGroup({ address, port }: LanAddress): void {
  const firstOctet = isIPv4(address) ? Number(address.split(".", 1)[0]) : 0;
  if (firstOctet < 224 || firstOctet > 239) {
    throw new UdpchatError("INVALID_GROUP", `${address} is not an IPv4 multicast address`, {
      remedy: "use an address from 224.0.0.0 to 239.255.255.255",
    });
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UdpchatError("INVALID_PORT", `${port} is not a UDP port`, {
      remedy: "use a number from 1 to 65535",
    });
  }
}
