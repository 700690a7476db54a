import { UdpchatError } from "../errors.js";
import { GroupReceivers } from "./groupReceivers.js";
import { listInterfaces } from "./interfaces.js";
import { InterfaceWatch } from "./interfaceWatch.js";
import type { Lan, LanAddress, LanCounters, LanHandlers, LanInterface, LanOptions } from "./lan.js";
import { type NodeSockets, openNodeSockets, wantedBufferBytes } from "./nodeSockets.js";
import { Senders } from "./senders.js";
import { Traffic } from "./traffic.js";

/** Snooping switches were seen to forget members after four minutes (nodejs/node#39377). */
const REJOIN_MS = 60_000;

/** What a test replaces of the host. */
export interface LanHost {
  readonly listInterfaces: (names: readonly string[] | undefined) => readonly LanInterface[];
  readonly nowMs: () => number;
  /** How often the interfaces are looked at. */
  readonly pollIntervalMs?: number;
}

const HOST: LanHost = { listInterfaces, nowMs: () => performance.now() };

/**
 * Opens the sockets of a node and starts watching the interfaces. Works without any interface:
 * nothing is sent then, until one comes.
 * @throws UdpchatError INVALID_PORT if both ports are the same, PORT_IN_USE if another program
 *   holds the discovery port alone, INVALID_GROUP if the discovery group is no multicast address,
 *   NETWORK_UNAVAILABLE if a socket cannot be opened at all.
 */
export async function openLan(
  options: LanOptions,
  handlers: LanHandlers,
  host: LanHost = HOST,
): Promise<Lan> {
  const traffic = new Traffic(handlers, host.nowMs);
  const sockets = await openNodeSockets(options, traffic);
  const lan = new NodeLan(options, handlers, host, traffic, sockets);
  try {
    await lan.start();
  } catch (error) {
    await lan.close();
    throw error;
  }
  return lan;
}

/** {@link Lan} on the sockets of this host. Made by {@link openLan}. */
class NodeLan implements Lan {
  readonly #discoveryGroup: string;
  #interfaceNames: readonly string[] | undefined;
  #broadcasts: readonly string[];
  readonly #handlers: LanHandlers;
  readonly #nowMs: () => number;
  readonly #traffic: Traffic;
  readonly #sockets: NodeSockets;
  readonly #watch: InterfaceWatch;
  readonly #senders: Senders;
  readonly #groups: GroupReceivers;
  #started = false;
  #rejoinedMs = 0;
  /** Opening and closing of sockets goes one step after another, through this. */
  #steps: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    options: LanOptions,
    handlers: LanHandlers,
    host: LanHost,
    traffic: Traffic,
    sockets: NodeSockets,
  ) {
    this.#discoveryGroup = options.discoveryGroup;
    this.#interfaceNames = options.interfaces;
    this.#broadcasts = options.broadcasts ?? [];
    this.#handlers = handlers;
    this.#nowMs = host.nowMs;
    this.#traffic = traffic;
    this.#sockets = sockets;
    // Whoever answers the source of a multicast or a broadcast, as small devices do, writes to
    // the sender's port: that is unicast to us as well.
    this.#senders = new Senders(traffic.socketHandlers("send", "data"), (error) =>
      traffic.failed("interface", error),
    );
    this.#groups = new GroupReceivers({
      receiveBufferBytes: wantedBufferBytes(options),
      handlers: (groupOf) => traffic.socketHandlers("group", "group", groupOf),
      membershipFailed: (reason) => traffic.failed("membership", reason),
    });
    this.#watch = new InterfaceWatch({
      list: () => host.listInterfaces(this.#interfaceNames),
      polled: (interfaces, changed) => this.#polled(interfaces, changed),
      failed: (code) => traffic.failed("interfaces", code),
      nowMs: host.nowMs,
      ...(host.pollIntervalMs === undefined ? {} : { intervalMs: host.pollIntervalMs }),
    });
    traffic.networkSuspected = () => this.#watch.hurry();
  }

  /** Joins the discovery group and sends on the interfaces that there are. */
  async start(): Promise<void> {
    const { data, discovery } = this.#sockets;
    this.#setBroadcasts(this.#broadcasts);
    this.#groups.lend(discovery);
    this.#groups.lend(data);
    await this.#groups.join({ address: this.#discoveryGroup, port: discovery.port });
    this.#watch.start();
    await this.#steps;
    this.#started = true;
  }

  reconfigure(options: Pick<LanOptions, "interfaces" | "broadcasts">): void {
    this.#interfaceNames = options.interfaces;
    this.#setBroadcasts(options.broadcasts ?? []);
    this.#watch.poll();
  }

  #setBroadcasts(addresses: readonly string[]): void {
    this.#broadcasts = addresses;
    // Only when asked for: a datagram with a broadcast address as its forged source must not
    // make us answer a whole network.
    this.#sockets.data.allowBroadcast(addresses.length > 0);
  }

  get dataPort(): number {
    return this.#sockets.data.port;
  }

  get dataPortTaken(): boolean {
    return this.#sockets.dataPortTaken;
  }

  get discoveryPort(): number {
    return this.#sockets.discovery.port;
  }

  get receiveBufferBytes(): number {
    return this.#sockets.data.receiveBufferBytes;
  }

  interfaces(): readonly LanInterface[] {
    return this.#watch.interfaces;
  }

  counters(): LanCounters {
    return this.#traffic.counters();
  }

  sendUnicast(bytes: Uint8Array, to: LanAddress): void {
    this.#sockets.data.send(bytes, to);
  }

  sendLan(bytes: Uint8Array): void {
    const port = this.discoveryPort;
    this.#senders.broadcast(bytes, port);
    this.#senders.multicast(bytes, { address: this.#discoveryGroup, port });
    for (const address of this.#broadcasts) this.#sockets.data.send(bytes, { address, port });
  }

  sendBroadcast(bytes: Uint8Array): void {
    this.#senders.broadcast(bytes, this.discoveryPort);
  }

  sendMulticast(bytes: Uint8Array, to: LanAddress): void {
    this.#senders.multicast(bytes, to);
  }

  joinGroup(group: LanAddress): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed !== undefined) throw new UdpchatError("CLOSED", "the network is closed");
      await this.#groups.join(group);
    });
  }

  leaveGroup(group: LanAddress): Promise<void> {
    return this.#inTurn(() => this.#groups.leave(group));
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#watch.stop();
      this.#closed = this.#inTurn(async () => {
        await this.#groups.close();
        await this.#senders.close();
        await this.#sockets.data.close();
        await this.#sockets.discovery.close();
      });
    }
    return this.#closed;
  }

  #polled(interfaces: readonly LanInterface[], changed: boolean): void {
    if (changed) this.#traffic.setInterfaces(interfaces);
    const rejoin = changed || this.#nowMs() - this.#rejoinedMs >= REJOIN_MS;
    if (!rejoin && !this.#senders.incomplete) return;
    this.#inTurn(async () => {
      if (this.#closed !== undefined) return;
      const broke = await this.#senders.reconcile(interfaces);
      if (rejoin || broke) {
        this.#rejoinedMs = this.#nowMs();
        await this.#groups.rejoin(interfaces);
      }
      if (changed && this.#started) this.#handlers.interfacesChanged(interfaces);
    }).catch((error: unknown) => this.#traffic.failed("interfaces", error));
  }

  /** Runs after everything that was asked for before, whether that failed or not. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#steps.then(step);
    this.#steps = result.catch(() => undefined);
    return result;
  }
}
