import { UdpchatError } from "../../errors.js";
import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";
import { malformed } from "../../wire/cursor.js";
import {
  type AdvanceFrame,
  type FragmentFrame,
  FrameType,
  LANES,
  Lane,
  type LaneCode,
  type MessageFrame,
} from "../../wire/frames.js";
import { decodeReceipt } from "../../wire/receipt.js";
import { decodeRecord, LANE_OF_KIND, messageId, RecordKind } from "../../wire/record.js";
import type { HandshakeClaims } from "../../wire/session.js";
import { ByteBudget } from "../byteBudget.js";
import type { CoreContext } from "../context.js";
import type { Address, NoteArrived, PeerRef, TakesMessages } from "../io.js";
import { Answering, type NumberedReply } from "./answering.js";
import { InboundLane, type LaneMemory } from "./inboundLane.js";
import { OutboundLane } from "./outboundLane.js";
import { type Command, isCommand, type Outgoing } from "./outgoing.js";
import type { Session, SessionOwner } from "./session.js";

/** A conversation with traffic in this time is kept alive by pings. */
const CONVERSATION_MS = 120_000;
/** An open conversation pings after this much silence. */
const PING_AFTER_MS = 15_000;
/** While a reply is awaited, a peer that lost its state must be noticed sooner. */
const PING_AWAITING_REPLY_MS = 2_000;
/** A record that stopped growing for this long is given up, and the session with it. */
const STALLED_RECORD_MS = 10_000;
/** Used within this time is in use: worth new keys when the old ones are worn. */
const IN_USE_MS = 1_000;
/** A replaced session still receives for this long. */
export const DRAIN_MS = 3_000;

/** What is kept of a forgotten link, for the exactly-once effect of what comes after it. */
export type LinkMemory = Readonly<Record<LaneCode, LaneMemory>>;

/** One incarnation of a device as the key of a Map. */
export function linkKey(device: string, incarnation: string): string {
  return `${device}/${incarnation}`;
}

/**
 * Everything between us and one incarnation of a peer that outlives a session: lanes both ways,
 * the requests it made and we made. A link has at most one session that sends; when that one
 * dies, the next one starts every unsettled message anew and the other side drops what it had.
 */
export class Link implements SessionOwner {
  /** See `linkKey`: whom it is with never changes. */
  readonly key: string;
  /** What the peer said of itself in the last handshake. */
  claims: HandshakeClaims;
  /** Where to find it: the path of the session, and after that the last known. */
  path: Address;
  /** The session that gave way last and still receives. */
  draining: Session | undefined;
  /** A newer incarnation of the device, until it is known whether this one is alive. */
  heir: Link | undefined;

  readonly #context: CoreContext;
  readonly #budget: ByteBudget;
  readonly #outbound: Readonly<Record<LaneCode, OutboundLane>>;
  readonly #inbound: Readonly<Record<LaneCode, InboundLane>>;
  readonly #answering: Answering;
  /** Delivered or not, waiting for their replies, by lane sequence. Bounded by `enqueue`. */
  readonly #awaitingReply = new Map<number, Command>();
  /** Tells the owner that a token has met its end. */
  readonly #ended: (message: Command) => void;
  readonly #noteArrived: NoteArrived;
  readonly #takesMessages: TakesMessages;
  #session: Session | undefined;
  /** What `peer` was made of, and how it came out. */
  #peer:
    | {
        readonly claims: HandshakeClaims;
        readonly path: Address;
        readonly ref: PeerRef & { incarnation: string };
      }
    | undefined;
  #leaving = false;
  #queuedCount = 0;
  #queuedBytes = 0;
  #usedAtMs = Number.NEGATIVE_INFINITY;
  #lastHeardAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    context: CoreContext,
    options: {
      readonly claims: HandshakeClaims;
      readonly path: Address;
      readonly budget: ByteBudget;
      /** Lane sequences start here. */
      readonly firstSequence: number;
      /** Of the link to the same incarnation that was forgotten. */
      readonly memory: LinkMemory | undefined;
      readonly ended: (message: Command) => void;
      readonly noteArrived: NoteArrived;
      /** Otherwise texts and requests are left unacknowledged. */
      readonly takesMessages: TakesMessages;
    },
  ) {
    this.#context = context;
    this.claims = options.claims;
    this.key = linkKey(options.claims.device, options.claims.incarnation);
    this.path = options.path;
    this.#ended = options.ended;
    this.#noteArrived = options.noteArrived;
    this.#takesMessages = options.takesMessages;
    this.#budget = new ByteBudget(context.limits.reassemblyBytesPerPeer, options.budget);
    this.#answering = new Answering(context, {
      peer: () => this.peer,
      send: (nowMs, reply) => this.enqueue(nowMs, reply),
    });
    const outbound = (lane: LaneCode): OutboundLane =>
      new OutboundLane(lane, options.firstSequence);
    this.#outbound = perLane(outbound);
    const inbound = (lane: LaneCode): InboundLane =>
      new InboundLane({
        ordered: lane === Lane.ordered,
        unreadable: () => this.#context.counters.add("datagramsMalformed"),
        budget: this.#budget,
        memory: options.memory?.[lane],
        deliver: (nowMs, sequence, record) =>
          lane === Lane.bulk
            ? this.#receiveNote(nowMs, record)
            : this.#arrived(nowMs, lane, sequence, record),
        repeated: (nowMs, sequence) => {
          if (lane === Lane.requests) this.#answering.repeated(nowMs, sequence);
        },
      });
    this.#inbound = perLane(inbound);
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** The peer as events mention it: the same object until something of it changes. */
  get peer(): PeerRef & { incarnation: string } {
    const { claims, path } = this;
    if (this.#peer?.claims !== claims || this.#peer.path !== path) {
      const { device, incarnation, name } = claims;
      const { address, port } = path;
      this.#peer = { claims, path, ref: { id: device, incarnation, name, address, port } };
    }
    return this.#peer.ref;
  }

  /** When a packet of the peer last arrived. */
  get lastHeardAtMs(): number {
    return this.#session?.lastReceivedAtMs ?? this.#lastHeardAtMs;
  }

  /** Something waits to be sent or to be answered: a session is wanted. */
  get wantsSession(): boolean {
    return this.#awaitingReply.size > 0 || LANES.some((lane) => !this.#outbound[lane].idle);
  }

  /** A text or request of ours waits: worth a session for as long as it does. */
  get hasCommands(): boolean {
    const { [Lane.ordered]: texts, [Lane.requests]: requests } = this.#outbound;
    return this.#awaitingReply.size > 0 || !texts.idle || !requests.idle;
  }

  /** Requests of the peer are being executed. */
  get isAnswering(): boolean {
    return this.#answering.isRunning;
  }

  /** Until then a repeated request of the peer can be answered with its outcome. */
  get keepUntilMs(): number {
    return this.#answering.keepUntilMs;
  }

  /** A record went over it, either way. */
  get wasUsed(): boolean {
    return this.#usedAtMs !== Number.NEGATIVE_INFINITY;
  }

  /** Something waits to go over it, or a record just did. */
  isInUse(nowMs: number): boolean {
    return this.wantsSession || nowMs - this.#usedAtMs < IN_USE_MS;
  }

  /** Above every lane sequence used so far. */
  get nextSequence(): number {
    return Math.max(...Object.values(this.#outbound).map((lane) => lane.nextSequence));
  }

  // Sessions come and go.

  /** A new session for this link: everything unsettled starts anew in it. */
  attach(session: Session): void {
    if (this.#session !== undefined) {
      this.#session.draining = true;
      // The new session may cut records elsewhere: slices of both must not meet.
      for (const lane of Object.values(this.#inbound)) lane.dropUnfinished();
    }
    this.#session = session;
    this.path = session.path;
    for (const lane of Object.values(this.#outbound)) {
      for (const message of lane.unsettled()) session.start(message);
      if (lane.owesAdvance) session.advance(lane.lane);
    }
    // The peer may have lost a reply with the old session: a repeated request brings it back.
    for (const request of this.#awaitingReply.values()) {
      if (request.settled) {
        request.settled = false;
        session.start(request);
      }
    }
    for (const lane of Object.values(this.#outbound)) this.#admit(lane.lane);
  }

  /** The session is gone; messages wait for the next. */
  detach(): void {
    this.#lastHeardAtMs = this.lastHeardAtMs;
    this.#session = undefined;
    for (const lane of Object.values(this.#inbound)) lane.dropUnfinished();
  }

  /** Empties the link: the messages that can go on elsewhere, and the requests that can't. */
  abandon(): { readonly movable: Command[]; readonly uncertain: Command[] } {
    const left = new Set(this.#awaitingReply.values());
    for (const lane of Object.values(this.#outbound)) {
      for (const message of lane.takeAll()) if (isCommand(message)) left.add(message);
    }
    const isUncertain = (message: Command): boolean =>
      message.purpose.kind === "request" && message.attempts > 0;
    const uncertain = [...left].filter((message) => isUncertain(message));
    const movable = [...left].filter((message) => !isUncertain(message));
    this.#awaitingReply.clear();
    this.#answering.abandon();
    this.#queuedCount = 0;
    this.#queuedBytes = 0;
    return { movable, uncertain };
  }

  /** Gives all memory back. Returns what the next link to the same incarnation must know. */
  dispose(): LinkMemory {
    this.abandon();
    return perLane((lane) => this.#inbound[lane].dispose());
  }

  // Outgoing.

  /** Queues a message; false if the queue for this peer is full, or too many replies lack. */
  enqueue(nowMs: number, message: Outgoing): boolean {
    this.#usedAtMs = nowMs;
    const { queuedMessagesPerPeer, queuedBytesPerPeer } = this.#context.limits;
    const bytes = this.#queuedBytes + message.record.length;
    if (this.#queuedCount >= queuedMessagesPerPeer || bytes > queuedBytesPerPeer) return false;
    const isRequest = message.lane === Lane.requests;
    if (isRequest && this.#awaitingReply.size >= queuedMessagesPerPeer) return false;
    this.#queuedCount += 1;
    this.#queuedBytes = bytes;
    this.#outbound[message.lane].add(message);
    this.#admit(message.lane);
    return true;
  }

  /** Gives a message up: the receiver is told not to wait for it. */
  cancel(message: Command): void {
    if (message.purpose.kind === "request") this.#awaitingReply.delete(message.sequence);
    message.settled = true;
    if (message.delivered) return;
    this.#unqueue(message);
    if (this.#outbound[message.lane].cancel(message)) this.#session?.advance(message.lane);
    this.#admit(message.lane);
  }

  /** Our answer to a request of this peer; ignored if it is not running. */
  reply(nowMs: number, reply: NumberedReply): void {
    this.#answering.reply(nowMs, reply);
  }

  /** We leave: takes no records any more, and answers the requests that still run. */
  sayFarewell(nowMs: number): void {
    this.#leaving = true;
    this.#answering.refuseRunning(nowMs);
  }

  /** The peer waits for a reply that it can get. */
  get owesReplies(): boolean {
    return this.#session !== undefined && this.#answering.owesReplies;
  }

  // Time.

  nextWakeMs(): number {
    return Math.min(
      this.#session?.nextWakeMs() ?? Infinity,
      this.#pingAtMs(),
      this.#oldestArrivalMs + STALLED_RECORD_MS,
    );
  }

  wake(nowMs: number): void {
    this.#session?.wake(nowMs);
    if (this.#pingAtMs() <= nowMs) this.#session?.ping();
  }

  /** True if a record of the peer stopped growing: its session must go, so that it starts anew. */
  isStalled(nowMs: number): boolean {
    return this.#oldestArrivalMs + STALLED_RECORD_MS <= nowMs;
  }

  get #oldestArrivalMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const lane of LANES) {
      oldestMs = Math.min(oldestMs, this.#inbound[lane].oldestArrivalMs());
    }
    return oldestMs;
  }

  flush(nowMs: number): void {
    this.#answering.settle(nowMs);
    this.#session?.flush(nowMs);
  }

  #pingAtMs(): number {
    const session = this.#session;
    if (session === undefined || !session.quiet) return Number.POSITIVE_INFINITY;
    if (this.#awaitingReply.size > 0) return session.lastReceivedAtMs + PING_AWAITING_REPLY_MS;
    const atMs = session.lastReceivedAtMs + PING_AFTER_MS;
    return atMs - this.#usedAtMs > CONVERSATION_MS ? Number.POSITIVE_INFINITY : atMs;
  }

  // What the session asks and tells.

  laneBase(lane: LaneCode): number {
    return this.#outbound[lane].base;
  }

  incoming(nowMs: number, frame: MessageFrame | FragmentFrame): "taken" | "refused" {
    const kind = kindForReaders(frame);
    const isRead = kind === undefined || this.#takesMessages(this.claims.device, kind);
    if (this.#leaving || !isRead) return "refused";
    const lane = this.#inbound[frame.lane];
    const taken =
      frame.type === FrameType.message
        ? lane.message(nowMs, frame, frame.record)
        : lane.fragment(nowMs, frame);
    if (taken === "refused") {
      this.#context.counters.add("packetsRefused");
      return "refused";
    }
    if (taken === "duplicate") this.#context.counters.add("messagesDuplicate");
    return "taken";
  }

  advance(nowMs: number, frame: AdvanceFrame): void {
    this.#inbound[frame.lane].advance(nowMs, frame.base);
  }

  delivered(nowMs: number, message: Outgoing): void {
    if (message.cancelled) return;
    if (message.delivered) {
      message.settled = true; // a request that was asked again
      return;
    }
    const handedOn = this.#outbound[message.lane].acknowledge(message);
    for (const each of handedOn) this.#handedOn(nowMs, each);
    this.#laneMoved(message.lane);
  }

  advanced(nowMs: number, frame: AdvanceFrame): void {
    const handedOn = this.#outbound[frame.lane].confirm(frame.base);
    for (const each of handedOn) this.#handedOn(nowMs, each);
    this.#laneMoved(frame.lane);
  }

  #laneMoved(lane: LaneCode): void {
    if (this.#outbound[lane].takeAdvance()) this.#session?.advance(lane);
    this.#admit(lane);
  }

  #handedOn(nowMs: number, message: Outgoing): void {
    message.delivered = true;
    this.#unqueue(message);
    this.#context.counters.add("messagesDelivered");
    if (message.purpose.kind === "reply") {
      this.#answering.delivered(message.purpose.requestSequence);
    }
    if (!isCommand(message)) return;
    const { purpose } = message;
    this.#context.outputs.event({
      kind: "delivered",
      token: purpose.token,
      to: this.peer,
      rttMs: nowMs - message.createdAtMs,
      attempts: message.attempts,
    });
    if (purpose.kind === "text") this.#ended(message);
  }

  // Lanes.

  /** Starts what the window of a lane has room for. */
  #admit(laneCode: LaneCode): void {
    const session = this.#session;
    if (session === undefined) return;
    const lane = this.#outbound[laneCode];
    for (let message = lane.admit(); message !== undefined; message = lane.admit()) {
      if (isRequest(message)) this.#awaitingReply.set(message.sequence, message);
      session.start(message);
    }
  }

  #unqueue(message: Outgoing): void {
    this.#queuedCount -= 1;
    this.#queuedBytes -= message.record.length;
  }

  // Incoming records.

  /** Nobody waits for what a note says: one that can't be read is passed over, and acknowledged. */
  #receiveNote(nowMs: number, bytes: Uint8Array): void {
    try {
      this.#arrived(nowMs, Lane.bulk, 0, bytes);
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
      this.#context.counters.add("datagramsMalformed");
    }
  }

  #arrived(nowMs: number, lane: LaneCode, laneSequence: number, bytes: Uint8Array): void {
    const record = decodeRecord(bytes);
    if (LANE_OF_KIND[record.kind] !== lane) throw malformed("record on the wrong lane");
    this.#usedAtMs = nowMs;
    switch (record.kind) {
      case RecordKind.text:
        this.#context.counters.add("messagesReceived");
        this.#context.outputs.event({
          kind: "message",
          from: this.peer,
          messageId: messageId(record.incarnation, record.messageSequence),
          sentAtMs: record.sentAtMs,
          body: record.body,
        });
        return;
      case RecordKind.request:
        this.#answering.arrived(nowMs, laneSequence, record);
        return;
      case RecordKind.groupKey:
      case RecordKind.groupSync:
      case RecordKind.examination:
        this.#noteArrived(nowMs, this.peer, record);
        return;
      case RecordKind.receipt: {
        const receipt = decodeReceipt(record.body);
        this.#context.outputs.event({ kind: "receipt", from: this.peer, receipt });
        return;
      }
      case RecordKind.reply: {
        const request = this.#awaitingReply.get(record.requestSequence);
        if (request === undefined) return;
        this.#awaitingReply.delete(record.requestSequence);
        // The reply proves that the request arrived, even if its acknowledgement was lost.
        this.delivered(nowMs, request);
        this.#context.outputs.event({
          kind: "reply",
          token: request.purpose.token,
          from: this.peer,
          status: record.status,
          body: record.body,
          rttMs: nowMs - request.createdAtMs,
        });
        this.#ended(request);
      }
    }
  }
}

function perLane<T>(make: (lane: LaneCode) => T): Readonly<Record<LaneCode, T>> {
  return {
    [Lane.ordered]: make(Lane.ordered),
    [Lane.requests]: make(Lane.requests),
    [Lane.replies]: make(Lane.replies),
    [Lane.bulk]: make(Lane.bulk),
  };
}

function isRequest(message: Outgoing): message is Command {
  return message.purpose.kind === "request";
}

/** A text or request, or a piece of one: all but replies, and group keys, which are short. */
function kindForReaders(frame: MessageFrame | FragmentFrame): "text" | "request" | undefined {
  if (frame.lane === Lane.requests) return "request";
  if (frame.lane !== Lane.ordered) return undefined;
  return isText(frame) ? "text" : undefined;
}

function isText(frame: MessageFrame | FragmentFrame): boolean {
  if (frame.type === FrameType.message) return frame.record[0] !== RecordKind.groupKey;
  if (frame.totalBytes > MAX_DATAGRAM_BYTES) return true;
  return frame.offset === 0 && frame.slice[0] !== RecordKind.groupKey;
}
