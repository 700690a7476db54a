import { randomHex } from "../../crypto/random.js";
import { UdpchatError } from "../../errors.js";
import {
  decodeExamination,
  decodeProbe,
  EXAMINATION_KEY_BYTES,
  type Examination,
  ExaminationPurpose,
  encodeExamination,
  type HeardWay,
} from "../../wire/examination.js";
import type { CoreContext } from "../context.js";
import type {
  ExaminationOutcome,
  PeerRef,
  ReceivedDatagram,
  SendTarget,
  Timed,
  Token,
} from "../io.js";
import { TimerQueue } from "../timers.js";
import { KeyedTokenBuckets, TokenBucket } from "../tokenBucket.js";
import { PROBE_WAYS } from "./probeWays.js";
import { HEADSTART_MS, PROBE_ROUNDS, PROBING_MS, Probing } from "./probing.js";

/** Examinations that run at once, on either side. */
const MAX_ASKING = 16;
const MAX_ANSWERING = 8;
/** Answered per device, and in all: one costs everybody 12 small broadcasts and multicasts. */
const ANSWERED_PER_DEVICE = { ratePerSecond: 1, burst: 3, maxKeys: 1024 };
const ANSWERED_PER_SECOND = 2;
const ANSWERED_BURST = 8;
/** The driver has this long to join the groups; the peer waits longer. */
const READY_WITHIN_MS = 1_000;
/** After the probes the report has this long: it is repeated if it is lost. */
const REPORT_WITHIN_MS = 2_000;

/** What an examination needs of the core. */
export interface ExaminationsOptions {
  /** Where everybody hears broadcast and multicast. */
  readonly discoveryPort: number;
  /** Sends a note over a session; `token` as in commands. */
  readonly sendNote: (
    nowMs: number,
    note: {
      readonly kind: "examination";
      readonly token: Token;
      readonly target: SendTarget;
      readonly body: Uint8Array;
    },
  ) => void;
}

/** One that we asked for. */
interface Asking {
  readonly role: "asking";
  readonly key: string;
  readonly token: Token;
  peer: PeerRef | undefined;
  clock: ExaminationOutcome["clock"];
  /** Undefined until the peer is ready. */
  probing: Probing | undefined;
  endsAtMs: number;
}

/** One that a peer asked for. */
interface Answering {
  readonly role: "answering";
  readonly key: string;
  readonly peer: PeerRef;
  /** Undefined until the driver has joined the groups. */
  probing: Probing | undefined;
  endsAtMs: number;
}

/**
 * Finds out with a peer which datagrams pass between us: PROTOCOL.md section 5.7.
 *
 * ```text
 *   asking:     ask ->            -> ready: probes, 1 s -> report      : `examined`
 *   answering:  ask: `examinationAsked` -> driver: ready, probes, 1 s -> report
 * ```
 */
export class Examinations implements Timed {
  readonly #context: CoreContext;
  readonly #options: ExaminationsOptions;
  /** By key. Bounded by `MAX_ASKING` and `MAX_ANSWERING`. */
  readonly #running = new Map<string, Asking | Answering>();
  readonly #timers = new TimerQueue<Asking | Answering>();
  readonly #perDevice = new KeyedTokenBuckets(ANSWERED_PER_DEVICE);
  readonly #inAll = new TokenBucket(ANSWERED_PER_SECOND, ANSWERED_BURST);

  constructor(context: CoreContext, options: ExaminationsOptions) {
    this.#context = context;
    this.#options = options;
  }

  // Asking.

  /**
   * Asks a peer. `token` ends as that of a message does; if the peer has it, in an `examined` event
   * as well. Throws LIMIT_REACHED.
   */
  ask(nowMs: number, target: SendTarget, token: Token): void {
    if (this.#count("asking") >= MAX_ASKING) {
      throw new UdpchatError("LIMIT_REACHED", `${MAX_ASKING} examinations are running`, {
        remedy: "wait until they are over",
      });
    }
    const key = randomHex(this.#context.random, EXAMINATION_KEY_BYTES);
    this.#running.set(key, {
      role: "asking",
      key,
      token,
      peer: undefined,
      clock: undefined,
      probing: undefined,
      endsAtMs: Number.POSITIVE_INFINITY,
    });
    const body = encodeExamination({ purpose: ExaminationPurpose.ask, key });
    this.#options.sendNote(nowMs, { kind: "examination", token, target, body });
  }

  /** The peer has the question: if it is not ready `withinMs` from now, it never will be. */
  expectReady(nowMs: number, token: Token, withinMs: number): void {
    const asking = this.#asked(token);
    if (asking !== undefined && asking.probing === undefined) {
      this.#endAt(asking, nowMs + withinMs);
    }
  }

  /** Nobody waits for it any more. */
  cancel(token: Token): void {
    const asking = this.#asked(token);
    if (asking !== undefined) this.#forget(asking);
  }

  #asked(token: Token): Asking | undefined {
    for (const run of this.#running.values()) {
      if (run.role === "asking" && run.token === token) return run;
    }
    return undefined;
  }

  #tell(asking: Asking, result: ExaminationOutcome["result"], report?: readonly HeardWay[]): void {
    this.#forget(asking);
    const { token, peer, clock, probing } = asking;
    const heardHere = new Map(probing?.heard().map(({ way, count }) => [way, count]));
    const heardThere = new Map(report?.map(({ way, count }) => [way, count]));
    const ways = PROBE_WAYS.map(({ name: way, code }) => ({
      way,
      sent: PROBE_ROUNDS,
      heardThere:
        report === undefined ? undefined : Math.min(heardThere.get(code) ?? 0, PROBE_ROUNDS),
      heardHere: heardHere.get(code) ?? 0,
    }));
    const outcome = { result, peer, clock, ways: result === "examined" ? ways : [] };
    this.#context.outputs.event({ kind: "examined", token, outcome });
  }

  // Answering.

  /** The groups of an `examinationAsked` event are joined; `wallMs`: milliseconds since 1970. */
  ready(nowMs: number, key: string, wallMs: number): void {
    const run = this.#running.get(key);
    if (run?.role !== "answering" || run.probing !== undefined) return;
    const { peer } = run;
    this.#note(nowMs, peer, {
      purpose: ExaminationPurpose.ready,
      key,
      busy: false,
      clockMs: wallMs,
    });
    this.#probe(nowMs, run, peer);
  }

  #arrivedAsk(nowMs: number, from: PeerRef, key: string): void {
    // Somebody else's key may not be taken over; nor is a question repeated by its lane.
    if (this.#running.has(key)) return;
    const { counters, outputs } = this.#context;
    const mayRun =
      this.#count("answering") < MAX_ANSWERING &&
      this.#perDevice.take(nowMs, from.id) &&
      this.#inAll.take(nowMs);
    if (!mayRun) {
      counters.add("examinationsRefused");
      const refusal = { purpose: ExaminationPurpose.ready, key, busy: true, clockMs: 0 } as const;
      this.#note(nowMs, from, refusal);
      return;
    }
    counters.add("examinationsAnswered");
    const endsAtMs = nowMs + READY_WITHIN_MS;
    const run: Answering = { role: "answering", key, peer: from, probing: undefined, endsAtMs };
    this.#running.set(key, run);
    this.#endAt(run, endsAtMs);
    outputs.event({ kind: "examinationAsked", key, from });
  }

  // Both.

  /** The body of an examination record. Throws MALFORMED_DATAGRAM. */
  receiveNote(nowMs: number, from: PeerRef, body: Uint8Array): void {
    const note = decodeExamination(body);
    if (note.purpose === ExaminationPurpose.ask) {
      this.#arrivedAsk(nowMs, from, note.key);
      return;
    }
    const run = this.#running.get(note.key);
    if (run?.role !== "asking") return;
    // Only who was asked knows the key, and who told it to others speaks for himself.
    if (note.purpose === ExaminationPurpose.ready) {
      if (run.probing !== undefined) return;
      run.peer = from;
      if (note.busy) {
        this.#tell(run, "busy");
        return;
      }
      run.clock = { peerMs: note.clockMs, readAtMs: nowMs };
      this.#probe(nowMs, run, from);
    } else if (run.peer?.id === from.id && run.probing !== undefined) {
      this.#tell(run, "examined", note.heard);
    }
  }

  /** A PROBE. Throws MALFORMED_DATAGRAM. */
  receiveProbe(datagram: ReceivedDatagram): void {
    const { token } = decodeProbe(datagram.bytes);
    for (const { probing } of this.#running.values()) {
      if (probing?.receive(token, datagram) === true) return;
    }
    // Our own come back as well, and those of others are for others.
    this.#context.counters.add("probesNotForUs");
  }

  /** The user has nothing to do with this device any more. */
  blocked(device: string): void {
    for (const run of this.#running.values()) {
      if (run.peer?.id !== device) continue;
      if (run.role === "asking") this.#tell(run, "unknown");
      else this.#forget(run);
    }
  }

  /** We leave the network. */
  close(): void {
    for (const run of this.#running.values()) this.#forget(run);
  }

  nextWakeMs(): number {
    return this.#timers.nextMs();
  }

  wake(nowMs: number): void {
    for (
      let run = this.#timers.popDue(nowMs);
      run !== undefined;
      run = this.#timers.popDue(nowMs)
    ) {
      run.probing?.send(nowMs);
      if (nowMs >= run.endsAtMs) this.#end(nowMs, run);
      else this.#setTimer(run);
    }
  }

  #end(nowMs: number, run: Asking | Answering): void {
    const { probing } = run;
    if (run.role === "asking") {
      this.#tell(run, probing === undefined ? "unknown" : "examined");
      return;
    }
    this.#forget(run);
    if (probing === undefined) return;
    const { key, peer } = run;
    this.#note(nowMs, peer, { purpose: ExaminationPurpose.report, key, heard: probing.heard() });
  }

  #probe(nowMs: number, run: Asking | Answering, peer: PeerRef): void {
    const { discoveryPort } = this.#options;
    const { identity, outputs } = this.#context;
    const self = identity.device;
    const isAsking = run.role === "asking";
    const firstRoundMs = isAsking ? nowMs : nowMs + HEADSTART_MS;
    run.probing = new Probing(firstRoundMs, { key: run.key, self, peer, discoveryPort, outputs });
    run.probing.send(nowMs);
    this.#endAt(run, nowMs + PROBING_MS + (isAsking ? REPORT_WITHIN_MS : 0));
  }

  #note(nowMs: number, { id, address, port }: PeerRef, examination: Examination): void {
    this.#options.sendNote(nowMs, {
      kind: "examination",
      token: this.#context.outputs.ownToken(),
      target: { kind: "device", id, lastKnown: { address, port } },
      body: encodeExamination(examination),
    });
  }

  #count(role: "asking" | "answering"): number {
    let count = 0;
    for (const run of this.#running.values()) if (run.role === role) count += 1;
    return count;
  }

  #endAt(run: Asking | Answering, atMs: number): void {
    run.endsAtMs = atMs;
    this.#setTimer(run);
  }

  #setTimer(run: Asking | Answering): void {
    this.#timers.set(run, Math.min(run.endsAtMs, run.probing?.nextRoundMs ?? run.endsAtMs));
  }

  #forget(run: Asking | Answering): void {
    this.#running.delete(run.key);
    this.#timers.clear(run);
  }
}
