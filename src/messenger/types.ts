/** The public vocabulary of the library: plain data, re-exported by `udpchat`. */
import type { FoundVia, GroupTransport, PeerState } from "../core/io.js";
import type { Limits } from "../core/limits.js";
import { UdpchatError, type UdpchatErrorOptions } from "../errors.js";
import type { LanInterface } from "../net/lan.js";
import type { ProbeWayName } from "../wire/examination.js";

export type { FoundVia, GroupTransport, PeerState } from "../core/io.js";
export type { Limits } from "../core/limits.js";
export type { LanAddress, LanInterface } from "../net/lan.js";
export {
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
  DEFAULT_GROUP_ADDRESS,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
} from "../wire/constants.js";

/**
 * What we hold of a key: never used; pinned at its first use; compared with the other side by the
 * user; shut out by the user; or a key under a nickname that stands for another key that we know.
 */
export type PeerTrust = "unknown" | "known" | "verified" | "blocked" | "conflict";

/** A peer as messages mention it. `id` is null for plain-text datagrams, which nobody signed. */
export interface PeerRef {
  /** Device key, 64 hexadecimal digits. */
  readonly id: string | null;
  /** What the peer calls itself: a label, not a proof, and unsanitised. */
  readonly name: string;
  /** IPv4 literal. */
  readonly address: string;
  readonly port: number;
  /** Null where `id` is. The first message of a stranger still says `unknown`. */
  readonly trust: PeerTrust | null;
}

/** A peer whose key is known. Its address is empty and its port 0 while nobody knows them. */
export interface IdentifiedPeer extends PeerRef {
  readonly id: string;
  readonly trust: PeerTrust;
}

/** What two people compare, so that each knows the other's key. */
export interface Verification {
  readonly peer: IdentifiedPeer;
  /** Five groups of five digits, the same on both sides. */
  readonly code: string;
}

/** A roster entry: one per key. */
export interface Peer extends IdentifiedPeer {
  readonly state: PeerState;
  /** How it was found. */
  readonly via: FoundVia;
  /** Smoothed round trip, null until measured. */
  readonly rttMs: number | null;
  /** Every address it was seen on, the best first. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[];
}

/** The end of a `send` that succeeded; one that did not rejects with an {@link UdpchatError}. */
export type Delivery = Delivered | Queued;

/** The message is stored where the peer keeps its history. */
export interface Delivered {
  /** Message id, 32 hexadecimal digits. */
  readonly id: string;
  readonly status: "delivered";
  readonly to: PeerRef;
  /** 0 if an earlier call with the same id had it delivered. */
  readonly rttMs: number;
  /**
   * How often the most repeated datagram of the message was sent; 1 is no loss. 0 if an earlier
   * call with the same id had it delivered: this one sent nothing.
   */
  readonly attempts: number;
}

/** The message is stored here, and goes when the peer is seen. */
export interface Queued {
  /** Message id, 32 hexadecimal digits. */
  readonly id: string;
  readonly status: "queued";
  readonly to: PeerRef;
  readonly rttMs: null;
  readonly attempts: null;
}

/**
 * What became of a message of ours after its `send` had ended: a queued one went, expired or was
 * dropped, one whose `send` was cut off by the end of its process was given up, or a person was
 * shown it. `rttMs` and `attempts` are null unless it was delivered just now.
 */
export interface Progress {
  /** Message id, 32 hexadecimal digits. */
  readonly id: string;
  readonly status: "delivered" | "read" | "undelivered";
  readonly to: PeerRef;
  readonly rttMs: number | null;
  readonly attempts: number | null;
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
  /** Whom it was for, as far as that is known. */
  readonly delivery: Undelivered;

  /** Its code is TIMEOUT. */
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
  /**
   * It was said before we came, or while we were cut off from its author, or comes behind a later
   * line of its author. Whatever else was lost on its way and repaired is not late.
   * `history` has it where it belongs.
   */
  readonly late: boolean;
}

/** A message as it is kept: of ours or of others, direct or in a group. */
export interface HistoryMessage extends Message {
  readonly id: string;
  readonly scope: "direct" | "group";
  /** Written on this device. */
  readonly own: boolean;
  /** Whom a direct message was written to; null in a group. */
  readonly to: PeerRef | null;
  readonly sentAt: Date;
  /** Of ours: how far it came. Of others: whether a person was shown it. */
  readonly state: "queued" | "sent" | "delivered" | "read" | "undelivered" | "unread";
  /** Of ours: who has it, or read it, as far as we know. */
  readonly receipts: readonly Receipt[];
  /** Chosen by whoever had it sent. */
  readonly clientId: string | null;
  /** Of a queued one: when it is given up. */
  readonly expiresAt: Date | null;
}

/** Who has a message of ours. */
export interface Receipt {
  readonly peer: PeerRef;
  readonly status: "delivered" | "read";
  /** Null where it is not known. */
  readonly at: Date | null;
}

/** Which messages. */
export interface HistoryOptions {
  /** Every word occurs in the text, whatever its case; parts of words and CJK do as well. */
  readonly query?: string;
  /** Direct messages with this peer, and what it said in groups: a name or the start of an id. */
  readonly peer?: string;
  readonly group?: string;
  /** Stored since. */
  readonly since?: Date;
  /** Only the message that was sent with this `id`; nothing else is asked for then. */
  readonly clientId?: string;
  /** The latest so many. Default 100. */
  readonly limit?: number;
  /** Of them the latest that have about so many bytes in all, as JSON. Default: all of them. */
  readonly maxBytes?: number;
}

/** A request that arrived; return the reply from the handler. */
export interface Request {
  readonly id: string;
  readonly from: PeerRef;
  readonly text: string;
  readonly sentAt: Date;
}

/** Answers a request with the text of the reply; what it throws goes back to the asker as a failure. */
export type RequestHandler = (request: Request) => Promise<string> | string;

/** What came back from an `ask`. */
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
  readonly code:
    | "DUPLICATE_KEY"
    /** Somebody speaks a later version of the protocol alone: a newer udpchat, who is not seen. */
    | "NEWER_VERSION"
    | "PORT_TAKEN"
    | "NETWORK"
    | "EVENTS_LOST"
    /** A name that stands for a key that we know came with another one. */
    | "KEY_CHANGED"
    /** The file of known, verified and blocked peers was unusable and set aside. */
    | "TRUST_DAMAGED"
    | "TRUST_NOT_STORED"
    | "GROUP_REMOVED"
    | "GROUP_KEY_UNKNOWN"
    | "GROUP_KEYS_NOT_KEPT"
    /** Multicast of a group does not pass to somebody: copies by unicast do. */
    | "MULTICAST_BLOCKED"
    | "MULTICAST_RESTORED"
    /** The disk is full or read-only: messages are kept in memory until it is not. */
    | "STORE_FAILED"
    | "STORE_RESTORED"
    /** The database was damaged: it was set aside, and a new one begun. */
    | "STORE_DAMAGED";
  readonly message: string;
  readonly peer: PeerRef | null;
  /** Label of the group that it concerns. */
  readonly group?: string;
}

/** The key of a secret group that we are not in: `join` with `secret` accepts it. */
export interface Invitation {
  /** Label of the group. */
  readonly group: string;
  readonly from: PeerRef;
}

/** `by` kept `peer` out of a secret group: its key is another one now. */
export interface Removal {
  readonly group: string;
  readonly peer: PeerRef;
  readonly by: PeerRef;
}

/** The end of an `invite` that succeeded. */
export interface Invited {
  readonly group: string;
  readonly to: PeerRef;
}

/** What became of small test datagrams that were sent one way, as many in each direction. */
export interface ExaminedWay {
  /**
   * `unicast`, with 1200 bytes (`fullUnicast`), with 2000 bytes, which most networks cut in two
   * (`fragments`), `broadcast`, and multicast: to the group of discovery, to 224.0.1.100
   * (`defaultGroup`), and in the range of groups with a name (`namedGroup`).
   */
  readonly way: ProbeWayName;
  readonly sent: number;
  /** Of ours, at the peer; null if it did not tell. */
  readonly heardThere: number | null;
  /** Of the peer's, here. */
  readonly heardHere: number;
}

/** What passes between a peer and us. */
export interface Examination {
  readonly peer: PeerRef;
  /**
   * `busy`: the peer is being examined too often; `unknown`: it has a version that knows no
   * examinations. Then there are no ways.
   */
  readonly result: "examined" | "busy" | "unknown";
  readonly rttMs: number;
  /** How far the peer's clock is ahead of ours, milliseconds; null without an answer. */
  readonly clockAheadMs: number | null;
  readonly ways: readonly ExaminedWay[];
}

/** Everything that happens, in order. */
export type MessengerEvent =
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "delivery"; readonly progress: Progress }
  | { readonly type: "presence"; readonly presence: Presence }
  | { readonly type: "gap"; readonly gap: Gap }
  | { readonly type: "invitation"; readonly invitation: Invitation }
  | { readonly type: "removed"; readonly removal: Removal }
  | { readonly type: "warning"; readonly warning: Warning }
  /** An interface appeared, vanished or changed: these are in use now. */
  | { readonly type: "interfaces"; readonly interfaces: readonly LanInterface[] };

/** Who we are, where our things lie, and which network we use. All of it has a default. */
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
   * instead of `delivered` for what nobody sees. Requests do not come then either. Replies do, and
   * groups work; the events of a secret group show what is written to us meanwhile.
   */
  readonly receives?: boolean;
  /**
   * Have to do with verified peers alone: `send` and `ask` reject with NOT_VERIFIED, requests of
   * others are refused, and their messages, presence and gaps are left out. Default false.
   */
  readonly requireVerified?: boolean;
  /**
   * Where messages are kept: `disk`, in `home`; `memory`, until the end of the process; `none`: a
   * program that reads no history, neither keeps nor queues anything. Default `disk`; `memory` if
   * `ephemeral`.
   */
  readonly store?: "disk" | "memory" | "none";
  /**
   * Messages older than this are forgotten, also what is kept of groups for others. Default: never,
   * up to 1,000,000 messages.
   */
  readonly retentionMs?: number;
  /** Tell others that their messages were read here. Default true. */
  readonly readReceipts?: boolean;
}

/** What can change while a messenger is open. */
export type ChangeableOptions = Pick<
  MessengerOptions,
  | "name"
  | "interfaces"
  | "broadcasts"
  | "peers"
  | "requireVerified"
  | "retentionMs"
  | "readReceipts"
>;

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
  /**
   * Where a newer udpchat runs that does not speak our version of the protocol any more: whoever is
   * there is not seen. An IPv4 literal and that version; anybody can forge them.
   */
  readonly newerVersions: readonly { readonly address: string; readonly version: number }[];
  /** Labels of the joined groups. */
  readonly groups: readonly string[];
  readonly startedAt: Date;
  /** Receive buffer granted by the kernel. */
  readonly receiveBufferBytes: number;
  readonly limits: Limits;
  /** How much of what is bounded is in use. */
  readonly usage: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

/** How long to wait, and how to stop waiting. */
export interface WaitOptions {
  /** Default 5000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Of `send` and `ask`: NOT_VERIFIED, and nothing is sent, if the peer is not. Default false. */
  readonly requireVerified?: boolean;
}

/** How to send one message. */
export interface SendOptions extends WaitOptions {
  /** Keep it if it is not delivered in time, until the peer is seen. Default false. */
  readonly queue?: boolean;
  /** A queued message is given up after this. Default 7 days. */
  readonly ttlMs?: number;
  /**
   * Chosen by the caller, 1 to 64 printable characters of ASCII: the same one again is the same
   * message, which is not sent twice. Rejects INVALID_ARGUMENT if its text or peer is another one.
   */
  readonly id?: string;
}

/** Whose requests are answered. */
export interface HandleOptions {
  /** Requests of all but verified peers are refused. Default false. */
  readonly requireVerified?: boolean;
}

/** How to join a group. */
export interface JoinOptions {
  /**
   * The secret group of this name, and not the open one. Where this home keeps a key for the name,
   * it stands for the secret group in any case.
   */
  readonly secret?: boolean;
  /** Of the secret group, unless this home keeps its key. Goes before an invitation. */
  readonly passphrase?: string;
  /** Only with a key that this home keeps: neither the open group nor an invitation. */
  readonly kept?: boolean;
}

/** The public face of a joined group. */
export interface Group {
  /** `224.0.1.100`, `224.0.1.100:8000` or `#ops`. */
  readonly label: string;
  readonly address: string;
  readonly port: number;
  /** Only who has the key can read it; otherwise everybody on the network can. */
  readonly secret: boolean;
  /** Aborts when the membership has ended: by `leave`, or because somebody removed us. */
  readonly ended: AbortSignal;
  /** How what we say reaches the others now: by unicast where multicast does not pass. */
  readonly transport: GroupTransport;
  /** Online members, ourselves not included. */
  members(): PeerRef[];
  /**
   * Sends one message to everybody in the group. Resolves with its id once all of it is stored
   * where the others get it from us, now or when we are back. A long one leaves over time, and
   * `leave` and `close` wait until it is said. Rejects: NOT_A_MEMBER, also if we leave or are
   * removed before its turn; MESSAGE_TOO_LARGE; LIMIT_REACHED while too much waits; CLOSED.
   */
  say(text: string): Promise<string>;
  /** Messages, presence and gaps of this group from now on; ends when the group is left. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<MessengerEvent>;
  /** Sends what was said, up to 30 s; then goodbye and repairs until nobody asks for them. */
  leave(): Promise<void>;
}

/** What the library and the daemon build on: see `Messenger.open`. */
export interface MessengerApi {
  /** Our own device key, 64 hexadecimal digits. */
  readonly id: string;
  /** Our own nickname. */
  readonly name: string;
  /** The facts of this moment. */
  status(): MessengerStatus;
  /** Asks the network who is there; yields each peer as it answers, until the timeout (1 s). */
  discover(options?: WaitOptions): AsyncIterable<Peer>;
  /** The roster as it stands. */
  peers(): Peer[];
  /**
   * Resolves when the peer has it stored; with `queue`, also once it is stored here for a peer who
   * is not there. Rejects: TIMEOUT (an {@link UndeliveredError} once the peer was
   * found), NO_SUCH_PEER, INVALID_TARGET, MESSAGE_TOO_LARGE, BLOCKED, KEY_CHANGED, NOT_VERIFIED, ...
   */
  send(target: string, text: string, options?: SendOptions): Promise<Delivery>;
  /**
   * The messages that are kept, in the order that is the same at every member, the oldest first.
   * Rejects: NO_SUCH_PEER, AMBIGUOUS_PEER, INVALID_GROUP, STORE_UNUSABLE.
   */
  history(options?: HistoryOptions): Promise<HistoryMessage[]>;
  /** All of them, one at a time; `limit` is ignored. */
  exportHistory(options?: HistoryOptions): AsyncIterable<HistoryMessage>;
  /** What is queued, the oldest first. */
  outbox(): Promise<HistoryMessage[]>;
  /**
   * Gives up a queued message: it is undelivered now. By the id that its sender chose, its own id,
   * or 4 digits or more that only its own ends in. Rejects NO_SUCH_MESSAGE.
   */
  dropQueued(id: string): Promise<HistoryMessage>;
  /** A person was shown these messages: their authors are told, unless that is switched off. */
  markRead(ids: readonly string[]): Promise<void>;
  /** Executed at most once over there. Rejects also with NO_HANDLER, HANDLER_FAILED, EXPIRED. */
  ask(target: string, text: string, options?: WaitOptions): Promise<Reply>;
  /** Answers requests; one handler at a time. Returns a function that takes it away. */
  handle(handler: RequestHandler, options?: HandleOptions): () => void;
  /**
   * What to compare with the other person: in the roster, on the network, or known from before.
   * Takes some 0.2 s. Rejects: NO_SUCH_PEER, AMBIGUOUS_PEER, BLOCKED, KEY_CHANGED,
   * INVALID_ARGUMENT for ourselves.
   */
  verificationCode(target: string): Promise<Verification>;
  /**
   * The user compared the codes; or `code` is what the other side sees. Rejects as
   * `verificationCode`, and with CODE_MISMATCH, HOME_UNUSABLE if it cannot be stored.
   */
  verify(target: string, code?: string): Promise<Verification>;
  /**
   * Nothing of this key is believed, shown or answered any more, and nothing is sent to it.
   * Rejects: NO_SUCH_PEER, INVALID_ARGUMENT for ourselves, HOME_UNUSABLE if it cannot be stored.
   */
  block(target: string): Promise<IdentifiedPeer>;
  /** By name or the first characters of its id. Rejects: NO_SUCH_PEER, AMBIGUOUS_PEER. */
  unblock(target: string): Promise<IdentifiedPeer>;
  /** Whom `block` shuts out. */
  blockedPeers(): IdentifiedPeer[];
  /**
   * A name is either an open or a secret group in a home. Rejects: INVALID_GROUP, INVALID_PASSPHRASE,
   * NO_GROUP_KEY where the key was taken from us, AMBIGUOUS_PEER for invitations that contradict.
   */
  join(group: string, options?: JoinOptions): Promise<Group>;
  /**
   * Finds out which datagrams pass between a peer and us, each way and in both directions. Takes
   * some 1.2 s, sends 63 datagrams, and touches neither history nor trust. Rejects as `ask` does.
   */
  examine(target: string, options?: WaitOptions): Promise<Examination>;
  /** The groups that we are in. */
  groups(): Group[];
  /** What others invited us to and we have not joined. */
  invitations(): Promise<Invitation[]>;
  /**
   * Forgets the key of a secret group, or else invitations to it: the name can be joined as an open
   * group again. False if there was neither. A membership goes on until `leave`. What is kept of the
   * group for others is forgotten, now or then; its history stays.
   */
  forgetGroup(group: string): Promise<boolean>;
  /**
   * Gives a peer the key of a secret group that we are in; resolves when the peer has it. Rejects:
   * NOT_A_MEMBER, INVALID_GROUP for an open group, and as `send` does.
   */
  invite(target: string, group: string, options?: WaitOptions): Promise<Invited>;
  /**
   * Changes the key of a secret group that we are in, and gives it to all members but this one.
   * Rejects: NOT_A_MEMBER, INVALID_GROUP, NO_SUCH_PEER, AMBIGUOUS_PEER.
   */
  removeMember(target: string, group: string): Promise<Removal>;
  /**
   * Everything from now on. The first call also gets what happened since `open`: its last 1,024
   * events or 4 MiB. What happens between the end of the last consumer and the next call is not
   * kept. A consumer that falls 4,096 events or 8 MiB behind loses plain messages first and then
   * the oldest events; a warning EVENTS_LOST says how many.
   */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<MessengerEvent>;
  /**
   * Goes on with these options instead of the ones before, and the defaults of those that are left
   * out: with all of them, or, if it rejects, none. Sessions, memberships and what waits stay. Peers
   * that we exchange messages with see another name when the keys of that session change, within
   * 10 minutes; everybody else at once. Rejects: INVALID_NAME, INVALID_ARGUMENT, INVALID_TARGET, INVALID_PORT, CLOSED.
   */
  reconfigure(options: ChangeableOptions): Promise<void>;
  /**
   * Says goodbye to groups, peers and the network, and frees the sockets. What was said in groups
   * is sent first, up to 30 s; a `send` or `ask` that waits rejects with CLOSED.
   */
  close(): Promise<void>;
}
