import type { Address, Destination, Transmit } from "../../src/core/io.js";
import type {
  Lan,
  LanAddress,
  LanCounters,
  LanHandlers,
  LanInterface,
  LanOptions,
} from "../../src/net/lan.js";
import { JoinedGroups } from "../support/joinedGroups.js";
import type { Station } from "../support/simMedium.js";

/** What Linux gives a socket that asks for 1 MiB holds some more of our longest datagrams. */
export const BUFFER_DATAGRAMS = 256;

/** Where a host is on the LAN; its processes come and go. */
export class NetworkCard {
  /** IPv4 literal in 10.77.0.0/16; undefined: no link, or no lease. */
  address: string | undefined;
  /** Datagrams that wait to be read, at most: what the kernel's buffer holds. */
  bufferDatagrams = BUFFER_DATAGRAMS;
  /** Nothing arrives. */
  isAsleep = false;

  constructor(address: string) {
    this.address = address;
  }

  interfaces(): readonly LanInterface[] {
    if (this.address === undefined) return [];
    return [
      {
        name: "eth0",
        address: this.address,
        netmask: "255.255.0.0",
        broadcast: "10.77.255.255",
        loopback: false,
      },
    ];
  }
}

/** What a process on a simulated host has of the LAN. */
export interface SimLanParts {
  readonly name: string;
  readonly card: NetworkCard;
  readonly options: LanOptions;
  readonly handlers: LanHandlers;
  readonly dataPort: number;
  readonly send: (from: SimLan, transmit: Transmit) => void;
  /** Lets the process read what arrived, when it runs; false if it is not read in time. */
  readonly whenRunning: (read: () => void) => boolean;
  readonly closed: (lan: SimLan) => void;
}

/** The sockets of one process on a simulated host. */
export class SimLan implements Lan, Station {
  readonly name: string;
  readonly dataPort: number;
  readonly discoveryPort: number;
  readonly receiveBufferBytes = 2 * 1024 * 1024;
  readonly #parts: SimLanParts;
  readonly #joins = new JoinedGroups();
  #closed = false;
  readonly #counted = { datagramsSent: 0, bytesSent: 0, datagramsReceived: 0, bytesReceived: 0 };

  constructor(parts: SimLanParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.dataPort = parts.dataPort;
    this.discoveryPort = parts.options.discoveryPort;
  }

  get dataPortTaken(): boolean {
    const { dataPort } = this.#parts.options;
    return dataPort !== 0 && dataPort !== this.dataPort;
  }

  /** Where its datagrams come from; without a link none leave. */
  get address(): Address {
    return { address: this.#parts.card.address ?? "0.0.0.0", port: this.dataPort };
  }

  interfaces(): readonly LanInterface[] {
    return this.#parts.card.interfaces();
  }

  counters(): LanCounters {
    return { ...this.#counted, sendErrors: {} };
  }

  sendUnicast(bytes: Uint8Array, to: LanAddress): void {
    this.#send({ bytes, destination: { kind: "unicast", to } });
  }

  sendLan(bytes: Uint8Array): void {
    this.#send({ bytes, destination: { kind: "lan" } });
  }

  sendBroadcast(bytes: Uint8Array): void {
    this.#send({ bytes, destination: { kind: "broadcast" } });
  }

  sendMulticast(bytes: Uint8Array, to: LanAddress): void {
    this.#send({ bytes, destination: { kind: "multicast", to } });
  }

  #send(transmit: Transmit): void {
    if (this.#closed || this.#parts.card.address === undefined) return;
    this.#counted.datagramsSent += 1;
    this.#counted.bytesSent += transmit.bytes.length;
    this.#parts.send(this, transmit);
  }

  listensTo(destination: Destination): boolean {
    const { address, isAsleep } = this.#parts.card;
    if (this.#closed || isAsleep || address === undefined) return false;
    switch (destination.kind) {
      case "unicast":
        return destination.to.address === address && destination.to.port === this.dataPort;
      case "lan":
      case "broadcast":
        return true;
      case "multicast":
        return this.#joins.has(destination.to);
    }
  }

  receive({ bytes, destination }: Transmit, from: Address): void {
    if (this.#parts.card.isAsleep) return;
    this.#parts.whenRunning(() => {
      // The address may have been lost while it was on its way; the sockets may be closed.
      if (this.#closed) return;
      this.#counted.datagramsReceived += 1;
      this.#counted.bytesReceived += bytes.length;
      this.#parts.handlers.datagram({
        bytes: Uint8Array.from(bytes),
        from,
        onLink: true,
        ...via(destination),
      });
    });
  }

  /** The watch of the interfaces saw a change. */
  interfacesChanged(): void {
    if (!this.#closed) this.#parts.handlers.interfacesChanged(this.interfaces());
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
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.closed(this);
  }
}

function via(destination: Destination): { via: "data" | "discovery" | "group"; group?: Address } {
  switch (destination.kind) {
    case "unicast":
      return { via: "data" };
    case "lan":
    case "broadcast":
      return { via: "discovery" };
    case "multicast":
      return { via: "group", group: destination.to };
  }
}
