import type { HandshakeSuite } from "../../crypto/handshake.js";
import { DatagramType } from "../../wire/constants.js";
import { Lane } from "../../wire/frames.js";
import { datagramType } from "../../wire/header.js";
import { encodeRecord, RecordKind } from "../../wire/record.js";
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
  addressKey,
  type ContactPeer,
  type PeerRef,
  type ReceivedDatagram,
  type SendTarget,
  type Timed,
  type Token,
} from "../io.js";
import { TimerQueue } from "../timers.js";
import { TokenBucket } from "../tokenBucket.js";
import type { NumberedReply } from "./answering.js";
import { Dial } from "./dial.js";
import { type Completed, Handshakes } from "./handshakes.js";
import { DRAIN_MS, Link } from "./link.js";
import { LinkTable } from "./linkTable.js";
import { Loopback } from "./loopback.js";
import { MessageLedger } from "./messageLedger.js";
import { Outgoing } from "./outgoing.js";
import { CloseReason, Session } from "./session.js";
import { SessionTable } from "./sessionTable.js";

/** Two sessions of opposite direction within this time are one simultaneous opening. */
const SIMULTANEOUS_MS = 3_000;
/** So many unanswered probes, and the roster knows another address: try that one. */
const PROBES_BEFORE_REDIAL = 3;
/** A link with business and without a session looks for a new address of its peer this often. */
const RELOCATE_EVERY_MS = 1_000;
/** A link without traffic and without business is forgotten. */
const IDLE_LINK_MS = 600_000;
/** A sign of life is passed on to the roster at most this often per peer. */
const HEARD_EVERY_MS = 1_000;
const RESETS_PER_SECOND = 50;
/** When we leave, the acknowledgement of replies is awaited for at most this long. */
const FAREWELL_MS = 1_000;

export interface SessionsOptions {
  readonly suite: HandshakeSuite;
  /** Datagrams that we let a peer have in flight. */
  readonly creditDatagrams: number;
  /** We have a place in rosters. */
  readonly announces: boolean;
  /** Where the roster believes a device to be. */
  readonly addressOf: (device: string) => Address | undefined;
  /** A device gave us the key of a secret group: the body of a group key record. */
  readonly groupKeyArrived: (nowMs: number, from: PeerRef, body: Uint8Array) => void;
  /** A peer proved to be alive at its address. `rttMs`: the latest round trip, if one is new. */
  readonly heard: (nowMs: number, peer: ContactPeer, rttMs: number | undefined) => void;
}

interface OutgoingCommand {
  readonly token: Token;
  readonly target: SendTarget;
  readonly kind: "text" | "request" | "groupKey";
  readonly body: Uint8Array;
  readonly sentAtMs: number;
  readonly messageSequence: number;
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
  readonly #timers = new TimerQueue<Link | Session>();
  /** Links with something to flush or reschedule since the last poll. */
  readonly #touched = new Set<Link>();
  readonly #heardAtMs = new WeakMap<Link, number>();
  readonly #resets = new TokenBucket(RESETS_PER_SECOND, RESETS_PER_SECOND);
  /** We leave the network, or left it. */
  #closed = false;
  /** When peers that did not acknowledge our last replies are left without. */
  #closeAtMs = Number.POSITIVE_INFINITY;

  constructor(context: CoreContext, options: SessionsOptions) {
    this.#context = context;
    this.#options = options;
    const claims = encodeClaims({
      device: context.identity.device,
      incarnation: context.incarnation,
      dataPort: context.dataPort,
      creditDatagrams: options.creditDatagrams,
      announces: options.announces,
      name: context.name,
    });
    this.#ledger = new MessageLedger(context.outputs);
    this.#loopback = new Loopback(context, (message) => this.#ledger.ended(message));
    this.#links = new LinkTable(context.limits.sessions);
    this.#budget = new ByteBudget(context.limits.reassemblyBytes);
    this.#handshakes = new Handshakes(context, {
      suite: options.suite,
      claims,
      indexIsUsed: (index) => this.#sessions.get(index) !== undefined,
      completed: (nowMs, completed) => this.#completed(nowMs, completed),
    });
  }

  // Commands.

  send(nowMs: number, command: OutgoingCommand): void {
    const { token, target, kind } = command;
    const record = encodeRecord({
      kind: RecordKind[kind],
      incarnation: this.#context.incarnation,
      messageSequence: command.messageSequence,
      sentAtMs: command.sentAtMs,
      body: command.body,
    });
    const message = new Outgoing({
      lane: kind === "request" ? Lane.requests : Lane.ordered,
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
    else this.#route(nowMs, message, target);
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
  }

  /** The roster has it that a device started anew. */
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
    for (const { message, keeper } of this.#ledger) {
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
      for (const session of [link.session, link.draining]) {
        if (session !== undefined) this.#dropSession(link, session);
      }
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
      link.flush(nowMs);
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
    if (link.heir === undefined) this.#tryElsewhere(nowMs, link);
    else this.#moveLink(nowMs, link, link.heir);
  }

  #forget(link: Link): void {
    this.#timers.clear(link);
    this.#touched.delete(link);
    this.#links.remove(link);
  }

  // Routing: which link or dial carries a message.

  #route(nowMs: number, message: Outgoing, target: SendTarget): void {
    const link = this.#linkTo(target);
    if (link !== undefined) {
      this.#give(nowMs, message, link);
      return;
    }
    const to = target.kind === "device" ? this.#options.addressOf(target.id) : target.to;
    if (to === undefined) {
      this.#ledger.fail(message, "NO_SUCH_PEER", "no such peer is known");
      return;
    }
    const dial = this.#handshakes.dial(nowMs, to);
    if (dial === undefined || dial.waiting.size >= this.#context.limits.queuedMessagesPerPeer) {
      this.#ledger.fail(
        message,
        "LIMIT_REACHED",
        "too many messages wait for a peer that is not reached",
      );
      return;
    }
    dial.waiting.add(message);
    this.#ledger.note(message, dial);
  }

  #linkTo(target: SendTarget): Link | undefined {
    if (target.kind === "device") {
      const link = this.#linkOfDevice(target.id);
      return link === undefined ? undefined : this.#elderOr(link, target);
    }
    const link = this.#links.ofAddress(target.to);
    // Without a session nobody knows who is at that address now.
    return link?.session === undefined ? undefined : this.#elderOr(link, target);
  }

  /** What would go to an heir queues up behind the business that it may come to. */
  #elderOr(link: Link, target: SendTarget): Link {
    const elder = this.#links.elderOf(link);
    if (elder === undefined) return link;
    return target.kind === "device" || isAt(elder, link.path) ? elder : link;
  }

  /** A process that announces itself speaks for its device; another one only for want of it. */
  #linkOfDevice(device: string): Link | undefined {
    const link = this.#links.ofDevice(device);
    if (link === undefined || link.claims.announces) return link;
    const to = this.#options.addressOf(device);
    return to === undefined || isAt(link, to) ? link : undefined;
  }

  #give(nowMs: number, message: Outgoing, link: Link): void {
    if (!link.enqueue(nowMs, message)) {
      this.#ledger.fail(message, "LIMIT_REACHED", "too many messages wait for this peer");
      return;
    }
    this.#ledger.note(message, link);
    this.#wantSession(nowMs, link);
  }

  #wantSession(nowMs: number, link: Link): void {
    this.#touched.add(link);
    if (link.session === undefined && link.wantsSession && !this.#closed) {
      const to = this.#options.addressOf(link.claims.device) ?? link.path;
      this.#handshakes.dial(nowMs, to)?.links.add(link);
    }
  }

  /** The roster may know that the peer moved, or that it came back as somebody new. */
  #tryElsewhere(nowMs: number, link: Link): void {
    const to = this.#options.addressOf(link.claims.device);
    if (to === undefined || isAt(link, to) || this.#closed) return;
    this.#handshakes.dial(nowMs, to)?.links.add(link);
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
      case DatagramType.handshakeFinish:
        this.#handshakes.receiveFinish(nowMs, bytes, from);
        return;
      case DatagramType.reset:
        this.#receiveReset(nowMs, bytes, from);
    }
  }

  #receiveSealed(nowMs: number, bytes: Uint8Array, from: Address): void {
    const header = decodeSealedHeader(bytes);
    const entry = this.#sessions.get(header.receiverIndex);
    if (entry === undefined) {
      this.#sealedForNobody(nowMs, header, from);
      return;
    }
    const { session, link } = entry;
    this.#touched.add(link);
    const result = session.receive(nowMs, bytes, from);
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
        link.heir = undefined; // two processes of one device, and both are alive
        if (session.draining) session.flush(nowMs);
    }
  }

  #sealedForNobody(
    nowMs: number,
    header: { readonly receiverIndex: number; readonly counter: number },
    from: Address,
  ): void {
    if (this.#closed || this.#handshakes.remind(header.receiverIndex)) return;
    if (!this.#resets.take(nowMs, 1)) return;
    this.#context.counters.add("resetsSent");
    this.#context.outputs.unicast(encodeReset(header), from);
  }

  /** The responder repeats itself: our third message did not arrive. */
  #finishAgain(bytes: Uint8Array): void {
    const response = decodeHandshakeResponse(bytes);
    const entry = this.#sessions.get(response.receiverIndex);
    if (entry?.session.remoteIndex === response.senderIndex) entry.session.sendFinish();
  }

  #receiveReset(nowMs: number, bytes: Uint8Array, from: Address): void {
    const unknown = decodeReset(bytes);
    const entry = this.#sessions.ofRemote(from, unknown.receiverIndex);
    if (entry === undefined || !entry.session.wasSent(unknown.counter)) return;
    this.#context.counters.add("resetsReceived");
    this.#endSession(nowMs, entry.link, entry.session, "quietly");
  }

  // Sessions begin and end.

  /** A completed handshake becomes a session of the link of whoever it was with. */
  #completed(nowMs: number, completed: Completed): void {
    const { claims, dial } = completed;
    if (this.#isOurselves(claims.device, claims.incarnation)) {
      if (dial !== undefined) this.#loopBack(nowMs, dial, completed.path);
      return;
    }
    const link = this.#linkFor(nowMs, claims, completed.path);
    if (link === undefined) {
      this.#context.counters.add("handshakesRefused");
      if (dial !== undefined) this.#failWaiting(dial);
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
    this.#links.met(link);
    this.#touched.add(link);
    this.#noteHeard(nowMs, link, session);
    if (dial !== undefined) this.#moveDialTo(nowMs, dial, link);
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
    if (previous !== undefined) this.#drain(nowMs, link, previous);
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

  #linkFor(nowMs: number, claims: HandshakeClaims, path: Address): Link | undefined {
    const known = this.#links.get(claims.device, claims.incarnation);
    if (known !== undefined) return known;
    const elders = this.#links.allOfDevice(claims.device).filter((link) => link.hasCommands);
    if (this.#links.full && !this.#evictIdlest(nowMs)) return undefined;
    const link = new Link(this.#context, {
      claims,
      path,
      budget: this.#budget,
      firstSequence: this.#links.firstSequence,
      memory: this.#links.takeMemory(claims.device, claims.incarnation),
      ended: (message) => this.#ledger.ended(message),
      groupKeyArrived: this.#options.groupKeyArrived,
    });
    this.#links.add(link);
    for (const elder of elders) this.#doubt(elder, link);
    return link;
  }

  /**
   * The device of `elder` appeared as a new incarnation. Either it restarted, and the business
   * moves to the heir, or both are alive: a ping finds out, by its reset or its acknowledgement.
   */
  #doubt(elder: Link, heir: Link): void {
    elder.heir = heir;
    elder.session?.ping();
    this.#touched.add(elder);
  }

  #evictIdlest(nowMs: number): boolean {
    const idlest = this.#links.idlest(nowMs);
    if (idlest === undefined) return false;
    if (idlest.session !== undefined) this.#endSession(nowMs, idlest, idlest.session, "sayClosed");
    this.#forget(idlest);
    return true;
  }

  #endSession(nowMs: number, link: Link, session: Session, how: "quietly" | "sayClosed"): void {
    if (how === "sayClosed") session.sendClose(nowMs, CloseReason.stalled);
    this.#dropSession(link, session);
    if (link.session !== undefined) return; // only one that gave way is gone
    if (link.heir === undefined) this.#wantSession(nowMs, link);
    else this.#moveLink(nowMs, link, link.heir);
  }

  #dropSession(link: Link, session: Session): void {
    this.#sessions.remove(session);
    this.#timers.clear(session);
    if (link.session === session) link.detach();
  }

  // Somebody answered a dial.

  #moveDialTo(nowMs: number, dial: Dial, link: Link): void {
    // Those of the links were given first.
    for (const stranded of dial.links) {
      if (stranded !== link) this.#moveLink(nowMs, stranded, link);
    }
    for (const message of dial.waiting) this.#moveMessage(nowMs, message, link);
  }

  /** `link` answered where `stranded` was: its peer came back as somebody new, or went away. */
  #moveLink(nowMs: number, stranded: Link, link: Link): void {
    if (stranded.session !== undefined && !stranded.session.isDead(nowMs)) {
      if (stranded.session.probesUnanswered < PROBES_BEFORE_REDIAL) return; // it lives after all
      this.#dropSession(stranded, stranded.session);
    }
    stranded.heir = undefined;
    const { movable, uncertain } = stranded.abandon();
    for (const message of movable) this.#moveMessage(nowMs, message, link);
    for (const message of uncertain) {
      this.#ledger.fail(
        message,
        "PEER_RESTARTED",
        "the peer restarted and may have executed the request",
      );
    }
    this.#forget(stranded);
  }

  #moveMessage(nowMs: number, message: Outgoing, link: Link): void {
    const { purpose } = message;
    if (purpose.kind === "reply" || this.#ledger.failForeign(message, link.claims.device)) return;
    this.#give(nowMs, message, this.#elderOr(link, purpose.target));
  }

  #failWaiting(dial: Dial): void {
    for (const message of dial.waiting) {
      this.#ledger.fail(message, "LIMIT_REACHED", "too many peers are connected");
    }
  }

  #noteHeard(nowMs: number, link: Link, session: Session): void {
    const moved = addressKey(session.path) !== addressKey(link.path);
    if (moved && !session.draining) this.#links.moved(link, session.path);
    const lastMs = this.#heardAtMs.get(link) ?? Number.NEGATIVE_INFINITY;
    if (!moved && nowMs - lastMs < HEARD_EVERY_MS) return;
    this.#heardAtMs.set(link, nowMs);
    // Where this packet came from; a session that gives way to another may have its own path.
    const peer = { ...link.peer, ...session.path, announces: link.claims.announces };
    const isSelf = peer.id === this.#context.identity.device;
    if (!isSelf) this.#options.heard(nowMs, peer, session.takeRttSample());
  }
}

function isAt(link: Link, path: Address): boolean {
  return addressKey(link.path) === addressKey(path);
}

/** When nothing has been heard for long, nobody here waits, and no outcome must be known. */
function forgetAtMs(link: Link): number {
  if (link.hasCommands) return Number.POSITIVE_INFINITY;
  return Math.max(link.lastHeardAtMs + IDLE_LINK_MS, link.keepUntilMs);
}
