import type { Address, PeerRef as CorePeerRef, PeerView, SendTarget } from "../core/io.js";
import { addressKey } from "../core/io.js";
import {
  type MessageStore,
  recipientKey,
  type StoredMessage,
  type StoredParty,
} from "../store/messageStore.js";
import type { Clock } from "./clock.js";
import { type Dispatch, DispatchWaiters } from "./dispatchWaiters.js";
import type { EventStream } from "./eventStream.js";
import type { Outgoing } from "./outgoing.js";
import type { TrustReader } from "./peerShapes.js";
import { giveUpQueued } from "./queuedNames.js";
import { partyRef } from "./storedShapes.js";
import { type Delivered, type Progress, UndeliveredError } from "./types.js";

/** What an outbox builds on. */
export interface OutboxParts {
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly outgoing: Outgoing;
  readonly trust: TrustReader;
  /** Our device key. */
  readonly self: string;
  /**
   * Messages go by themselves when their recipients are seen, and expire, as those do that were on
   * their way when their process was killed. Otherwise each is tried once, when it is queued: for
   * programs that end soon.
   */
  readonly dispatches: boolean;
}

/** Messages for one recipient that are on their way at a time. */
const WINDOW_MESSAGES = 16;
/** Longer than the core tries (30 s): it says when an attempt has failed. */
const ATTEMPT_MS = 60_000;
/** After an attempt that failed; doubles up to the longest. */
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;
/** How often it is looked what may be tried again, also of what other processes of this home queued. */
const TICK_MS = 30_000;
/** After something expired, it may be a moment until the store says so no more. */
const SHORTEST_TICK_MS = 250;

/** What is queued for one device, or for whoever answers at an address. */
interface Lane {
  /** Device key, or `a.b.c.d:port`. */
  readonly key: string;
  /** By message id; at most `WINDOW_MESSAGES`, and those that were queued just now. */
  readonly onTheirWay: Map<string, AbortController>;
  failures: number;
  failedAtMs: number;
  /** No attempt before. */
  retryAtMs: number;
  cancelRetry: () => void;
}

/**
 * Takes queued messages to their recipients: the oldest first, whenever there is reason to think
 * that somebody is there. In the store a message stays queued until its acknowledgement is stored:
 * whatever happens in between, it goes again under its own id, and the other side shows it once.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  /** By key; bounded by the recipients that something is queued for. */
  readonly #lanes = new Map<string, Lane>();
  /** Devices in the roster that are not offline; bounded by `limits.peers` of the core. */
  readonly #online = new Set<string>();
  readonly #waiters = new DispatchWaiters();
  #cancelTick: () => void = () => undefined;
  #closed = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** What was queued before this start goes, or is given up. */
  start(): void {
    if (this.#parts.dispatches) this.#tick();
  }

  /**
   * A message of the store that is queued goes now, behind what was queued before it. Until `leave`
   * what becomes of it is told here, and to nobody else.
   */
  dispatch(message: StoredMessage): Dispatch {
    if (this.#closed) return { ended: Promise.resolve(undefined), leave: () => undefined };
    const dispatch = this.#waiters.add(message.id, () => this.#left(message));
    this.#begin(message);
    return dispatch;
  }

  /** A program that ends soon tries for no longer than its user waits. */
  #left(message: StoredMessage): void {
    if (this.#parts.dispatches) return;
    this.#lanes.get(keyOf(message))?.onTheirWay.get(message.id)?.abort();
  }

  #begin(message: StoredMessage): void {
    const lane = this.#lane(keyOf(message));
    if (!this.#parts.dispatches) {
      if (!lane.onTheirWay.has(message.id)) this.#attempt(lane, message, message.to);
      return;
    }
    lane.retryAtMs = 0;
    this.#go(lane);
    this.#armTick();
  }

  /**
   * The user gives a message up: see `giveUpQueued`.
   * @throws UdpchatError NO_SUCH_MESSAGE
   */
  drop(named: string): StoredMessage {
    const message = giveUpQueued(this.#parts.store, named);
    this.#givenUp(message, "it was dropped from the outbox");
    return message;
  }

  /** The roster changed. */
  rosterChanged(change: "online" | "suspect" | "offline" | "updated", peer: PeerView): void {
    if (change === "offline") {
      this.#online.delete(peer.id);
      this.#takeBack(peer.id);
      return;
    }
    if (change === "suspect") return;
    const isNew = !this.#online.has(peer.id);
    this.#online.add(peer.id);
    if (isNew) this.#goAfresh(peer.id);
    // Also when it was elsewhere before.
    for (const address of peer.addresses) this.#goAfresh(addressKey(address));
  }

  /** It wrote to us, whether it has a place in the roster or not. */
  heardFrom({ id }: Pick<CorePeerRef, "id">): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined || lane.onTheirWay.size > 0) return;
    // However often it failed before: it is there now.
    lane.retryAtMs = Math.min(lane.retryAtMs, lane.failedAtMs + FIRST_PAUSE_MS);
    this.#go(lane);
  }

  /** Everything stays queued; those who wait are told so. */
  close(): void {
    this.#closed = true;
    this.#cancelTick();
    for (const lane of this.#lanes.values()) lane.cancelRetry();
    this.#waiters.close();
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = {
      key,
      onTheirWay: new Map(),
      failures: 0,
      failedAtMs: 0,
      retryAtMs: 0,
      cancelRetry: () => undefined,
    };
    this.#lanes.set(key, lane);
    return lane;
  }

  #goAfresh(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.failures = 0;
    lane.retryAtMs = 0;
    this.#go(lane);
  }

  #go(lane: Lane): void {
    const { store, clock, dispatches } = this.#parts;
    if (this.#closed || !dispatches || clock.nowMs() < lane.retryAtMs) return;
    lane.cancelRetry();
    const queued = store.outbox(lane.key, WINDOW_MESSAGES);
    // All to the same place, or they would overtake one another.
    const place = queued.findLast(({ to }) => to !== undefined && to.address !== "")?.to;
    for (const message of queued) {
      if (!lane.onTheirWay.has(message.id)) this.#attempt(lane, message, place ?? message.to);
    }
    if (queued.length === 0 && lane.onTheirWay.size === 0) this.#lanes.delete(lane.key);
  }

  #attempt(lane: Lane, message: StoredMessage, place: StoredParty | undefined): void {
    const abort = new AbortController();
    lane.onTheirWay.set(message.id, abort);
    void this.#carry(lane, message, place, abort.signal);
  }

  async #carry(
    lane: Lane,
    message: StoredMessage,
    place: StoredParty | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { id, text, sentAtMs, to, outbox } = message;
    const requireVerified = outbox?.requireVerified ?? false;
    let delivered: Delivered;
    try {
      delivered = await this.#parts.outgoing.sendText({
        label: to === undefined || to.name === "" ? lane.key : to.name,
        text,
        find: async () => targetOf(place),
        keep: () => ({ id, sentAtMs }),
        options: { timeoutMs: ATTEMPT_MS, signal, requireVerified },
      });
    } catch {
      lane.onTheirWay.delete(id);
      this.#failed(lane, id, signal.aborted);
      return;
    }
    lane.onTheirWay.delete(id);
    lane.failures = 0;
    this.#delivered(delivered);
    this.#go(lane);
  }

  #delivered({ id, to, rttMs, attempts }: Delivered): void {
    const delivered = { id, status: "delivered", to, rttMs, attempts } as const;
    if (this.#waiters.resolve(id, delivered)) return;
    // One that arrived under an earlier start may have been read, and told so, by now.
    const { store, self } = this.#parts;
    if (store.find(self, id)?.state !== "read") this.#tell(delivered);
  }

  #failed(lane: Lane, id: string, takenBack: boolean): void {
    this.#waiters.resolve(id, undefined);
    if (this.#closed || !this.#parts.dispatches) return;
    const { clock } = this.#parts;
    if (takenBack) {
      // It may be back already.
      if (this.#online.has(lane.key)) this.#go(lane);
      return;
    }
    // Several of a window fail together: that is one failure.
    if (clock.nowMs() < lane.retryAtMs) return;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** lane.failures, LONGEST_PAUSE_MS);
    lane.failures += 1;
    lane.failedAtMs = clock.nowMs();
    lane.retryAtMs = lane.failedAtMs + pauseMs;
    lane.cancelRetry();
    lane.cancelRetry = clock.after(pauseMs, () => {
      if (this.#online.has(lane.key)) this.#go(lane);
    });
  }

  /** Its address may be another one when it comes back. */
  #takeBack(device: string): void {
    const lane = this.#lanes.get(device);
    lane?.cancelRetry();
    for (const abort of lane?.onTheirWay.values() ?? []) abort.abort();
  }

  #tick(): void {
    this.#expire();
    for (const party of this.#parts.store.recipients()) {
      this.#go(this.#lane(recipientKey(party)));
    }
    this.#armTick();
  }

  #armTick(): void {
    if (this.#closed || !this.#parts.dispatches) return;
    this.#cancelTick();
    const { clock, store } = this.#parts;
    const expiryMs = (store.nextExpiryMs() ?? Number.POSITIVE_INFINITY) - clock.wallMs();
    const pauseMs = Math.max(SHORTEST_TICK_MS, Math.min(TICK_MS, expiryMs));
    this.#cancelTick = clock.after(pauseMs, () => this.#tick());
  }

  #expire(): void {
    const { store, self } = this.#parts;
    if (this.#expired().length === 0) return;
    const expired = store.batch("promise", () => {
      // Once more: another process of this home may have been quicker.
      const found = this.#expired();
      for (const { id } of found) store.setState(self, id, "undelivered");
      return found;
    });
    for (const message of expired) this.#givenUp(message, "its time is over");
  }

  /** Calls of this process know themselves when theirs has failed, however the clock was set. */
  #expired(): StoredMessage[] {
    const { store, clock, outgoing } = this.#parts;
    const expired = store.expired(clock.wallMs());
    if (expired.length === 0) return expired;
    const kept = outgoing.keptIds();
    return expired.filter(({ id, state }) => state === "queued" || !kept.has(id));
  }

  /** It is not queued any more: nobody shall get it. */
  #givenUp(message: StoredMessage, why: string): void {
    const { id, to } = message;
    this.#lanes.get(keyOf(message))?.onTheirWay.get(id)?.abort();
    const recipient = partyRef(to ?? NOBODY, this.#parts.trust);
    const undelivered = {
      id,
      status: "undelivered",
      to: recipient,
      rttMs: null,
      attempts: null,
    } as const;
    const sentence = `the message was not delivered: ${why}`;
    const error = new UndeliveredError(undelivered, sentence, { remedy: "send it again" });
    if (!this.#waiters.reject(id, error)) this.#tell(undelivered);
  }

  #tell(progress: Progress): void {
    this.#parts.stream.publish({ type: "delivery", progress });
  }
}

const NOBODY: StoredParty = { device: "", name: "", address: "", port: 0 };

function keyOf({ to = NOBODY }: StoredMessage): string {
  return recipientKey(to);
}

/** The device, wherever it is now; or whoever answers at the address. */
function targetOf({ device, address, port }: StoredParty = NOBODY): SendTarget {
  const lastKnown: Address | undefined = address === "" ? undefined : { address, port };
  if (device === "") return { kind: "address", to: { address, port } };
  return { kind: "device", id: device, ...(lastKnown === undefined ? {} : { lastKnown }) };
}
