import { interfaceKey } from "./interfaces.js";
import type { LanAddress, LanInterface } from "./lan.js";
import { openUdpSocket, type UdpSocket, type UdpSocketHandlers } from "./udpSocket.js";

/** Errors after which only a new socket sends again: its interface is gone, or was made anew. */
const BROKEN_BY: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "ENODEV", "EBADF", "ENOTCONN"]);

interface Sender {
  readonly socket: UdpSocket;
  readonly health: { broken: boolean };
  interface: LanInterface;
}

/**
 * One socket per interface address, bound to it. Without a default route the kernel cannot choose
 * an interface for a broadcast or a multicast: each goes out on every one of ours, by name.
 */
export class Senders {
  readonly #handlers: UdpSocketHandlers;
  readonly #openFailed: (error: unknown) => void;
  /** Bounded by the interface addresses of this host. */
  readonly #senders = new Map<string, Sender>();
  #interfaces: readonly LanInterface[] = [];

  constructor(handlers: UdpSocketHandlers, openFailed: (error: unknown) => void) {
    this.#handlers = handlers;
    this.#openFailed = openFailed;
  }

  /** True if an interface has no working sender: reconcile again. */
  get incomplete(): boolean {
    return (
      this.#senders.size < this.#interfaces.length ||
      [...this.#senders.values()].some(({ health }) => health.broken)
    );
  }

  /**
   * Closes the senders of interfaces that are gone, and those that broke; opens the missing.
   * Returns whether one had broken: its interface was perhaps made anew, unnoticed between two
   * looks, and then has forgotten its memberships too.
   */
  async reconcile(interfaces: readonly LanInterface[]): Promise<boolean> {
    this.#interfaces = interfaces;
    let broke = false;
    const present = new Set(interfaces.map(interfaceKey));
    for (const [key, { socket, health }] of this.#senders) {
      if (present.has(key) && !health.broken) continue;
      broke ||= health.broken;
      this.#senders.delete(key);
      await socket.close();
    }
    for (const entry of interfaces) {
      const key = interfaceKey(entry);
      const sender = this.#senders.get(key);
      if (sender !== undefined) {
        sender.interface = entry;
        continue;
      }
      const opened = await this.#open(entry);
      if (opened !== undefined) this.#senders.set(key, opened);
    }
    return broke;
  }

  /** To the directed broadcast address of every interface that has one. */
  broadcast(bytes: Uint8Array, port: number): void {
    for (const { socket, interface: entry } of this.#senders.values()) {
      if (entry.broadcast !== undefined) socket.send(bytes, { address: entry.broadcast, port });
    }
  }

  /** To a group, on every interface. */
  multicast(bytes: Uint8Array, to: LanAddress): void {
    for (const { socket } of this.#senders.values()) socket.send(bytes, to);
  }

  async close(): Promise<void> {
    await this.reconcile([]);
  }

  /** Undefined if it cannot be opened now; the next poll tries again. */
  async #open(entry: LanInterface): Promise<Sender | undefined> {
    const health = { broken: false };
    const handlers: UdpSocketHandlers = {
      ...this.#handlers,
      sendFailed: (code) => {
        health.broken ||= BROKEN_BY.has(code);
        this.#handlers.sendFailed(code);
      },
      failed: (code) => {
        health.broken = true;
        this.#handlers.failed(code);
      },
    };
    let socket: UdpSocket | undefined;
    try {
      socket = await openUdpSocket({ address: entry.address, port: 0 }, handlers);
      socket.allowBroadcast();
      socket.multicastThrough(entry.address);
      return { socket, health, interface: entry };
    } catch (error) {
      await socket?.close();
      this.#openFailed(error);
      return undefined;
    }
  }
}
