import { randomHex } from "../../crypto/random.js";
import { NONCE_BYTES } from "../../wire/constants.js";
import { encodeQuery } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import type { Address, Destination, Timed } from "../io.js";
import { TimerQueue } from "../timers.js";
import { bloomOf, bloomOfOthers } from "./bloom.js";

/** The same query again, for datagrams that were lost. */
const REPEAT_OFFSETS_MS = [0, 250, 600];
/** Answers that come later than this after the first transmission are not waited for. */
const LIFETIME_MS = 5_000;
/** Queries to everybody that are open at once; the oldest gives way. */
const MAX_LAN_QUERIES = 16;
/** `heldUs` is cut to microseconds and two clocks drift: this far below zero is still zero. */
const CLOCK_TOLERANCE_MS = 0.5;

/** A query of ours that may still be answered. */
export class OpenQuery {
  readonly nonce: string;
  readonly startedAtMs: number;
  readonly offsetsMs: readonly number[];
  readonly destinations: readonly Destination[];
  /** To one host alone, which answers at once. */
  readonly direct: boolean;
  /** To everybody, and nobody but this device is to answer. */
  readonly device: string | undefined;
  /** When it was transmitted; bounded by `offsetsMs`. */
  readonly sentAtMs: number[] = [];
  /** Devices that answered: one to a direct query, else bounded by `limits.peers`. */
  readonly answered = new Set<string>();

  constructor(
    nowMs: number,
    nonce: string,
    ask: Pick<OpenQuery, "offsetsMs" | "destinations" | "direct"> & { readonly device?: string },
  ) {
    this.nonce = nonce;
    this.startedAtMs = nowMs;
    this.offsetsMs = ask.offsetsMs;
    this.destinations = ask.destinations;
    this.direct = ask.direct;
    this.device = ask.device;
  }

  /** An answer of `device` would be its first, and there may be that many. */
  awaits(device: string, maxPeers: number): boolean {
    return !this.answered.has(device) && this.answered.size < (this.direct ? 1 : maxPeers);
  }

  /** Whom a direct query asks. */
  get host(): Address | undefined {
    const [destination] = this.destinations;
    return this.direct && destination?.kind === "unicast" ? destination.to : undefined;
  }

  /**
   * The round trip of an answer that arrives at `nowMs` and was held for `heldUs`. All
   * transmissions look alike, so it is measured from the latest one that makes sense; undefined
   * if none does.
   */
  roundTripMs(nowMs: number, heldUs: number): number | undefined {
    const answeredMs = nowMs - heldUs / 1000;
    const sentMs = this.sentAtMs.findLast((atMs) => answeredMs - atMs >= -CLOCK_TOLERANCE_MS);
    return sentMs === undefined ? undefined : Math.max(0, answeredMs - sentMs);
  }
}

/** Our own queries: to everybody, and to single addresses. */
export class Querying implements Timed {
  readonly #context: CoreContext;
  readonly #configuredPeers: () => readonly Address[];
  readonly #peersLive: () => number;
  /** By nonce. */
  readonly #toLan = new BoundedMap<string, OpenQuery>(MAX_LAN_QUERIES);
  /** To one host, or for one device. By nonce; as many as `limits.peers`. */
  readonly #toOne: BoundedMap<string, OpenQuery>;
  /** By nonce, of both maps: the next repetition, or the end. */
  readonly #timers = new TimerQueue<string>();

  constructor(
    context: CoreContext,
    options: {
      readonly configuredPeers: () => readonly Address[];
      /** Peers that are not offline: so many answers are to be spread. */
      readonly peersLive: () => number;
    },
  ) {
    this.#context = context;
    this.#toOne = new BoundedMap(context.limits.peers);
    this.#configuredPeers = options.configuredPeers;
    this.#peersLive = options.peersLive;
  }

  /** Asks everybody; returns the nonce. */
  askLan(nowMs: number): string {
    const configured = this.#configuredPeers().map((to): Destination => ({ kind: "unicast", to }));
    const ask = {
      offsetsMs: REPEAT_OFFSETS_MS,
      destinations: [{ kind: "lan" } as const, ...configured],
      direct: false,
    };
    return this.#open(nowMs, ask, this.#toLan);
  }

  /** Asks whoever is at `to`, at each of the offsets from now. */
  askHost(nowMs: number, to: Address, offsetsMs: readonly number[]): void {
    const ask = { offsetsMs, destinations: [{ kind: "unicast", to } as const], direct: true };
    this.#open(nowMs, ask, this.#toOne);
  }

  /** Asks everybody for a device: once, and whoever waits for it asks again. */
  askFor(nowMs: number, device: string): void {
    const ask = { offsetsMs: [0], destinations: [{ kind: "lan" } as const], direct: false, device };
    this.#open(nowMs, ask, this.#toOne);
  }

  #open(
    nowMs: number,
    ask: ConstructorParameters<typeof OpenQuery>[2],
    among: BoundedMap<string, OpenQuery>,
  ): string {
    const query = new OpenQuery(nowMs, randomHex(this.#context.random, NONCE_BYTES), ask);
    const oldest = among.set(query.nonce, query);
    if (oldest !== undefined) this.#timers.clear(oldest);
    this.#advance(nowMs, query);
    return query.nonce;
  }

  /** The open query that `nonce` belongs to. */
  find(nonce: string): OpenQuery | undefined {
    return this.#toLan.get(nonce) ?? this.#toOne.get(nonce);
  }

  #close(nonce: string): void {
    this.#toLan.delete(nonce);
    this.#toOne.delete(nonce);
    this.#timers.clear(nonce);
  }

  nextWakeMs(): number {
    return this.#timers.nextMs();
  }

  wake(nowMs: number): void {
    for (;;) {
      const nonce = this.#timers.popDue(nowMs);
      if (nonce === undefined) return;
      const query = this.find(nonce);
      const isOver = query === undefined || nowMs >= query.startedAtMs + LIFETIME_MS;
      if (isOver) this.#close(nonce);
      else this.#advance(nowMs, query);
    }
  }

  #advance(nowMs: number, query: OpenQuery): void {
    this.#transmit(query);
    query.sentAtMs.push(nowMs);
    const nextOffsetMs = query.offsetsMs[query.sentAtMs.length] ?? LIFETIME_MS;
    this.#timers.set(query.nonce, query.startedAtMs + nextOffsetMs);
  }

  #transmit(query: OpenQuery): void {
    const bytes = encodeQuery({
      nonce: query.nonce,
      incarnation: this.#context.incarnation,
      dataPort: this.#context.dataPort,
      direct: query.direct,
      peersKnown: this.#peersLive(),
      known: whoNeedNotAnswer(query),
    });
    for (const destination of query.destinations) {
      this.#context.outputs.transmit(bytes, destination);
    }
    this.#context.counters.add("queriesSent");
  }
}

function whoNeedNotAnswer({ nonce, direct, device, answered }: OpenQuery): Uint8Array {
  if (direct) return new Uint8Array(0);
  return device === undefined ? bloomOf(nonce, answered) : bloomOfOthers(nonce, device);
}
