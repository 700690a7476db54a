import type { Address } from "../../../src/core/io.js";
import type { InitiatorHandshake, PacketProtector } from "../../../src/crypto/handshake.js";
import { randomU32 } from "../../../src/crypto/random.js";
import {
  MAX_DATAGRAM_BYTES,
  MIN_SEALED_BYTES,
  SEALED_HEADER_BYTES,
} from "../../../src/wire/constants.js";
import { Writer } from "../../../src/wire/cursor.js";
import { type Frame, readFrames, writeFrame } from "../../../src/wire/frames.js";
import {
  decodeCookie,
  decodeHandshakeFinish,
  decodeHandshakeInit,
  decodeHandshakeResponse,
  decodeSealedHeader,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeSealedHeader,
} from "../../../src/wire/session.js";
import type { Attacker } from "../attacker.js";

const MOST_SESSIONS = 24;

/** A session with a host, of which only the wire is honest. */
export class LiarSession {
  readonly to: Address;
  /** That he chose. */
  readonly localIndex: number;
  readonly #protector: PacketProtector;
  readonly #receiverIndex: number;
  #counter = 0;
  /** Of records in each lane: the next one. */
  readonly #next = [1, 1, 1, 1];

  constructor(
    to: Address,
    protector: PacketProtector,
    indexes: { readonly local: number; readonly remote: number },
  ) {
    this.to = to;
    this.#protector = protector;
    this.localIndex = indexes.local;
    this.#receiverIndex = indexes.remote;
  }

  /** What a packet of the other side says. */
  opened(packet: Uint8Array): Frame[] {
    const { counter } = decodeSealedHeader(packet);
    const header = packet.subarray(0, SEALED_HEADER_BYTES);
    const sealed = packet.subarray(SEALED_HEADER_BYTES);
    return readFrames(this.#protector.open(counter, header, sealed) ?? new Uint8Array(0));
  }

  nextIn(lane: number): number {
    const sequence = this.#next[lane] ?? 1;
    this.#next[lane] = sequence + 1;
    return sequence;
  }

  /** One packet. */
  packet(frames: readonly Frame[]): Uint8Array {
    const writer = new Writer(MAX_DATAGRAM_BYTES - MIN_SEALED_BYTES);
    for (const frame of frames) writeFrame(writer, frame);
    return this.packetOf(writer.finish());
  }

  packetOf(payload: Uint8Array): Uint8Array {
    const counter = this.#counter;
    this.#counter += 1;
    const header = encodeSealedHeader({ receiverIndex: this.#receiverIndex, counter });
    return this.#protector.seal(counter, header, payload);
  }
}

interface Dialling {
  readonly handshake: InitiatorHandshake;
  readonly to: Address;
}

interface Answering {
  readonly accept: (message3: Uint8Array) => { readonly protector: PacketProtector };
  readonly to: Address;
  /** Of the caller. */
  readonly remoteIndex: number;
}

/** Handshakes with hosts, as either side. */
export class LiarSessions {
  /** The latest ones. */
  readonly all: LiarSession[] = [];
  readonly #attacker: Attacker;
  readonly #claims: () => Uint8Array;
  /** By our index. Bounded by how long he lies. */
  readonly #dialling = new Map<number, Dialling>();
  readonly #answering = new Map<number, Answering>();

  constructor(attacker: Attacker, claims: () => Uint8Array) {
    this.#attacker = attacker;
    this.#claims = claims;
  }

  dial(to: Address): void {
    const { chance, crypto } = this.#attacker;
    const senderIndex = randomU32(chance);
    this.#dialling.set(senderIndex, {
      handshake: crypto.suite.initiate(this.#claims(), chance),
      to,
    });
    this.#init(senderIndex, new Uint8Array(0));
  }

  #init(senderIndex: number, cookie: Uint8Array): void {
    const dialling = this.#dialling.get(senderIndex);
    if (dialling === undefined) return;
    const { message1: message } = dialling.handshake;
    const { id: suite } = this.#attacker.crypto.suite;
    this.#send(encodeHandshakeInit({ senderIndex, suite, cookie, message }), dialling.to);
  }

  /** A host calls him. */
  called(bytes: Uint8Array, to: Address): void {
    const { chance, crypto } = this.#attacker;
    const init = decodeHandshakeInit(bytes);
    const answer = crypto.suite.respond(init.message, this.#claims(), chance);
    const senderIndex = randomU32(chance);
    this.#answering.set(senderIndex, {
      accept: (message3) => answer.accept(message3),
      to,
      remoteIndex: init.senderIndex,
    });
    this.#send(
      encodeHandshakeResponse({
        senderIndex,
        receiverIndex: init.senderIndex,
        message: answer.message2,
      }),
      to,
    );
  }

  asked(bytes: Uint8Array): void {
    const { receiverIndex, cookie } = decodeCookie(bytes);
    this.#init(receiverIndex, cookie);
  }

  answered(bytes: Uint8Array): void {
    const { senderIndex, receiverIndex, message } = decodeHandshakeResponse(bytes);
    const dialling = this.#dialling.get(receiverIndex);
    if (dialling === undefined) return;
    this.#dialling.delete(receiverIndex);
    const { message3, protector } = dialling.handshake.finish(message);
    this.#send(
      encodeHandshakeFinish({ receiverIndex: senderIndex, message: message3 }),
      dialling.to,
    );
    const indexes = { local: receiverIndex, remote: senderIndex };
    this.#open(new LiarSession(dialling.to, protector, indexes));
  }

  finished(bytes: Uint8Array): void {
    const { receiverIndex, message } = decodeHandshakeFinish(bytes);
    const answering = this.#answering.get(receiverIndex);
    if (answering === undefined) return;
    this.#answering.delete(receiverIndex);
    const { protector } = answering.accept(message);
    const indexes = { local: receiverIndex, remote: answering.remoteIndex };
    this.#open(new LiarSession(answering.to, protector, indexes));
  }

  /** A packet of a session of his, and what it says. */
  opened(bytes: Uint8Array): { session: LiarSession; frames: Frame[] } | undefined {
    const { receiverIndex } = decodeSealedHeader(bytes);
    const session = this.all.find(({ localIndex }) => localIndex === receiverIndex);
    return session === undefined ? undefined : { session, frames: session.opened(bytes) };
  }

  #open(session: LiarSession): void {
    this.all.push(session);
    if (this.all.length > MOST_SESSIONS) this.all.shift();
  }

  #send(bytes: Uint8Array, to: Address): void {
    this.#attacker.send(bytes, { kind: "unicast", to });
  }
}
