/** The public vocabulary of the library: plain data, re-exported by `udpchat`. */
import type { FoundVia, PeerState } from "../core/io.js";
import type { Limits } from "../core/limits.js";
import { UdpchatError, type UdpchatErrorOptions } from "../errors.js";
import type { LanInterface } from "../net/lan.js";

export {
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
  DEFAULT_GROUP_ADDRESS,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
} from "../wire/constants.js";

/** A peer as messages mention it. `id` is null for plain-text datagrams, which nobody signed. */
export interface PeerRef {
  /** Device key, 64 hexadecimal digits. */
  readonly id: string | null;
  /** What the peer calls itself: a label, not a proof, and unsanitised. */
  readonly name: string;
  /** IPv4 literal. */
  readonly address: string;
  readonly port: number;
}

/** A roster entry: one per key. */
export interface Peer extends PeerRef {
  readonly id: string;
  readonly state: PeerState;
  /** How it was found. */
  readonly via: FoundVia;
  /** Smoothed round trip, null until measured. */
  readonly rttMs: number | null;
  /** Every address it was seen on, the best first. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[];
}

/** The end of a `send` that succeeded; one that did not rejects with an {@link UdpchatError}. */
export interface Delivery {
  /** Message id, 32 hexadecimal digits. */
  readonly id: string;
  readonly status: "delivered";
  readonly to: PeerRef;
  readonly rttMs: number;
  /** How often the most repeated datagram of the message was sent; 1 is no loss. */
  readonly attempts: number;
}

/** The end of a `send` whose message nobody acknowledged in time. It may have arrived all the same. */
export interface Undelivered {
  /** Message id, 32 hexadecimal digits. */
  readonly id: string;
  readonly status: "undelivered";
  /** As far as it is known: an address that never answered has neither id nor name. */
  readonly to: PeerRef;
  readonly rttMs: null;
  readonly attempts: null;
}

/** TIMEOUT of a `send` that had found its peer. */
export class UndeliveredError extends UdpchatError {
  readonly delivery: Undelivered;

  constructor(delivery: Undelivered, message: string, options: UdpchatErrorOptions) {
    super("TIMEOUT", message, options);
    this.delivery = delivery;
  }
}

/** A message that arrived. */
export interface Message {
  /** Null for plain text. */
  readonly id: string | null;
  /** `direct` to us, in a `group`, or a `plain` datagram of no known sender. */
  readonly scope: "direct" | "group" | "plain";
  readonly from: PeerRef;
  /** Label of the group, null unless it came through one. */
  readonly group: string | null;
  readonly text: string;
  /** The sender's clock; null for plain text. */
  readonly sentAt: Date | null;
  readonly receivedAt: Date;
  /** The sender's key was proven. Always false for plain text. */
  readonly verified: boolean;
}

/** A request that arrived; return the reply from the handler. */
export interface Request {
  readonly id: string;
  readonly from: PeerRef;
  readonly text: string;
  readonly sentAt: Date;
}

export interface Reply {
  /** Id of the request. */
  readonly to: string;
  readonly from: PeerRef;
  readonly text: string;
  readonly rttMs: number;
}

/**
 * Somebody came, went, or was found gone. In a group, `join` is a member that came after us, and
 * `leave` one that said goodbye; `online` is a member that was there before us or is back after
 * a silence, and `offline` one that fell silent. In the roster it is `online` or `offline`.
 */
export interface Presence {
  readonly event: "join" | "leave" | "online" | "offline";
  /** Label of the group; null for the roster. */
  readonly group: string | null;
  readonly peer: PeerRef;
  /** Members (or roster peers) online after it, ourselves included in a group. */
  readonly online: number;
}

/** Lines of a member that are lost for good. */
export interface Gap {
  readonly group: string;
  readonly from: PeerRef;
  /** Datagrams. */
  readonly count: number;
}

/** Something that the user should know about. */
export interface Warning {
  readonly code: "DUPLICATE_KEY" | "PORT_TAKEN" | "NETWORK" | "EVENTS_LOST";
  readonly message: string;
  readonly peer: PeerRef | null;
}

/** Everything that happens, in order. */
export type MessengerEvent =
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "presence"; readonly presence: Presence }
  | { readonly type: "gap"; readonly gap: Gap }
  | { readonly type: "warning"; readonly warning: Warning }
  /** An interface appeared, vanished or changed: these are in use now. */
  | { readonly type: "interfaces"; readonly interfaces: readonly LanInterface[] };

export interface MessengerOptions {
  /** Folder of identity and memberships; created if missing. Default: the platform's own. */
  readonly home?: string;
  /** A throw-away identity that touches no disk; `home` is ignored. Default false. */
  readonly ephemeral?: boolean;
  /**
   * Nickname, 1 to 32 bytes of UTF-8, that does not look like another TARGET: no IPv4 address, no
   * `:`, no `#` in front. Default: the user's login name.
   */
  readonly name?: string;
  /** Data port. Default 22400, or any free port if that is taken; 0: any free port. */
  readonly port?: number;
  /** Default 22401, 1 to 65535. Everybody on a network must use the same. */
  readonly discoveryPort?: number;
  /** Interface names. Default: all of them, loopback included. */
  readonly interfaces?: readonly string[];
  /** Further broadcast addresses, IPv4 literals. */
  readonly broadcasts?: readonly string[];
  /** `host:port` or `host` of peers that no broadcast reaches. */
  readonly peers?: readonly string[];
  /** Appear in other people's rosters. Default true. */
  readonly announce?: boolean;
  /**
   * Answer those who want to write to us. Default true. False is for a program that sends or
   * asks and ends, and never reads `events`: whoever writes to it is told that nobody answers,
   * instead of `delivered` for what nobody sees. Requests do not come then either. Replies do,
   * groups work, and a peer that we wrote to ourselves can still write back in that conversation.
   */
  readonly receives?: boolean;
}

/** Facts about a running messenger. */
export interface MessengerStatus {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  /** True if the wanted port was taken and another one is in use. */
  readonly portTaken: boolean;
  readonly discoveryPort: number;
  readonly interfaces: readonly LanInterface[];
  /** Peers online. */
  readonly peers: number;
  /** Labels of the joined groups. */
  readonly groups: readonly string[];
  readonly startedAt: Date;
  /** Receive buffer granted by the kernel. */
  readonly receiveBufferBytes: number;
  readonly limits: Limits;
  readonly counters: Readonly<Record<string, number>>;
}

/** How long to wait, and how to stop waiting. */
export interface WaitOptions {
  /** Default 5000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The public face of a joined group. */
export interface Group {
  /** `224.0.1.100`, `224.0.1.100:8000` or `#ops`. */
  readonly label: string;
  readonly address: string;
  readonly port: number;
  /** Online members, ourselves not included. */
  members(): PeerRef[];
  /**
   * Sends one message to everybody in the group. Resolves with its id once it is accepted and
   * queued: a long one leaves over time, and `leave` and `close` wait until it is on the wire.
   * Rejects: NOT_A_MEMBER, MESSAGE_TOO_LARGE, LIMIT_REACHED while too much waits.
   */
  say(text: string): Promise<string>;
  /** Messages, presence and gaps of this group from now on; ends when the group is left. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<MessengerEvent>;
  /** Sends what was said, up to 30 s; then goodbye and repairs until nobody asks for them. */
  leave(): Promise<void>;
}

/** What the library and the daemon build on: see `Messenger.open`. */
export interface MessengerApi {
  readonly id: string;
  readonly name: string;
  status(): MessengerStatus;
  /** Asks the network who is there; yields each peer as it answers, until the timeout (1 s). */
  discover(options?: WaitOptions): AsyncIterable<Peer>;
  /** The roster as it stands. */
  peers(): Peer[];
  /**
   * Resolves when the peer has it. Rejects: TIMEOUT (an {@link UndeliveredError} once the peer was
   * found), NO_SUCH_PEER, INVALID_TARGET, MESSAGE_TOO_LARGE, ...
   */
  send(target: string, text: string, options?: WaitOptions): Promise<Delivery>;
  /** Executed at most once over there. Rejects also with NO_HANDLER, HANDLER_FAILED, EXPIRED. */
  ask(target: string, text: string, options?: WaitOptions): Promise<Reply>;
  /** Answers requests; one handler at a time. Returns a function that takes it away. */
  handle(handler: (request: Request) => Promise<string> | string): () => void;
  join(group: string): Promise<Group>;
  groups(): Group[];
  /**
   * Everything from now on. The first call also gets what happened since `open`: its last 1,024
   * events or 4 MiB. What happens between the end of the last consumer and the next call is not
   * kept. A consumer that falls 4,096 events or 8 MiB behind loses plain messages first and then
   * the oldest events; a warning EVENTS_LOST says how many.
   */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<MessengerEvent>;
  /**
   * Says goodbye to groups, peers and the network, and frees the sockets. What was said in groups
   * is sent first, up to 30 s; a `send` or `ask` that waits rejects with CLOSED.
   */
  close(): Promise<void>;
}
