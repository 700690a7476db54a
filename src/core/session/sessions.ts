import type { HandshakeSuite } from "../../crypto/handshake.js";
import type { ErrorCode } from "../../errors.js";
import { DatagramType, MIN_SEALED_BYTES } from "../../wire/constants.js";
import { malformed } from "../../wire/cursor.js";
import { datagramType } from "../../wire/header.js";
import { encodeRecord, LANE_OF_KIND, RecordKind } from "../../wire/record.js";
import {
  decodeHandshakeResponse,
  decodeReset,
  decodeSealedHeader,
  encodeClaims,
  encodeReset,
  type HandshakeClaims,
} from "../../wire/session.js";
import { ByteBudget } from "../byteBudget.js";
import type { CoreContext } from "../context.js";
import {
  type Address,
  type ContactPeer,
  type NoteArrived,
  type ReceivedDatagram,
  type SendTarget,
  type TakesMessages,
  type Timed,
  type Token,
} from "../io.js";
import { TimerQueue } from "../timers.js";
import { KeyedTokenBuckets, TokenBucket } from "../tokenBucket.js";
import type { NumberedReply } from "./answering.js";
import { Dial } from "./dial.js";
import { type Completed, Handshakes, type MayBeSent } from "./handshakes.js";
import { DRAIN_MS, Link } from "./link.js";
import { LinkTable } from "./linkTable.js";
import { Loopback } from "./loopback.js";
import { MessageLedger } from "./messageLedger.js";
import { type Command, Outgoing } from "./outgoing.js";
import { isAt, PROBES_BEFORE_REDIAL, Relocation } from "./relocation.js";
import { Renewals } from "./renewals.js";
import { Routing } from "./routing.js";
import { CloseReason, Session } from "./session.js";
import { SessionTable } from "./sessionTable.js";

/** Two sessions of opposite direction within this time are one simultaneous opening. */
const SIMULTANEOUS_MS = 3_000;
/** A link with business and without a session looks for a new address of its peer this often. */
const RELOCATE_EVERY_MS = 1_000;
/** A link without traffic and without business is forgotten. */
const IDLE_LINK_MS = 600_000;
/** A sign of life is passed on to the roster at most this often per peer. */
const HEARD_EVERY_MS = 1_000;
/** Per source address: it may be forged, and what reaches us from there must not spend all. */
const RESETS_PER_SOURCE = { ratePerSecond: 10, burst: 50, maxKeys: 4096 };
const RESETS_PER_SECOND = 1_000;
/** When we leave, the acknowledgement of replies is awaited for at most this long. */
const FAREWELL_MS = 1_000;

export interface SessionsOptions {
  readonly suite: HandshakeSuite;
  /** Datagrams that we let a peer have in flight. */
  readonly creditDatagrams: number;
  /** We have a place in rosters. */
  readonly announces: boolean;
  /** Somebody reads what others write to us. Default: yes. */
  readonly takesMessages?: TakesMessages | undefined;
  /** Where the roster believes a device to be. */
  readonly addressOf: (device: string) => Address | undefined;
  readonly mayBeSent: MayBeSent;
  readonly noteArrived: NoteArrived;
  /** A peer proved to be alive at its address. `rttMs`: the latest round trip, if one is new. */
  readonly heard: (nowMs: number, peer: ContactPeer, rttMs: number | undefined) => void;
}

/** Something to be sent, in the lane of its kind. */
export interface OutgoingCommand {
  readonly token: Token;
  readonly target: SendTarget;
  readonly kind: "text" | "request" | "groupKey" | "groupSync" | "receipt" | "examination";
  readonly body: Uint8Array;
  readonly sentAtMs: number;
  readonly messageSequence: number;
  /** Of an earlier start, if it was written then. Default: the present one. */
  readonly incarnation?: string | undefined;
  /** Only to a device whose key the user compared. */
  readonly requiresVerified?: boolean | undefined;
}

/**
 * Unicast: who is reached how. Owns the links (one per incarnation of a peer), the sessions by
 * index, the handshakes in both directions, and the ledger of what was not delivered yet.
 *
 * ```text
 *   send -> link with a session -> packets            address unknown yet -> dial
 *   dial -> handshake -> session -> link              session dead, link has business -> dial
 * ```
 */
export class Sessions implements Timed {
  readonly #context: CoreContext;
  readonly #options: SessionsOptions;
  readonly #budget: ByteBudget;
  readonly #links: LinkTable;
  readonly #sessions = new SessionTable();
  readonly #handshakes: Handshakes;
  readonly #ledger: MessageLedger;
  readonly #loopback: Loopback;
  readonly #relocation: Relocation;
  readonly #routing: Routing;
  readonly #timers = new TimerQueue<Link | Session>();
  /** Links with something to flush or reschedule since the last poll. */
  readonly #touched = new Set<Link>();
  readonly #heardAtMs = new WeakMap<Link, number>();
  readonly #resetsPerSource = new KeyedTokenBuckets(RESETS_PER_SOURCE);
  readonly #resets = new TokenBucket(RESETS_PER_SECOND, RESETS_PER_SECOND);
  /** Handshakes that resets brought, and those for new keys. */
  readonly #verifications = new Renewals();
  readonly #rekeys = new Renewals();
  /** We leave the network, or left it. */
  #closed = false;
  /** When peers that did not acknowledge our last replies are left without. */
  #closeAtMs = Number.POSITIVE_INFINITY;

  constructor(context: CoreContext, options: SessionsOptions) {
    this.#context = context;
    this.#options = options;
    this.#ledger = new MessageLedger(context.outputs);
    this.#loopback = new Loopback(context, (message) => this.#ledger.ended(message));
    this.#links = new LinkTable(context.limits.sessions);
    this.#budget = new ByteBudget(context.limits.reassemblyBytes);
    this.#handshakes = new Handshakes(context, {
      suite: options.suite,
      claims: () => this.#claims(),
      indexIsUsed: (index) => this.#sessions.get(index) !== undefined,
      completed: (nowMs, completed) => this.#completed(nowMs, completed),
      repeating: (nowMs, dial) => this.#routing.follow(nowMs, dial),
      mayBeSent: options.mayBeSent,
    });
    const shared = {
      links: this.#links,
      ledger: this.#ledger,
      handshakes: this.#handshakes,
      addressOf: options.addressOf,
    };
    this.#routing = new Routing(context, {
      ...shared,
      wantSession: (nowMs, link) => this.#wantSession(nowMs, link),
    });
    this.#relocation = new Relocation({
      ...shared,
      give: (nowMs, message, link, target) => this.#routing.give(nowMs, message, link, target),
      forget: (link) => this.#forget(link),
      touch: (link) => this.#touched.add(link),
    });
  }

  /** What we say of ourselves in handshakes, encoded. */
  #claims(): Uint8Array {
    const { identity, incarnation, dataPort, name } = this.#context;
    const { announces, creditDatagrams } = this.#options;
    const { device } = identity;
    return encodeClaims({ device, incarnation, dataPort, creditDatagrams, announces, name });
  }

  // What it holds, for `status`.

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get halfOpenCount(): number {
    return this.#handshakes.halfOpenCount;
  }

  get dialCount(): number {
    return this.#handshakes.dialCount;
  }

  get reassemblyBytesUsed(): number {
    return this.#budget.usedBytes;
  }

  // Commands.

  send(nowMs: number, command: OutgoingCommand): void {
    const { token, target, kind } = command;
    const record = encodeRecord({
      kind: RecordKind[kind],
      incarnation: command.incarnation ?? this.#context.incarnation,
      messageSequence: command.messageSequence,
      sentAtMs: command.sentAtMs,
      body: command.body,
    });
    const message: Command = new Outgoing({
      lane: LANE_OF_KIND[RecordKind[kind]],
      record,
      purpose: {
        kind: kind === "request" ? "request" : "text",
        token,
        target,
        requiresVerified: command.requiresVerified,
      },
      createdAtMs: nowMs,
    });
    if (this.#closed) this.#ledger.fail(message, "CLOSED", "we left the network");
    else this.#routing.route(nowMs, message, target);
  }

  cancel(nowMs: number, token: Token): void {
    const entry = this.#ledger.take(token);
    if (entry === undefined) return;
    const { message, keeper } = entry;
    if (keeper instanceof Dial) {
      keeper.waiting.delete(message);
      if (!keeper.isWanted(nowMs)) this.#handshakes.hangUp(keeper);
      return;
    }
    keeper.cancel(message);
    if (keeper instanceof Link) this.#touched.add(keeper);
  }

  /** The user blocked a device: what waits for it fails, and its sessions end. */
  blocked(nowMs: number, device: string): void {
    for (const link of this.#links.allOfDevice(device)) {
      const { movable, uncertain } = link.abandon();
      for (const message of [...movable, ...uncertain]) {
        this.#ledger.fail(message, "BLOCKED", "the peer was blocked");
      }
      for (const session of [link.session, link.draining]) {
        if (session !== undefined) this.#endSession(nowMs, link, session, "sayClosed");
      }
      this.#forget(link);
    }
    for (const { message, keeper } of this.#ledger.entries()) {
      if (!(keeper instanceof Dial) || !isFor(message, device)) continue;
      keeper.waiting.delete(message);
      this.#ledger.fail(message, "BLOCKED", "the peer was blocked");
    }
  }

  /**
   * The roster has it that a device started anew: a ping to its former starts brings a reset, and
   * that a handshake, before anybody waits for an answer.
   */
  restarted(_nowMs: number, device: string): void {
    for (const link of this.#links.allOfDevice(device)) {
      link.session?.ping();
      this.#touched.add(link);
    }
  }

  reply(nowMs: number, reply: NumberedReply): void {
    const { id, incarnation, laneSequence } = reply.key;
    if (this.#isOurselves(id, incarnation)) {
      this.#loopback.reply(nowMs, laneSequence, reply.status, reply.body);
      return;
    }
    const link = this.#links.get(id, incarnation);
    if (link === undefined) return;
    link.reply(nowMs, reply);
    this.#wantSession(nowMs, link);
  }

  /**
   * Leaves: what was given is sent, what is unsettled is given up, running requests are refused,
   * and every peer is told. Where replies are under way their acknowledgement is awaited for a
   * moment; until then `nextWakeMs` is finite and packets must still be fed.
   */
  closeAll(nowMs: number): void {
    if (this.#closed) return;
    this.flush(nowMs);
    this.#closed = true;
    this.#closeAtMs = nowMs + FAREWELL_MS;
    for (const { message, keeper } of this.#ledger.entries()) {
      if (!(keeper instanceof Dial)) keeper.cancel(message);
      this.#ledger.fail(message, "CLOSED", "we left the network before it was delivered");
    }
    this.#handshakes.hangUpAll();
    for (const link of this.#links) {
      link.sayFarewell(nowMs);
      link.flush(nowMs);
      this.#touched.add(link);
    }
    this.#closeIdle(nowMs);
  }

  /** After `closeAll`: ends what owes no reply any more, and everything when time is up. */
  #closeIdle(nowMs: number): void {
    for (const link of this.#links) {
      if (link.owesReplies && nowMs < this.#closeAtMs) continue;
      link.session?.sendClose(nowMs, CloseReason.leaving);
      this.#forget(link);
    }
    if (this.#links.isEmpty) this.#closeAtMs = Number.POSITIVE_INFINITY;
  }

  // Time.

  /** Nothing ran for `lagMs`: no peer can be blamed for that time. */
  compensate(nowMs: number, lagMs: number): void {
    for (const link of this.#links) link.session?.compensate(nowMs, lagMs);
  }

  nextWakeMs(): number {
    return Math.min(this.#timers.nextMs(), this.#handshakes.nextWakeMs(), this.#closeAtMs);
  }

  wake(nowMs: number): void {
    this.#handshakes.wake(nowMs);
    for (
      let due = this.#timers.popDue(nowMs);
      due !== undefined;
      due = this.#timers.popDue(nowMs)
    ) {
      if (due instanceof Link) this.#wakeLink(nowMs, due);
      else this.#sessions.remove(due); // drained
    }
  }

  /** Packs and sends what the turn has gathered. */
  flush(nowMs: number): void {
    for (const link of this.#touched) {
      this.#endWornOut(nowMs, link);
      if (!this.#links.has(link)) continue; // its heir has it all
      link.flush(nowMs);
      this.#replaceWorn(nowMs, link);
      const searches = link.session === undefined && link.hasCommands;
      const relocateAtMs = searches ? nowMs + RELOCATE_EVERY_MS : Number.POSITIVE_INFINITY;
      this.#timers.set(link, Math.min(link.nextWakeMs(), forgetAtMs(link), relocateAtMs));
    }
    this.#touched.clear();
    if (this.#closed) this.#closeIdle(nowMs);
  }

  #wakeLink(nowMs: number, link: Link): void {
    this.#touched.add(link);
    const { session } = link;
    if (session === undefined) {
      if (forgetAtMs(link) <= nowMs) this.#forget(link);
      else this.#wantSession(nowMs, link);
      return;
    }
    if (session.isDead(nowMs) || link.isStalled(nowMs)) {
      this.#endSession(nowMs, link, session, "sayClosed");
      return;
    }
    if (forgetAtMs(link) <= nowMs) {
      this.#endSession(nowMs, link, session, "sayClosed");
      this.#forget(link);
      return;
    }
    link.wake(nowMs);
    if (session.probesUnanswered < PROBES_BEFORE_REDIAL) return;
    const { heir } = link;
    if (heir !== undefined) this.#relocation.inherit(nowMs, link, heir);
    else if (!this.#closed) this.#relocation.tryElsewhere(nowMs, link);
  }

  /** Nothing is sealed with the same keys for ever. */
  #endWornOut(nowMs: number, link: Link): void {
    const { session } = link;
    if (session?.isWornOut(nowMs) === true) this.#endSession(nowMs, link, session, "quietly");
  }

  /** Keys that were used for long are replaced before that, while they are in use. */
  #replaceWorn(nowMs: number, link: Link): void {
    const isWorn = link.session?.wantsReplacement(nowMs) === true;
    if (isWorn && link.isInUse(nowMs)) this.#renew(nowMs, link, this.#rekeys);
  }

  /** Begins a handshake with the peer of a session, which lives on until a new one stands. */
  #renew(nowMs: number, link: Link, ration: Renewals): void {
    if (this.#closed || !ration.take(nowMs, link)) return;
    this.#handshakes.dial(nowMs, link.path, link.claims.device)?.links.add(link);
  }

  /** With both its sessions: what came in one of them later would be taken as new once more. */
  #forget(link: Link): void {
    for (const session of [link.session, link.draining]) {
      if (session !== undefined) this.#dropSession(link, session);
    }
    this.#timers.clear(link);
    this.#touched.delete(link);
    this.#links.remove(link);
  }

  #wantSession(nowMs: number, link: Link): void {
    this.#touched.add(link);
    if (link.session === undefined && link.wantsSession && !this.#closed) {
      const to = this.#options.addressOf(link.claims.device) ?? link.path;
      this.#handshakes.dial(nowMs, to, link.claims.device)?.links.add(link);
    }
  }

  // Receiving.

  receive(nowMs: number, datagram: ReceivedDatagram): void {
    const { bytes, from } = datagram;
    const type = datagramType(bytes);
    if (this.#closed && type !== DatagramType.sealed && type !== DatagramType.reset) return;
    switch (type) {
      case DatagramType.sealed:
        this.#receiveSealed(nowMs, bytes, from);
        return;
      case DatagramType.handshakeInit:
        this.#handshakes.receiveInit(nowMs, bytes, from);
        return;
      case DatagramType.handshakeResponse:
        if (!this.#handshakes.receiveResponse(nowMs, bytes, from)) this.#finishAgain(bytes);
        return;
      case DatagramType.cookie:
        this.#handshakes.receiveCookie(bytes, from);
        return;
      case DatagramType.handshakeFinish:
        this.#handshakes.receiveFinish(nowMs, bytes, from);
        return;
      case DatagramType.reset:
        this.#receiveReset(nowMs, bytes, from);
    }
  }

  #receiveSealed(nowMs: number, bytes: Uint8Array, from: Address): void {
    if (bytes.length < MIN_SEALED_BYTES) throw malformed("sealed datagram is too short");
    const header = decodeSealedHeader(bytes);
    const entry = this.#sessions.get(header.receiverIndex);
    if (entry === undefined) {
      this.#sealedForNobody(nowMs, header, bytes.length, from);
      return;
    }
    const { session, link } = entry;
    this.#touched.add(link);
    const result = session.receive(nowMs, header, bytes, from);
    this.#sessions.heard(entry);
    switch (result) {
      case "sealInvalid":
        this.#context.counters.add("datagramsForged");
        return;
      case "repeated":
        this.#context.counters.add("packetsDuplicate");
        return;
      case "refused":
        return;
      case "closed":
        this.#noteHeard(nowMs, link, session);
        this.#endSession(nowMs, link, session, "quietly");
        return;
      case "taken":
        this.#noteHeard(nowMs, link, session);
        this.#links.heard(link);
        link.heir = undefined; // two processes of one device, and both are alive
        if (session.draining) session.flush(nowMs);
    }
  }

  #sealedForNobody(
    nowMs: number,
    header: { readonly receiverIndex: number; readonly counter: number },
    sizeBytes: number,
    from: Address,
  ): void {
    if (this.#closed || this.#handshakes.remind(header.receiverIndex, sizeBytes)) return;
    if (!this.#resetsPerSource.take(nowMs, from.address) || !this.#resets.take(nowMs)) return;
    this.#context.counters.add("resetsSent");
    this.#context.outputs.unicast(encodeReset(header), from);
  }

  /** The responder repeats itself: our third message did not arrive. */
  #finishAgain(bytes: Uint8Array): void {
    const response = decodeHandshakeResponse(bytes);
    this.#sessions.get(response.receiverIndex)?.session.receiveResponse(bytes);
  }

  /**
   * The peer does not know the session any more, or somebody on the path says so: only a hint. The
   * handshake that it brings shows who is there; until then, and if it fails, the session lives on.
   */
  #receiveReset(nowMs: number, bytes: Uint8Array, from: Address): void {
    const unknown = decodeReset(bytes);
    const entry = this.#sessions.ofRemote(from, unknown.receiverIndex);
    if (entry === undefined || !entry.session.wasSent(unknown.counter)) return;
    this.#context.counters.add("resetsReceived");
    // Whoever will have nothing to do with us takes no handshake either, and says so each time.
    const { session, link } = entry;
    const isWorthIt = session.confirmed || link.hasCommands;
    if (session === link.session && isWorthIt) this.#renew(nowMs, link, this.#verifications);
  }

  // Sessions begin and end.

  /** A completed handshake becomes a session of the link of whoever it was with. */
  #completed(nowMs: number, completed: Completed): void {
    const { claims, dial } = completed;
    if (this.#isOurselves(claims.device, claims.incarnation)) {
      if (dial !== undefined) this.#loopBack(nowMs, dial, completed.path);
      return;
    }
    if (this.#context.trust.isBlocked(claims.device)) {
      this.#context.counters.add("datagramsBlocked");
      this.#failWaiting(dial, "BLOCKED", "the peer that answers there is blocked");
      return;
    }
    const known = this.#links.get(claims.device, claims.incarnation);
    const link = known ?? this.#newLink(nowMs, claims, completed.path);
    if (link === undefined) {
      this.#context.counters.add("handshakesRefused");
      this.#failWaiting(dial, "LIMIT_REACHED", "too many peers are connected");
      return;
    }
    this.#context.counters.add("handshakesCompleted");
    const session = new Session(nowMs, this.#context, link, {
      ...completed,
      creditDatagrams: this.#options.creditDatagrams,
      remoteCreditDatagrams: claims.creditDatagrams,
    });
    this.#sessions.add({ session, link });
    session.sendFinish();
    this.#adopt(nowMs, link, session, claims);
    this.#links.met(link, completed.isStillThere && isAt(link, completed.path));
    this.#touched.add(link);
    this.#noteHeard(nowMs, link, session);
    this.#relocation.appeared(nowMs, link, completed, known === undefined);
    if (dial !== undefined) this.#relocation.answered(nowMs, dial, link);
  }

  #isOurselves(device: string, incarnation: string): boolean {
    return device === this.#context.identity.device && incarnation === this.#context.incarnation;
  }

  /** We dialled, and answered ourselves: no session comes of it. */
  #loopBack(nowMs: number, dial: Dial, path: Address): void {
    for (const message of dial.waiting) {
      if (this.#ledger.failForeign(message, this.#context.identity.device)) continue;
      this.#ledger.note(message, this.#loopback);
      this.#loopback.take(nowMs, message, path);
    }
  }

  /** The new session takes over, unless an older one of a simultaneous opening has precedence. */
  #adopt(nowMs: number, link: Link, session: Session, claims: HandshakeClaims): void {
    const previous = link.session;
    if (previous !== undefined && this.#keeps(nowMs, claims.device, previous, session)) {
      this.#drain(nowMs, link, session);
      return;
    }
    if (previous !== undefined) {
      if (previous.isWorn(nowMs)) this.#context.counters.add("rekeys");
      this.#drain(nowMs, link, previous);
    }
    this.#links.moved(link, session.path);
    link.claims = claims;
    link.attach(session);
    // Shows the responder that the third message arrived, and opens the round-trip estimate.
    if (session.initiator && session.quiet) session.ping();
  }

  /** Both opened at once: both sides keep the session begun by the lower key. */
  #keeps(nowMs: number, remoteDevice: string, previous: Session, next: Session): boolean {
    if (previous.initiator === next.initiator) return false;
    if (previous.probesUnanswered >= PROBES_BEFORE_REDIAL) return false; // it leads nowhere
    const young = nowMs - previous.establishedAtMs < SIMULTANEOUS_MS;
    if (previous.confirmed && !young) return false;
    return previous.initiator === this.#context.identity.device < remoteDevice;
  }

  /** At most one session of a link drains: one that gives way ends the one before it. */
  #drain(nowMs: number, link: Link, session: Session): void {
    const { draining } = link;
    if (draining !== undefined) {
      this.#sessions.remove(draining);
      this.#timers.clear(draining);
    }
    link.draining = session;
    session.draining = true;
    this.#timers.set(session, nowMs + DRAIN_MS);
  }

  #newLink(nowMs: number, claims: HandshakeClaims, path: Address): Link | undefined {
    const { device, incarnation } = claims;
    const isFull = this.#links.isFullFor(device);
    const idlest = isFull ? this.#links.idlestFor(nowMs, device) : undefined;
    if (isFull && idlest === undefined) return undefined;
    // Before the one that gives way is remembered: there may not be room for both memories.
    const memory = this.#links.takeMemory(device, incarnation);
    if (idlest !== undefined) this.#evict(nowMs, idlest);
    const link = new Link(this.#context, {
      claims,
      path,
      budget: this.#budget,
      firstSequence: this.#links.firstSequence,
      memory,
      ended: (message) => this.#ledger.ended(message),
      noteArrived: this.#options.noteArrived,
      takesMessages: this.#options.takesMessages ?? (() => true),
    });
    this.#links.add(link);
    return link;
  }

  #evict(nowMs: number, link: Link): void {
    if (link.session !== undefined) this.#endSession(nowMs, link, link.session, "sayClosed");
    this.#forget(link);
  }

  #endSession(nowMs: number, link: Link, session: Session, how: "quietly" | "sayClosed"): void {
    if (how === "sayClosed") session.sendClose(nowMs, CloseReason.stalled);
    this.#dropSession(link, session);
    if (link.session !== undefined) return; // only one that gave way is gone
    const { heir } = link;
    if (heir === undefined) this.#wantSession(nowMs, link);
    else this.#relocation.inherit(nowMs, link, heir);
  }

  #dropSession(link: Link, session: Session): void {
    this.#sessions.remove(session);
    this.#timers.clear(session);
    if (link.session === session) link.detach();
  }

  #failWaiting(dial: Dial | undefined, code: ErrorCode, text: string): void {
    for (const message of dial?.waiting ?? []) this.#ledger.fail(message, code, text);
  }

  #noteHeard(nowMs: number, link: Link, session: Session): void {
    const moved = !isAt(link, session.path);
    if (moved && !session.draining) this.#links.moved(link, session.path);
    if (session.isMoving && !session.draining) this.#links.left(link);
    const lastMs = this.#heardAtMs.get(link) ?? Number.NEGATIVE_INFINITY;
    if (!moved && nowMs - lastMs < HEARD_EVERY_MS) return;
    this.#heardAtMs.set(link, nowMs);
    // Where this packet came from; a session that gives way to another may have its own path.
    const peer = { ...link.peer, ...session.path, announces: link.claims.announces };
    const isSelf = peer.id === this.#context.identity.device;
    if (!isSelf) this.#options.heard(nowMs, peer, session.takeRttSample());
  }
}

function isFor({ purpose: { target } }: Command, device: string): boolean {
  return target.kind === "device" && target.id === device;
}

/** When nothing has been heard for long, nobody here waits, and no outcome must be known. */
function forgetAtMs(link: Link): number {
  if (link.hasCommands) return Number.POSITIVE_INFINITY;
  return Math.max(link.lastHeardAtMs + IDLE_LINK_MS, link.keepUntilMs);
}
