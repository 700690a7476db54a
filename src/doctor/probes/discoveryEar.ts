import { GroupReceivers } from "../../net/groupReceivers.js";
import type { LanAddress, LanInterface } from "../../net/lan.js";
import { HEEDLESS, openUdpSocket, type UdpSocket, WILDCARD_ADDRESS } from "../../net/udpSocket.js";

/** Takes a datagram, and where it came from. */
export type Listener = (bytes: Uint8Array, from: LanAddress) => void;

/**
 * Hears what everybody here hears: broadcast, and these groups, on the discovery port, which is
 * shared with a daemon that runs. It holds its memberships as long as it is open: so it notices a
 * switch that forgets them, where whoever joins again would not.
 */
export class DiscoveryEar {
  readonly #socket: UdpSocket;
  readonly #receivers: GroupReceivers;
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
    const receivers = new GroupReceivers({
      receiveBufferBytes: 0,
      handlers: () => HEEDLESS,
      // Nothing is heard then, which is what we are here to find out.
      membershipFailed: () => undefined,
    });
    receivers.lend(socket);
    await receivers.rejoin(interfaces);
    for (const address of groups) await receivers.join({ address, port });
    return new DiscoveryEar(socket, receivers, listeners);
  }

  private constructor(socket: UdpSocket, receivers: GroupReceivers, listeners: Set<Listener>) {
    this.#socket = socket;
    this.#receivers = receivers;
    this.#listeners = listeners;
  }

  /** Calls back for every datagram; the result takes the listener away. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#receivers.close();
    await this.#socket.close();
  }
}
