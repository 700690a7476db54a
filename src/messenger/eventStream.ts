import { EventQueue } from "./eventQueue.js";
import type { MessengerEvent } from "./types.js";

/** A consumer that falls further behind loses the oldest events, and is told so. */
export const MAX_EVENTS_BEHIND = 4096;

/** Whom to tell what: see {@link EventStream.subscribe}. */
export interface Subscription {
  readonly signal?: AbortSignal | undefined;
  /** Without it, everything. */
  readonly wants?: (event: MessengerEvent) => boolean;
}

interface Subscriber {
  readonly queue: EventQueue<MessengerEvent>;
  readonly wants: (event: MessengerEvent) => boolean;
}

/** Every event to every subscriber, each at its own pace. */
export class EventStream {
  /** Bounded by the application: one per call of `subscribe` that has not ended. */
  readonly #subscribers = new Set<Subscriber>();
  /** From before anybody listened: for the first subscriber. Bounded by what opening can say. */
  #unheard: MessengerEvent[] = [];
  #ended = false;

  /** The events from now on. Ends with `return`, with the signal, and with {@link end}. */
  subscribe(subscription: Subscription = {}): EventQueue<MessengerEvent> {
    const subscriber: Subscriber = {
      queue: new EventQueue<MessengerEvent>({
        capacity: MAX_EVENTS_BEHIND,
        lost: eventsLost,
        signal: subscription.signal,
        ended: () => this.#subscribers.delete(subscriber),
      }),
      wants: subscription.wants ?? (() => true),
    };
    if (subscription.signal?.aborted === true) return subscriber.queue;
    if (this.#ended) {
      subscriber.queue.end();
      return subscriber.queue;
    }
    this.#subscribers.add(subscriber);
    if (subscription.wants === undefined) {
      for (const event of this.#unheard) subscriber.queue.push(event);
      this.#unheard = [];
    }
    return subscriber.queue;
  }

  publish(event: MessengerEvent): void {
    for (const { queue, wants } of this.#subscribers) {
      if (wants(event)) queue.push(event);
    }
  }

  /** For what happened while opening: kept until the first subscriber of everything comes. */
  publishToFirst(event: MessengerEvent): void {
    this.#unheard.push(event);
  }

  end(): void {
    this.#ended = true;
    for (const { queue } of this.#subscribers) queue.end();
  }
}

function eventsLost(count: number): MessengerEvent {
  const message = `${count} events were dropped here because they were not read in time`;
  return { type: "warning", warning: { code: "EVENTS_LOST", message, peer: null } };
}
