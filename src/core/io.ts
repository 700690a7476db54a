/**
 * What goes into the core and what comes out of it: nothing else crosses the border.
 *
 * In: a datagram with where it came from, a command of the application, or the passing of time.
 * Out, and only through {@link Outputs}: datagrams to transmit, events for the application, and
 * the time at which the core wants to be woken. The driver settles events (stores them, hands
 * them on) BEFORE it transmits the datagrams of the same poll: an acknowledgement then never
 * leaves for something that could still be lost.
 *
 * All times are milliseconds. `nowMs` is monotonic and has no epoch; `...AtMs` values that travel
 * in messages are wall clock, milliseconds since 1970.
 */
import type { ErrorCode } from "../errors.js";
import type { ProbeWayName } from "../wire/examination.js";
import type { Instance } from "../wire/presence.js";
import type { Receipt } from "../wire/receipt.js";
import type {
  ExaminationRecord,
  GroupKeyRecord,
  GroupSyncRecord,
  ReplyStatusCode,
} from "../wire/record.js";
import type { LoggedDatagram } from "./groups/groupLog.js";

/** An IPv4 literal and a UDP port. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** An address as the key of a Map. */
export function addressKey(to: Address): string {
  return `${to.address}:${to.port}`;
}

export function isSameAddress(a: Address, b: Address): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}

/** A datagram as the network layer hands it over. */
export interface ReceivedDatagram {
  readonly bytes: Uint8Array;
  readonly from: Address;
  /** The source lies in a subnet of one of our interfaces (loopback included). */
  readonly onLink: boolean;
  /** How it came: the data port is unicast; the others are broadcast or multicast. */
  readonly via: "data" | "discovery" | "group";
}

/** Where a datagram goes. */
export type Destination =
  /** From the data socket to one address. */
  | { readonly kind: "unicast"; readonly to: Address }
  /** On every interface: directed broadcast and the discovery group, to the discovery port. */
  | { readonly kind: "lan" }
  /** The broadcast alone. */
  | { readonly kind: "broadcast" }
  /** On every interface, to a multicast group and port. */
  | { readonly kind: "multicast"; readonly to: Address };

export interface Transmit {
  readonly bytes: Uint8Array;
  readonly destination: Destination;
}

/** A peer as messages mention it. */
export interface PeerRef extends Address {
  /** Device key, 64 hexadecimal digits. */
  readonly id: string;
  /** As the peer calls itself: never trusted, never shown unsanitised. */
  readonly name: string;
}

/** A peer that was met in a session. */
export interface ContactPeer extends PeerRef {
  readonly incarnation: string;
  /** It sends beacons: it has a place in the roster. */
  readonly announces: boolean;
}

/** Suspect: silent for too long, or never shown to be running. */
export type PeerState = "online" | "suspect" | "offline";

/** How a peer was first found: its own beacon, our query, a configured address, or it wrote to us. */
export type FoundVia = "broadcast" | "query" | "configured" | "contact";

/** A roster entry: one per key, however many addresses it is seen on. */
export interface PeerView extends PeerRef {
  readonly incarnation: string;
  readonly state: PeerState;
  readonly via: FoundVia;
  /** Smoothed round trip, undefined until measured. */
  readonly rttMs: number | undefined;
  /** Every address it was seen on, the best first (the same as `address`, `port`). */
  readonly addresses: readonly Address[];
}

/** Whom to look for: everybody who fits any part of it. */
export interface PeerSearch {
  /** Nicknames, regardless of upper and lower case. */
  readonly names?: readonly string[];
  /** The first digits of an id, 4 or more, in lower case. */
  readonly idPrefix?: string;
  /** An IPv4 literal where it was seen. */
  readonly host?: string;
}

/** Whom to send to: a device of the roster, or whoever answers at an address. */
export type SendTarget =
  | {
      readonly kind: "device";
      readonly id: string;
      /** Where to try if the roster does not know it. */
      readonly lastKnown?: Address;
    }
  | { readonly kind: "address"; readonly to: Address };

/**
 * Whether somebody reads the texts of a device, or answers its requests: asked at each one. Where
 * nobody does it is left unacknowledged, so that its sender learns of it.
 */
export type TakesMessages = (device: string, kind: "text" | "request") => boolean;

/**
 * A peer sent us a note in a session: the key of a group, what it holds of one, or something about
 * the way between us. Throws MALFORMED_DATAGRAM.
 */
export type NoteArrived = (
  nowMs: number,
  from: PeerRef,
  record: GroupKeyRecord | GroupSyncRecord | ExaminationRecord,
) => void;

/** Names a request that arrived, for the reply. */
export interface RequestKey {
  readonly id: string;
  readonly incarnation: string;
  readonly laneSequence: number;
}

/** The application's answer to a request. */
export interface RequestReply {
  readonly key: RequestKey;
  readonly status: ReplyStatusCode;
  readonly body: Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  readonly sentAtMs: number;
}

/**
 * Events about a command carry it back. The driver's own are not negative: those below zero are
 * for what the core sends of itself, and nobody is told of them.
 */
export type Token = number;

/** The keys of a secret group, as they must outlast the process. */
export interface GroupKeys {
  /** How often the key was changed. */
  readonly epoch: number;
  /** Of this epoch, 64 hexadecimal digits. */
  readonly key: string;
  /** Former keys, the latest last: for members that missed a change. Bounded by the core. */
  readonly retired: readonly string[];
  /** Devices that were kept out, the latest last. Bounded by the core. */
  readonly removed: readonly string[];
  /** Devices that were met in the group, the latest last. Default none. Bounded by the core. */
  readonly members?: readonly string[];
  /** The statement of who changed the key last, to be passed on: signed by that device. */
  readonly change:
    | { readonly by: string; readonly removed: readonly string[]; readonly signature: string }
    | undefined;
}

/** What became of the probes of one way; of `sent` in each direction. */
export interface WayOutcome {
  readonly way: ProbeWayName;
  readonly sent: number;
  /** Of ours, over there; undefined: there was no report. */
  readonly heardThere: number | undefined;
  /** Of theirs, here. */
  readonly heardHere: number;
}

/** How an examination ended. */
export interface ExaminationOutcome {
  /** `unknown`: the peer has it and says nothing, as versions do that know no examinations. */
  readonly result: "examined" | "busy" | "unknown";
  readonly peer: PeerRef | undefined;
  /** The peer's wall clock at `clockReadAtMs` of ours, as `nowMs`; undefined without an answer. */
  readonly clock: { readonly peerMs: number; readonly readAtMs: number } | undefined;
  /** None unless `examined`. */
  readonly ways: readonly WayOutcome[];
}

export type CoreEvent =
  /** The roster changed. */
  | {
      readonly kind: "peer";
      readonly change: "online" | "suspect" | "offline" | "updated";
      readonly peer: PeerView;
    }
  /** A peer answered one of our queries: first answers first, again for every query. */
  | { readonly kind: "answer"; readonly nonce: string; readonly peer: PeerView }
  /** The same key is live in two places. */
  | { readonly kind: "duplicateKey"; readonly peer: PeerView }
  /**
   * Somebody at this address (IPv4 literal) speaks a later version of the protocol alone: it is not
   * seen. Unsigned, so a hint.
   */
  | { readonly kind: "laterVersion"; readonly address: string; readonly version: number }
  /** Every datagram of the message was acknowledged by the peer. */
  | {
      readonly kind: "delivered";
      readonly token: Token;
      readonly to: PeerRef;
      /** From the send command to the acknowledgement. */
      readonly rttMs: number;
      /** How often its most repeated datagram was sent. */
      readonly attempts: number;
    }
  /** Nothing more will happen for this token. */
  | {
      readonly kind: "failed";
      readonly token: Token;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | {
      readonly kind: "message";
      readonly from: PeerRef;
      readonly messageId: string;
      readonly sentAtMs: number;
      readonly body: Uint8Array;
    }
  /** Execute this once and answer with `reply`. */
  | {
      readonly kind: "request";
      readonly key: RequestKey;
      readonly from: PeerRef;
      readonly messageId: string;
      readonly sentAtMs: number;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: "reply";
      readonly token: Token;
      readonly from: PeerRef;
      readonly status: ReplyStatusCode;
      readonly body: Uint8Array;
      /** From the ask command to the reply. */
      readonly rttMs: number;
    }
  | {
      readonly kind: "groupMessage";
      readonly groupId: string;
      readonly from: PeerRef;
      readonly messageId: string;
      readonly sentAtMs: number;
      /** Where it stands in the group: by this, then by author, then by message id. */
      readonly hlc: number;
      /**
       * It was said before we came, or while its author was not here for us, or something that its
       * author said later came before it. PROTOCOL.md section 6.2.
       */
      readonly late: boolean;
      readonly body: Uint8Array;
    }
  /** All of a line of ours is in datagrams that were told to be kept. */
  | {
      readonly kind: "groupSaid";
      readonly groupId: string;
      readonly messageId: string;
      readonly sentAtMs: number;
      readonly hlc: number;
      readonly body: Uint8Array;
      /** The last datagram of it. */
      readonly sequence: number;
    }
  /** A line of ours will never be said: we left, or were kept out, before its turn came. */
  | { readonly kind: "groupUnsaid"; readonly groupId: string; readonly messageId: string }
  /** A member has all that we said up to a datagram of this incarnation. */
  | {
      readonly kind: "groupDelivered";
      readonly groupId: string;
      readonly to: PeerRef;
      readonly upToSequence: number;
    }
  /** Keep this before anything that is transmitted with it: `GroupLog.read` has it from then on. */
  | ({
      readonly kind: "groupDatagram";
      readonly groupId: string;
      readonly of: Instance;
      /** The highest reading of the hybrid clock in it. */
      readonly hlc: number;
    } & LoggedDatagram)
  /** The datagrams of `of` up to this one need not be kept any more. */
  | {
      readonly kind: "groupForgotten";
      readonly groupId: string;
      readonly of: Instance;
      readonly upToSequence: number;
    }
  /** How a group reaches its members changed. */
  | {
      readonly kind: "groupTransport";
      readonly groupId: string;
      readonly transport: GroupTransport;
      /** Members that are sent copies by unicast. */
      readonly copies: number;
      /** Members whose multicast does not reach us: they send us copies. */
      readonly unheard: number;
    }
  /**
   * A peer wants to know what passes between us. Join the groups of `EXAMINED_GROUPS` for 3 s, and
   * then call `readyForExamination`.
   */
  | { readonly kind: "examinationAsked"; readonly key: string; readonly from: PeerRef }
  /** What came of an examination that we asked for. */
  | {
      readonly kind: "examined";
      readonly token: Token;
      readonly outcome: ExaminationOutcome;
    }
  /** A peer was shown messages of ours. */
  | { readonly kind: "receipt"; readonly from: PeerRef; readonly receipt: Receipt }
  | {
      readonly kind: "presence";
      readonly groupId: string;
      readonly change: "join" | "leave" | "online" | "offline";
      readonly peer: PeerRef;
      /** Members online after the change, ourselves included. */
      readonly online: number;
    }
  /** The keys of a secret group changed: keep them before anything that is transmitted with this. */
  | { readonly kind: "groupKeys"; readonly groupId: string; readonly keys: GroupKeys }
  /** Somebody gave us the key of a group that we are not in. */
  | {
      readonly kind: "groupInvitation";
      readonly label: string;
      readonly from: PeerRef;
      readonly keys: GroupKeys;
    }
  /** `by` kept `devices` out of the group: its key is another one now. */
  | {
      readonly kind: "groupRemoval";
      readonly groupId: string;
      readonly devices: readonly string[];
      readonly by: string;
    }
  /** `by` kept us out of the group: what is said there from now on we cannot read. */
  | { readonly kind: "groupExpelled"; readonly groupId: string; readonly by: string }
  /** The group is in use with a key that we do not have, and nobody gave it to us so far. */
  | { readonly kind: "groupUnreadable"; readonly groupId: string; readonly from: Address }
  /** We told the group that we leave, and nobody asks for repairs any more. */
  | { readonly kind: "groupLeft"; readonly groupId: string }
  /** After `leave`: everything is said, the sockets can close. */
  | { readonly kind: "departed" }
  /** `count` datagrams of a member are lost for good. */
  | {
      readonly kind: "gap";
      readonly groupId: string;
      readonly from: PeerRef;
      readonly count: number;
    };

/**
 * By multicast alone; by unicast copies as well, to some members or from some; or by copies alone,
 * to all.
 */
export type GroupTransport = "multicast" | "mixed" | "unicast";

/** Where the parts of the core put what comes out of it. */
export class Outputs {
  #transmits: Transmit[] = [];
  #events: CoreEvent[] = [];
  #turn = 0;
  #lastOwnToken: Token = 0;

  /** Below zero, never drawn twice: nobody is told what becomes of it. */
  ownToken(): Token {
    this.#lastOwnToken -= 1;
    return this.#lastOwnToken;
  }

  /** Grows with every `drain`: what was told before it is settled. */
  get turn(): number {
    return this.#turn;
  }

  transmit(bytes: Uint8Array, destination: Destination): void {
    this.#transmits.push({ bytes, destination });
  }

  unicast(bytes: Uint8Array, to: Address): void {
    this.transmit(bytes, { kind: "unicast", to });
  }

  event(event: CoreEvent): void {
    if (!isOfOurs(event)) this.#events.push(event);
  }

  /** Hands everything over and starts afresh. */
  drain(): { transmits: Transmit[]; events: CoreEvent[] } {
    const drained = { transmits: this.#transmits, events: this.#events };
    this.#transmits = [];
    this.#events = [];
    this.#turn += 1;
    return drained;
  }
}

/** What became of something that the core sent of itself. */
function isOfOurs(event: CoreEvent): boolean {
  switch (event.kind) {
    case "delivered":
    case "failed":
    case "reply":
      return event.token < 0;
    default:
      return false;
  }
}

/** A part of the core that waits for a moment. */
export interface Timed {
  /** The next moment at which `wake` must be called; Infinity for none. */
  nextWakeMs(): number;
  /** Does everything that is due at `nowMs`. */
  wake(nowMs: number): void;
}
