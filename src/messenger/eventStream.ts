import { EventQueue, type EventQueueOptions } from "./eventQueue.js";
import type { MessengerEvent } from "./types.js";

/** How far a consumer may fall behind. */
interface Backlog {
  readonly events: number;
  readonly bytes: number;
}

/** A consumer that falls further behind loses plain messages, then the oldest events. */
export const MAX_BEHIND: Backlog = { events: 4096, bytes: 8 * 1024 * 1024 };
/** Kept of what happens before there is a consumer. */
export const MAX_UNHEARD: Backlog = { events: 1024, bytes: 4 * 1024 * 1024 };

/** An event without its text: addresses, names, objects. An estimate on the safe side. */
const EVENT_BYTES = 512;
/** JavaScript keeps a character that is not Latin-1 in two bytes. */
const CHARACTER_BYTES = 2;

/** Whom to tell what: see {@link EventStream.subscribe}. */
export interface Subscription {
  /** Those that end it; undefined ones are left out. */
  readonly signals?: readonly (AbortSignal | undefined)[];
  /** Without it, everything. */
  readonly wants?: (event: MessengerEvent) => boolean;
  /** Called once, when it ended for whatever reason. */
  readonly ended?: (queue: EventQueue<MessengerEvent>) => void;
}

/** Every event to every subscriber, each at its own pace. */
export class EventStream {
  /** What each wants. Bounded by the application: one per `subscribe` that has not ended. */
  readonly #subscribers = new Map<EventQueue<MessengerEvent>, Subscription["wants"]>();
  /** From before anybody wanted everything: for the first who does. Then undefined. */
  #unheard: EventQueue<MessengerEvent> | undefined = queueOf(MAX_UNHEARD);
  #ended = false;

  /**
   * The events from now on; the first subscriber of everything gets those before as well. Ends
   * with `return`, with one of the signals, and with {@link end}.
   */
  subscribe({ signals, wants, ended }: Subscription = {}): EventQueue<MessengerEvent> {
    const queue = queueOf(MAX_BEHIND, {
      signals,
      ended: (queue) => {
        this.#subscribers.delete(queue);
        ended?.(queue);
      },
    });
    if (queue.ended) return queue;
    this.#subscribers.set(queue, wants);
    if (wants === undefined) this.#tellUnheard(queue);
    if (this.#ended) queue.end();
    return queue;
  }

  #tellUnheard(queue: EventQueue<MessengerEvent>): void {
    const unheard = this.#unheard;
    this.#unheard = undefined;
    for (let event = unheard?.take(); event !== undefined; event = unheard?.take()) {
      queue.push(event);
    }
  }

  publish(event: MessengerEvent): void {
    if (this.#ended) return;
    this.#unheard?.push(event);
    for (const [queue, wants] of this.#subscribers) {
      if (wants === undefined || wants(event)) queue.push(event);
    }
  }

  end(): void {
    this.#ended = true;
    for (const queue of this.#subscribers.keys()) queue.end();
  }
}

function queueOf(
  backlog: Backlog,
  ending: Pick<EventQueueOptions<MessengerEvent>, "signals" | "ended"> = {},
): EventQueue<MessengerEvent> {
  return new EventQueue<MessengerEvent>({
    capacity: backlog.events,
    sizes: { capacityBytes: backlog.bytes, sizeBytes },
    // Nobody was promised its arrival; every other message was acknowledged or can be missed.
    isDispensable: (event) => event.type === "message" && event.message.scope === "plain",
    lost: eventsLost,
    ...ending,
  });
}

function sizeBytes(event: MessengerEvent): number {
  const characters = event.type === "message" ? event.message.text.length : 0;
  return EVENT_BYTES + CHARACTER_BYTES * characters;
}

function eventsLost(count: number): MessengerEvent {
  const message = `${count} events were dropped here because they were not read in time`;
  return { type: "warning", warning: { code: "EVENTS_LOST", message, peer: null } };
}
