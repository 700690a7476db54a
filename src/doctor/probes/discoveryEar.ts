import type { LanAddress, LanInterface } from "../../net/lan.js";
import { HEEDLESS, openUdpSocket, type UdpSocket, WILDCARD_ADDRESS } from "../../net/udpSocket.js";

/** A group that could not be joined on an interface; `errno` says why. */
export interface FailedJoin {
  readonly interfaceAddress: string;
  readonly group: string;
  readonly errno: string;
}

export type Listener = (bytes: Uint8Array, from: LanAddress) => void;

/**
 * Hears what everybody here hears: broadcast, and these groups, on the discovery port, which is
 * shared with a daemon that runs. It holds its memberships as long as it is open: so it notices a
 * switch that forgets them, where whoever joins again would not.
 */
export class DiscoveryEar {
  readonly failedJoins: readonly FailedJoin[];
  readonly #socket: UdpSocket;
  readonly #listeners: Set<Listener>;

  /** @throws UdpchatError PORT_IN_USE, NETWORK_UNAVAILABLE */
  static async open(
    interfaces: readonly LanInterface[],
    groups: readonly string[],
    port: number,
  ): Promise<DiscoveryEar> {
    const listeners = new Set<Listener>();
    const socket = await openUdpSocket(
      { address: WILDCARD_ADDRESS, port, reuseAddr: true },
      {
        ...HEEDLESS,
        received: (bytes, from) => {
          for (const listener of listeners) listener(bytes, from);
        },
      },
    );
    return new DiscoveryEar(socket, listeners, joinAll(socket, interfaces, groups));
  }

  private constructor(
    socket: UdpSocket,
    listeners: Set<Listener>,
    failedJoins: readonly FailedJoin[],
  ) {
    this.#socket = socket;
    this.#listeners = listeners;
    this.failedJoins = failedJoins;
  }

  /** Calls back for every datagram; the result takes the listener away. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#socket.close();
  }
}

function joinAll(
  socket: UdpSocket,
  interfaces: readonly LanInterface[],
  groups: readonly string[],
): FailedJoin[] {
  return interfaces.flatMap(({ address: interfaceAddress }) =>
    groups.flatMap((group) => {
      const errno = socket.addMembership(group, interfaceAddress);
      // Joined already, through another address of the same interface.
      if (errno === undefined || errno === "EADDRINUSE") return [];
      return [{ interfaceAddress, group, errno }];
    }),
  );
}
