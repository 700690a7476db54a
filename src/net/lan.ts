/** The network as the driver sees it: `NodeLan` on real sockets, an in-memory twin in tests. */

/** An IPv4 literal and a UDP port. */
export interface LanAddress {
  readonly address: string;
  readonly port: number;
}

export interface LanDatagram {
  /** A buffer of its own, as Node makes one for each datagram: it may be kept, never changed. */
  readonly bytes: Uint8Array;
  readonly from: LanAddress;
  /** The source lies in a subnet of one of our interfaces, loopback included. */
  readonly onLink: boolean;
  readonly via: "data" | "discovery" | "group";
  /**
   * The group whose own socket it came on (`via: "group"`). Undefined where several groups share a
   * socket: on the discovery port always, and beside Linux wherever two groups use one port.
   */
  readonly group?: LanAddress;
}

/** An IPv4 address of an interface that is in use. */
export interface LanInterface {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** Directed broadcast address; undefined for /31 and /32. */
  readonly broadcast: string | undefined;
  readonly loopback: boolean;
}

export interface LanOptions {
  /** Wanted; any free port is taken if it is in use. 0 means any. */
  readonly dataPort: number;
  /** The same on the whole network. 0 means any free one (tests). */
  readonly discoveryPort: number;
  /** Multicast group that `sendLan` goes to besides broadcast, an IPv4 literal. */
  readonly discoveryGroup: string;
  /** Names of the interfaces to use; default all, loopback included. */
  readonly interfaces?: readonly string[];
  /** Further broadcast addresses to announce on, IPv4 literals. */
  readonly broadcasts?: readonly string[];
  /** Receive buffer to ask for, bytes. Default 1 MiB. */
  readonly receiveBufferBytes?: number;
}

export interface LanHandlers {
  readonly datagram: (datagram: LanDatagram) => void;
  /** After senders and memberships were brought up to date; not for those found at opening. */
  readonly interfacesChanged: (interfaces: readonly LanInterface[]) => void;
  /** Something failed that the next attempt may mend: for the log. `code` is an errno. */
  readonly trouble: (trouble: { readonly where: string; readonly code: string }) => void;
}

/** Counts since opening. */
export interface LanCounters {
  readonly datagramsSent: number;
  readonly bytesSent: number;
  readonly datagramsReceived: number;
  readonly bytesReceived: number;
  /** By errno. */
  readonly sendErrors: Readonly<Record<string, number>>;
}

export interface Lan {
  /** The port that was got. */
  readonly dataPort: number;
  /** True if the wanted data port was taken by another program. */
  readonly dataPortTaken: boolean;
  readonly discoveryPort: number;
  /**
   * What the kernel reports of the data socket's receive buffer, bytes. Linux reports double of
   * what was asked for: its own bookkeeping counts too (socket(7), SO_RCVBUF).
   */
  readonly receiveBufferBytes: number;
  interfaces(): readonly LanInterface[];
  counters(): LanCounters;
  /** From the data socket. Fire and forget: failures are counted and told as trouble. */
  sendUnicast(bytes: Uint8Array, to: LanAddress): void;
  /** Directed broadcast and discovery group on every interface, and the extra broadcasts. */
  sendLan(bytes: Uint8Array): void;
  /** Directed broadcast alone, on every interface. */
  sendBroadcast(bytes: Uint8Array): void;
  /** To a multicast group on every interface. */
  sendMulticast(bytes: Uint8Array, to: LanAddress): void;
  /**
   * Receives a group on every interface, those that come later included. Each join needs a leave
   * of its own.
   * @throws UdpchatError INVALID_GROUP, INVALID_PORT, PORT_IN_USE, NETWORK_UNAVAILABLE, CLOSED
   */
  joinGroup(group: LanAddress): Promise<void>;
  /** Takes back one join; does nothing for a group that is not joined. */
  leaveGroup(group: LanAddress): Promise<void>;
  /** Other interfaces and extra broadcast addresses than before; what is undefined is left out. */
  reconfigure(options: Pick<LanOptions, "interfaces" | "broadcasts">): void;
  /** Settles when every socket is closed; may be called again. */
  close(): Promise<void>;
}
