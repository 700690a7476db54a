import type { LanInterface } from "./lan.js";
import type { UdpSocket } from "./udpSocket.js";

interface Membership {
  readonly group: string;
  readonly interfaceAddress: string;
  readonly holder: UdpSocket;
}

export interface MembershipsOptions {
  /** The socket that receives. */
  readonly socket: UdpSocket;
  /** Opens a socket that only holds memberships; undefined where that does not help. */
  readonly openHolder: (() => Promise<UdpSocket>) | undefined;
  /** An errno, or what opening a holder threw. */
  readonly failed: (reason: unknown) => void;
}

/**
 * The groups that one socket receives, on every interface.
 *
 * Linux allows 20 memberships per socket (net.ipv4.igmp_max_memberships), which four interfaces
 * use up with five groups. It also delivers to a socket what any other socket of the host joined
 * (IP_MULTICAST_ALL, on by default): further memberships are held by further sockets.
 */
export class Memberships {
  readonly #options: MembershipsOptions;
  /** Bounded by the caller's limit on groups. */
  readonly #groups = new Set<string>();
  /** Bounded by groups times interface addresses. */
  #held: Membership[] = [];
  /** Bounded by a twentieth of that. */
  #holders: UdpSocket[] = [];
  #interfaces: readonly LanInterface[];

  constructor(options: MembershipsOptions, interfaces: readonly LanInterface[]) {
    this.#options = options;
    this.#interfaces = interfaces;
  }

  /** True if no group is left. */
  get empty(): boolean {
    return this.#groups.size === 0;
  }

  /** The group, if there is exactly one. */
  get only(): string | undefined {
    const [group] = this.#groups;
    return this.#groups.size === 1 ? group : undefined;
  }

  async add(group: string): Promise<void> {
    if (this.#groups.has(group)) return;
    this.#groups.add(group);
    await this.#join(group);
  }

  remove(group: string): void {
    if (!this.#groups.delete(group)) return;
    for (const membership of this.#held) if (membership.group === group) drop(membership);
    this.#held = this.#held.filter((membership) => membership.group !== group);
  }

  /**
   * Leaves and joins everything: after a change of interfaces, and from time to time because
   * snooping switches forget members (nodejs/node#39377); joining makes the kernel report again.
   */
  async rejoin(interfaces: readonly LanInterface[]): Promise<void> {
    this.#interfaces = interfaces;
    // By address, which works after the interface went. One that came back under its old address
    // keeps its dead membership in the socket: holders are therefore made afresh.
    for (const membership of this.#held) drop(membership);
    this.#held = [];
    await this.closeHolders();
    for (const group of this.#groups) await this.#join(group);
  }

  /** Closes what this opened; the receiving socket is its owner's. */
  async closeHolders(): Promise<void> {
    const holders = this.#holders;
    this.#holders = [];
    for (const holder of holders) await holder.close();
  }

  async #join(group: string): Promise<void> {
    for (const { address } of this.#interfaces) {
      const reason = await this.#joinOn(group, address);
      if (reason !== undefined) this.#options.failed(reason);
    }
  }

  /** Returns why it failed. */
  async #joinOn(group: string, interfaceAddress: string): Promise<unknown> {
    const { socket, openHolder } = this.#options;
    for (const holder of [socket, ...this.#holders]) {
      const code = holder.addMembership(group, interfaceAddress);
      // Joined already, through another address of the same interface.
      if (code === "EADDRINUSE") return undefined;
      if (code === undefined) {
        this.#held.push({ group, interfaceAddress, holder });
        return undefined;
      }
      if (code !== "ENOBUFS" || openHolder === undefined) return code;
    }
    if (openHolder === undefined) return "ENOBUFS";
    try {
      const holder = await openHolder();
      this.#holders.push(holder);
      const code = holder.addMembership(group, interfaceAddress);
      if (code === undefined) this.#held.push({ group, interfaceAddress, holder });
      return code;
    } catch (error) {
      return error;
    }
  }
}

function drop({ group, interfaceAddress, holder }: Membership): void {
  // It fails only if the kernel dropped it before us.
  holder.dropMembership(group, interfaceAddress);
}
