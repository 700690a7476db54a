import type { Address } from "../../src/core/io.js";
import type { Identity } from "../../src/crypto/identity.js";
import { DatagramType, SEAL_TAG_BYTES, SEALED_HEADER_BYTES } from "../../src/wire/constants.js";
import { FrameType, readFrames } from "../../src/wire/frames.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  GroupSyncPurpose,
  type SyncStream,
} from "../../src/wire/groupSync.js";
import { datagramType, withSignature } from "../../src/wire/header.js";
import { decodeQuery, encodeAnswer } from "../../src/wire/presence.js";
import { decodeRecord, RecordKind } from "../../src/wire/record.js";
import {
  decodeHandshakeFinish,
  decodeHandshakeInit,
  decodeHandshakeResponse,
  decodeSealedHeader,
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
} from "../../src/wire/session.js";
import { TEST_GROUP } from "../support/groupBus.js";
import { sealed } from "../support/rawPeer.js";
import { simIdentity } from "../support/simIdentity.js";

/** What is remembered of each kind. */
const MOST_REMEMBERED = 16;
const NOTHING = new Uint8Array(0);

/** A session as the attacker keeps it. */
export interface FuzzSession {
  readonly localIndex: number;
  /** Zero until the victim told it. */
  remoteIndex: number;
  /** Of the next packet. */
  counter: number;
  /** Of the highest packet that came from the victim; -1 for none. */
  highest: number;
}

/** What a peer of the fuzzer needs of it. */
export interface PeerOptions {
  readonly name: string;
  readonly address: Address;
  readonly incarnation: string;
  readonly startedAtMs: number;
  /** It answers queries and takes handshakes: for the victim it is somebody who is running. */
  readonly honestAbroad: boolean;
  /** Sends a datagram to the data port of the victim, a moment later. */
  readonly send: (bytes: Uint8Array) => void;
}

/**
 * A device that the attacker has the key of. It does what is needed to be known and to have a
 * session (suite 0), and remembers what it is told; everything else it says is drawn.
 */
export class FuzzPeer {
  readonly identity: Identity;
  readonly address: Address;
  readonly startedAtMs: number;
  incarnation: string;
  /** Newest last; at most `MOST_REMEMBERED`. */
  readonly sessions: FuzzSession[] = [];
  /** Nonces of queries that it was asked. */
  readonly nonces: string[] = [];
  /** Lane sequences of requests that the victim sent it. */
  readonly requests: number[] = [];
  /** Of what the victim asked it in SYNC records, open or sealed: what an answer carries back. */
  readonly syncs: number[] = [];
  /** What the victim wants of the open group: of its last fetch. */
  fetched: readonly SyncStream[] = [];
  /** Message ids of what the victim sent it. */
  readonly messageIds: string[] = [];
  /** Of the last record that it sent, by lane. */
  readonly laneSequences = [0, 0, 0, 0];
  /** Of beacons, heartbeats and NACKs, and of data, of this incarnation. */
  sequence = 0;
  readonly dataSequences = new Map<string, number>();
  readonly #options: PeerOptions;
  #nextIndex = 1;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.identity = simIdentity(options.name);
    this.address = options.address;
    this.startedAtMs = options.startedAtMs;
    this.incarnation = options.incarnation;
  }

  get device(): string {
    return this.identity.device;
  }

  get session(): FuzzSession | undefined {
    return this.sessions.at(-1);
  }

  signed(unsigned: Uint8Array): Uint8Array {
    return withSignature(unsigned, this.identity.sign(unsigned));
  }

  claims(): Uint8Array {
    return encodeClaims({
      device: this.device,
      incarnation: this.incarnation,
      dataPort: this.address.port,
      creditDatagrams: 256,
      announces: true,
      name: this.#options.name,
    });
  }

  /** A new session, begun by it; there is one when the victim has answered. */
  connect(): void {
    const { localIndex: senderIndex } = this.#newSession();
    const init = { senderIndex, suite: 0, cookie: NOTHING, message: NOTHING };
    this.#options.send(encodeHandshakeInit(init));
  }

  /** A packet of its newest session, or of an older one; undefined without any. */
  packet(payload: Uint8Array, back: { readonly sessions: number; readonly counters: number }) {
    const session = this.sessions.at(-1 - back.sessions) ?? this.session;
    if (session === undefined) return undefined;
    const counter = Math.max(0, session.counter - back.counters);
    session.counter = Math.max(session.counter, counter + 1);
    return sealed(session.remoteIndex, counter, payload);
  }

  /** It starts anew: another incarnation, and nothing of the one before. */
  restart(incarnation: string): void {
    this.incarnation = incarnation;
    this.sequence = 0;
    this.dataSequences.clear();
    this.laneSequences.fill(0);
  }

  /** What the victim sent to its address. */
  take(bytes: Uint8Array): void {
    if (!this.#options.honestAbroad) return;
    switch (datagramType(bytes)) {
      case DatagramType.query:
        this.#answer(decodeQuery(bytes).nonce);
        break;
      case DatagramType.handshakeInit:
        this.#respond(decodeHandshakeInit(bytes).senderIndex);
        break;
      case DatagramType.handshakeResponse:
        this.#finish(bytes);
        break;
      case DatagramType.handshakeFinish:
        decodeHandshakeFinish(bytes);
        break;
      case DatagramType.sealed:
        this.#open(bytes);
        break;
      default:
        break;
    }
  }

  #answer(nonce: string): void {
    remember(this.nonces, nonce);
    this.sequence += 1;
    const beacon = {
      device: this.device,
      incarnation: this.incarnation,
      sequence: this.sequence,
      startedAtMs: this.startedAtMs,
      intervalMs: 60_000,
      dataPort: this.address.port,
      groups: [],
      name: this.#options.name,
    };
    const answer = encodeAnswer({ nonce, heldUs: 0, announces: true, beacon });
    this.#options.send(this.signed(answer));
  }

  #respond(receiverIndex: number): void {
    const session = this.#newSession();
    session.remoteIndex = receiverIndex;
    const message = this.claims();
    const response = { senderIndex: session.localIndex, receiverIndex, message };
    this.#options.send(encodeHandshakeResponse(response));
  }

  #finish(bytes: Uint8Array): void {
    const { senderIndex, receiverIndex } = decodeHandshakeResponse(bytes);
    const session = this.sessions.find(({ localIndex }) => localIndex === receiverIndex);
    if (session === undefined) return;
    session.remoteIndex = senderIndex;
    const message = this.claims();
    this.#options.send(encodeHandshakeFinish({ receiverIndex: senderIndex, message }));
  }

  #open(bytes: Uint8Array): void {
    const { receiverIndex, counter } = decodeSealedHeader(bytes);
    const session = this.sessions.find(({ localIndex }) => localIndex === receiverIndex);
    if (session !== undefined) session.highest = Math.max(session.highest, counter);
    // What the victim says must be readable: whatever is thrown here is a failure.
    for (const frame of readFrames(bytes.subarray(SEALED_HEADER_BYTES, -SEAL_TAG_BYTES))) {
      if (frame.type !== FrameType.message) continue;
      const { kind, incarnation, messageSequence, body } = decodeRecord(frame.record);
      if (kind === RecordKind.request) remember(this.requests, frame.sequence);
      if (kind === RecordKind.groupSync) this.#takeSync(body);
      if (kind === RecordKind.text) {
        remember(this.messageIds, incarnation + messageSequence.toString(16).padStart(16, "0"));
      }
    }
  }

  #takeSync(body: Uint8Array): void {
    const { groupId, rest } = decodeSyncGroup(body);
    // What is sealed is not read: the numbers of the open group do for it too.
    if (groupId !== TEST_GROUP.groupId) return;
    const sync = decodeGroupSync(rest);
    remember(this.syncs, sync.request);
    if (sync.purpose === GroupSyncPurpose.fetch) this.fetched = sync.streams;
  }

  #newSession(): FuzzSession {
    const localIndex = this.#nextIndex;
    this.#nextIndex += 1;
    const session = { localIndex, remoteIndex: 0, counter: 0, highest: -1 };
    remember(this.sessions, session);
    return session;
  }
}

/** At the end; the oldest go. */
function remember<Thing>(things: Thing[], thing: Thing): void {
  things.push(thing);
  if (things.length > MOST_REMEMBERED) things.shift();
}
