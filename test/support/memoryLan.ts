import type {
  Lan,
  LanAddress,
  LanCounters,
  LanDatagram,
  LanHandlers,
  LanInterface,
  LanOptions,
} from "../../src/net/lan.js";
import { JoinedGroups } from "./joinedGroups.js";

/** One subnet in memory: datagrams arrive in the next microtask, none is lost or reordered. */
export class MemorySegment {
  readonly #lans: MemoryLan[] = [];
  /** Set to drop what it says true to. */
  drops: (bytes: Uint8Array, from: LanAddress, to: LanAddress, via: LanDatagram["via"]) => boolean =
    () => false;

  /** Like `openLan`: a new host on the segment, 10.0.0.1 the first. */
  readonly open = async (options: LanOptions, handlers: LanHandlers): Promise<MemoryLan> => {
    const lan = new MemoryLan(this, `10.0.0.${this.#lans.length + 1}`, options, handlers);
    this.#lans.push(lan);
    return lan;
  };

  /** Hosts that were not closed. */
  get openCount(): number {
    return this.#lans.filter((lan) => !lan.closed).length;
  }

  /** A datagram from outside every host. */
  inject(bytes: Uint8Array, from: LanAddress, to: LanAddress): void {
    this.deliver(bytes, from, (lan) => lan.localAddress === to.address, { via: "data" });
  }

  deliver(
    bytes: Uint8Array,
    from: LanAddress,
    reaches: (lan: MemoryLan) => boolean,
    how: Pick<LanDatagram, "via" | "group">,
  ): void {
    for (const lan of this.#lans) {
      if (lan.closed || !reaches(lan)) continue;
      const to = { address: lan.localAddress, port: lan.dataPort };
      if (this.drops(bytes, from, to, how.via)) continue;
      const copy = Uint8Array.from(bytes);
      queueMicrotask(() => lan.receive({ bytes: copy, from, onLink: true, ...how }));
    }
  }
}

/** A host on a {@link MemorySegment}. */
export class MemoryLan implements Lan {
  readonly localAddress: string;
  readonly dataPort: number;
  readonly dataPortTaken = false;
  readonly discoveryPort: number;
  readonly receiveBufferBytes = 2 * 1024 * 1024;
  closed = false;
  readonly #segment: MemorySegment;
  readonly #handlers: LanHandlers;
  readonly #joins = new JoinedGroups();
  #sent = 0;
  #received = 0;

  constructor(segment: MemorySegment, address: string, options: LanOptions, handlers: LanHandlers) {
    this.#segment = segment;
    this.localAddress = address;
    this.dataPort = options.dataPort === 0 ? 40_000 : options.dataPort;
    this.discoveryPort = options.discoveryPort;
    this.#handlers = handlers;
  }

  get joinedGroups(): string[] {
    return this.#joins.names;
  }

  interfaces(): readonly LanInterface[] {
    return [
      {
        name: "mem0",
        address: this.localAddress,
        netmask: "255.255.255.0",
        broadcast: "10.0.0.255",
        loopback: false,
      },
    ];
  }

  counters(): LanCounters {
    return {
      datagramsSent: this.#sent,
      bytesSent: 0,
      datagramsReceived: this.#received,
      bytesReceived: 0,
      sendErrors: {},
    };
  }

  sendUnicast(bytes: Uint8Array, to: LanAddress): void {
    const isThere = (lan: MemoryLan): boolean =>
      lan.localAddress === to.address && lan.dataPort === to.port;
    this.#send(bytes, isThere, { via: "data" });
  }

  sendBroadcast(bytes: Uint8Array): void {
    this.sendLan(bytes);
  }

  sendLan(bytes: Uint8Array): void {
    const hears = (lan: MemoryLan): boolean => lan.discoveryPort === this.discoveryPort;
    this.#send(bytes, hears, { via: "discovery" });
  }

  sendMulticast(bytes: Uint8Array, to: LanAddress): void {
    const isMember = (lan: MemoryLan): boolean => lan.#joins.has(to);
    this.#send(bytes, isMember, { via: "group", group: to });
  }

  #send(
    bytes: Uint8Array,
    reaches: (lan: MemoryLan) => boolean,
    how: Pick<LanDatagram, "via" | "group">,
  ): void {
    if (this.closed) return;
    this.#sent += 1;
    const from = { address: this.localAddress, port: this.dataPort };
    this.#segment.deliver(bytes, from, reaches, how);
  }

  receive(datagram: LanDatagram): void {
    if (this.closed) return;
    this.#received += 1;
    this.#handlers.datagram(datagram);
  }

  async joinGroup(group: LanAddress): Promise<void> {
    this.#joins.join(group);
  }

  async leaveGroup(group: LanAddress): Promise<void> {
    this.#joins.leave(group);
  }

  reconfigure(): void {
    // It has one interface, and reaches everybody.
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
