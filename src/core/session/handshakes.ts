import type { Established, HandshakeSuite } from "../../crypto/handshake.js";
import { randomU32 } from "../../crypto/random.js";
import { MAX_AMPLIFICATION, MIN_REMINDING_BYTES } from "../../wire/constants.js";
import { malformed } from "../../wire/cursor.js";
import {
  decodeClaims,
  decodeCookie,
  decodeHandshakeFinish,
  decodeHandshakeInit,
  decodeHandshakeResponse,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeResponse,
  type HandshakeClaims,
  type HandshakeInit,
} from "../../wire/session.js";
import type { CoreContext } from "../context.js";
import { type Address, addressKey } from "../io.js";
import { SourceGate } from "../sourceGate.js";
import { TimerQueue } from "../timers.js";
import { Dial } from "./dial.js";
import { HalfOpenTable } from "./halfOpen.js";
import { HandshakeGate } from "./handshakeGate.js";
import type { HandshakeEnding } from "./session.js";

/** A handshake that is through, as far as our side can tell. */
export interface Completed extends Established {
  readonly claims: HandshakeClaims;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly initiator: boolean;
  /** Where the other side received what we sent: nobody forged that address (RFC 9000 section 8.1). */
  readonly path: Address;
  /** What it said came from there, too: it has not moved since. */
  readonly isStillThere: boolean;
  /** The other side was alive after this. */
  readonly startedAtMs: number;
  /** Initiator only: the second message and our third one, whole datagrams, for repeats. */
  readonly ending?: HandshakeEnding;
  /** What waited for this address, if anything. */
  readonly dial: Dial | undefined;
}

/**
 * Whether so many bytes may go where a device is said to be. True, and they are accounted for, if it
 * has shown that it is there, or if enough came from there.
 */
export type MayBeSent = (nowMs: number, device: string, to: Address, sizeBytes: number) => boolean;

/**
 * Handshakes in both directions. Only the initiator repeats: the responder answers what it gets,
 * so that it never sends more than it was asked for.
 *
 * ```text
 *   initiator                            responder
 *   dial:  INIT ------------------------>  half open
 *          <------------------------ RESPONSE      (INIT repeated: the same RESPONSE again)
 *          <-------------------------- COOKIE      (under load: INIT again, with the cookie)
 *   session: FINISH -------------------->  session (sealed before FINISH: RESPONSE again)
 * ```
 */
export class Handshakes {
  readonly #context: CoreContext;
  readonly #suite: HandshakeSuite;
  readonly #claims: () => Uint8Array;
  readonly #indexIsUsed: (index: number) => boolean;
  readonly #completed: (nowMs: number, completed: Completed) => void;
  readonly #repeating: (nowMs: number, dial: Dial) => void;
  readonly #mayBeSent: MayBeSent;
  /** By address; bounded by `limits.sessions`. */
  readonly #dials = new Map<string, Dial>();
  /** The same dials. */
  readonly #dialsByIndex = new Map<number, Dial>();
  readonly #halfOpen: HalfOpenTable;
  readonly #gate: HandshakeGate;
  /** Its own: no flood of other datagrams in a peer's name keeps that peer from us. */
  readonly #agreements: SourceGate;
  readonly #timers = new TimerQueue<Dial>();

  constructor(
    context: CoreContext,
    options: {
      readonly suite: HandshakeSuite;
      /** Our own, encoded. */
      readonly claims: () => Uint8Array;
      /** True for the index of a session. */
      readonly indexIsUsed: (index: number) => boolean;
      readonly completed: (nowMs: number, completed: Completed) => void;
      /** A repeat is due: what should rather be dialled elsewhere can leave the dial now. */
      readonly repeating: (nowMs: number, dial: Dial) => void;
      readonly mayBeSent: MayBeSent;
    },
  ) {
    this.#context = context;
    this.#suite = options.suite;
    this.#claims = options.claims;
    this.#indexIsUsed = options.indexIsUsed;
    this.#completed = options.completed;
    this.#repeating = options.repeating;
    this.#mayBeSent = options.mayBeSent;
    this.#halfOpen = new HalfOpenTable(context.limits.halfOpenHandshakes);
    this.#gate = new HandshakeGate(context);
    this.#agreements = new SourceGate(context.limits);
  }

  get dialCount(): number {
    return this.#dials.size;
  }

  get halfOpenCount(): number {
    return this.#halfOpen.size;
  }

  // Our side begins.

  /**
   * The attempt to reach an address, new or under way; undefined if there are too many. `wanted`:
   * the device that is said to be there; undefined if the user named the address.
   */
  dial(nowMs: number, to: Address, wanted: string | undefined): Dial | undefined {
    const key = addressKey(to);
    const ongoing = this.#dials.get(key);
    if (ongoing !== undefined) return ongoing;
    if (this.#dials.size >= this.#context.limits.sessions) return undefined;
    this.#context.counters.add("handshakesStarted");
    const dial = new Dial(nowMs, {
      to,
      localIndex: this.#freshIndex(),
      suite: this.#suite.id,
      handshake: this.#suite.initiate(this.#claims(), this.#context.random),
    });
    this.#dials.set(key, dial);
    this.#dialsByIndex.set(dial.localIndex, dial);
    this.#sendInit(nowMs, dial, [wanted]);
    return dial;
  }

  /** The attempt is under way still. */
  has(dial: Dial): boolean {
    return this.#dialsByIndex.get(dial.localIndex) === dial;
  }

  /** Ends an attempt that nobody wants any more. */
  hangUp(dial: Dial): void {
    this.#dials.delete(addressKey(dial.to));
    this.#dialsByIndex.delete(dial.localIndex);
    this.#timers.clear(dial);
  }

  hangUpAll(): void {
    for (const dial of this.#dials.values()) this.hangUp(dial);
  }

  nextWakeMs(): number {
    return this.#timers.nextMs();
  }

  wake(nowMs: number): void {
    for (let dial = this.#timers.popDue(nowMs); dial !== undefined; ) {
      this.#repeating(nowMs, dial);
      if (dial.isWanted(nowMs)) this.#sendInit(nowMs, dial, dial.wanted());
      else this.hangUp(dial);
      dial = this.#timers.popDue(nowMs);
    }
  }

  /** Or not, if the address may be somebody else's, and nothing came from there that pays for it. */
  #sendInit(nowMs: number, dial: Dial, wanted: Iterable<string | undefined>): void {
    if (dial.isAnswered || this.#isPaidFor(nowMs, dial, wanted)) {
      this.#context.outputs.unicast(dial.init, dial.to);
    }
    dial.repeated(nowMs);
    this.#timers.set(dial, dial.retryAtMs);
  }

  #isPaidFor(nowMs: number, dial: Dial, wanted: Iterable<string | undefined>): boolean {
    const { to, init } = dial;
    const devices = new Set(wanted);
    if (devices.has(undefined)) return true;
    for (const device of devices) {
      if (device !== undefined && this.#mayBeSent(nowMs, device, to, init.length)) return true;
    }
    return false;
  }

  /** False if no dial of ours is meant: a repeat, or for nobody. */
  receiveResponse(nowMs: number, bytes: Uint8Array, from: Address): boolean {
    const response = decodeHandshakeResponse(bytes);
    const dial = this.#dialsByIndex.get(response.receiverIndex);
    if (dial === undefined) return false;
    if (!this.#mayAgree(nowMs, from)) return true;
    const established = dial.handshake.finish(response.message);
    const claims = provenClaims(established);
    this.#agreements.proved(from.address);
    if (dial.ignores(nowMs, claims.device)) {
      this.#context.counters.add("handshakesRefused");
      return true;
    }
    const finish = encodeHandshakeFinish({
      receiverIndex: response.senderIndex,
      message: established.message3,
    });
    this.hangUp(dial);
    this.#completed(nowMs, {
      ...established,
      claims,
      localIndex: dial.localIndex,
      remoteIndex: response.senderIndex,
      initiator: true,
      path: dial.to,
      isStillThere: addressKey(from) === addressKey(dial.to),
      startedAtMs: dial.startedAtMs,
      ending: { response: Uint8Array.from(bytes), finish },
      dial,
    });
    return true;
  }

  /** The responder has much to do, and asks us to show that we are where we seem to be. */
  receiveCookie(bytes: Uint8Array, from: Address): void {
    const { receiverIndex, cookie } = decodeCookie(bytes);
    const dial = this.#dialsByIndex.get(receiverIndex);
    if (dial === undefined || addressKey(from) !== addressKey(dial.to)) return;
    if (dial.takeCookie(cookie)) {
      this.#context.outputs.unicast(dial.init, dial.to);
    }
  }

  // The other side begins.

  receiveInit(nowMs: number, bytes: Uint8Array, from: Address): void {
    const init = decodeHandshakeInit(bytes);
    if (init.suite !== this.#suite.id) {
      this.#context.counters.add("handshakesRefused");
      return;
    }
    const known = this.#halfOpen.byInitiator(from, init);
    if (known !== undefined) {
      this.#context.outputs.unicast(known.response, from);
      return;
    }
    const verdict = this.#gate.judge(nowMs, init, from);
    if (verdict === "answer") this.#respond(nowMs, init, from);
    else if (verdict === "askForCookie") this.#askForCookie(nowMs, init, from);
  }

  #askForCookie(nowMs: number, init: HandshakeInit, from: Address): void {
    const cookie = this.#gate.cookieFor(nowMs, init, from);
    this.#context.outputs.unicast(encodeCookie({ receiverIndex: init.senderIndex, cookie }), from);
  }

  #respond(nowMs: number, init: HandshakeInit, from: Address): void {
    const handshake = this.#suite.respond(init.message, this.#claims(), this.#context.random);
    const localIndex = this.#freshIndex();
    const response = encodeHandshakeResponse({
      senderIndex: localIndex,
      receiverIndex: init.senderIndex,
      message: handshake.message2,
    });
    const remoteIndex = init.senderIndex;
    this.#halfOpen.add(nowMs, {
      localIndex,
      remoteIndex,
      from,
      message: Uint8Array.from(init.message),
      handshake,
      response,
      startedAtMs: nowMs,
    });
    this.#context.outputs.unicast(response, from);
  }

  receiveFinish(nowMs: number, bytes: Uint8Array, from: Address): void {
    const finish = decodeHandshakeFinish(bytes);
    const halfOpen = this.#halfOpen.byLocalIndex(finish.receiverIndex);
    if (halfOpen === undefined) {
      this.#context.counters.add("datagramsUnknown"); // a repeat, perhaps: the session exists
      return;
    }
    if (!this.#mayAgree(nowMs, from)) return;
    const established = halfOpen.handshake.accept(finish.message);
    const claims = provenClaims(established);
    this.#agreements.proved(from.address);
    this.#halfOpen.remove(halfOpen);
    const isStillThere = addressKey(from) === addressKey(halfOpen.from);
    // They reached us first: what we wanted to say there goes over their session.
    const ongoing = isStillThere ? this.#dials.get(addressKey(from)) : undefined;
    const dial = ongoing?.ignores(nowMs, claims.device) === true ? undefined : ongoing;
    if (dial !== undefined) this.hangUp(dial);
    this.#completed(nowMs, {
      ...established,
      claims,
      localIndex: halfOpen.localIndex,
      remoteIndex: halfOpen.remoteIndex,
      initiator: false,
      path: halfOpen.from,
      isStillThere,
      startedAtMs: halfOpen.startedAtMs,
      dial,
    });
  }

  /**
   * A sealed datagram for a session that is only half open here: the third message was lost, and
   * our second one makes them repeat it. False if nothing is half open by that index. Anybody can
   * send that: it must be long enough for what it brings.
   */
  remind(localIndex: number, sizeBytes: number): boolean {
    const halfOpen = this.#halfOpen.byLocalIndex(localIndex);
    if (halfOpen === undefined) return false;
    const { response, from } = halfOpen;
    const isEnough = response.length <= MAX_AMPLIFICATION * sizeBytes;
    if (sizeBytes >= MIN_REMINDING_BYTES && isEnough) this.#context.outputs.unicast(response, from);
    return true;
  }

  /** Opening a message of a handshake costs key agreements: false, and counted, if too many failed. */
  #mayAgree(nowMs: number, from: Address): boolean {
    if (this.#agreements.admits(nowMs, from.address)) return true;
    this.#context.counters.add("datagramsThrottled");
    return false;
  }

  #freshIndex(): number {
    for (;;) {
      const index = randomU32(this.#context.random);
      const used =
        this.#indexIsUsed(index) ||
        this.#dialsByIndex.has(index) ||
        this.#halfOpen.byLocalIndex(index) !== undefined;
      if (!used) return index;
    }
  }
}

/** What the other side says of itself. Throws MALFORMED_DATAGRAM if the key is not its own. */
function provenClaims(established: Established): HandshakeClaims {
  const claims = decodeClaims(established.remoteClaims);
  if (!established.proves(claims.device)) throw malformed("claims another device's key");
  return claims;
}
