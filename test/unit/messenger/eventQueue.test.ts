import { describe, expect, it } from "vitest";
import { EventQueue } from "../../../src/messenger/eventQueue.js";
import { EventStream, MAX_EVENTS_BEHIND } from "../../../src/messenger/eventStream.js";
import type { MessengerEvent } from "../../../src/messenger/types.js";

function warning(message: string): MessengerEvent {
  return { type: "warning", warning: { code: "NETWORK", message, peer: null } };
}

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const done = { done: true, value: undefined };

describe("EventQueue", () => {
  it("hands over in order, waits, and ends after what is queued", async () => {
    const queue = new EventQueue<number>({ capacity: 10 });
    queue.push(1);
    queue.push(2);
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    expect(await queue.next()).toEqual({ done: false, value: 2 });
    const waiting = [queue.next(), queue.next(), queue.next()];
    queue.push(3);
    queue.push(4);
    queue.end();
    queue.push(5);
    expect(await Promise.all(waiting)).toEqual([
      { done: false, value: 3 },
      { done: false, value: 4 },
      done,
    ]);
    expect(await queue.next()).toEqual(done);
  });

  it("drops the oldest beyond its capacity and says how many", async () => {
    const queue = new EventQueue<number>({ capacity: 3, lost: (count) => -count });
    for (let event = 1; event <= 5; event += 1) queue.push(event);
    queue.end();
    const taken: number[] = [];
    for await (const event of queue) taken.push(event);
    expect(taken).toEqual([-2, 3, 4, 5]);
  });

  it("is over at return and at abort, and tells so once", async () => {
    let ended = 0;
    const abort = new AbortController();
    const options = { capacity: 3, signal: abort.signal, ended: () => (ended += 1) };
    const queue = new EventQueue<number>(options);
    const waiting = queue.next();
    abort.abort();
    expect(await waiting).toEqual(done);
    await queue.return();
    expect(ended).toBe(1);
    const late = new EventQueue<number>(options);
    late.push(1);
    expect(await late.next()).toEqual(done);
  });
});

describe("EventStream", () => {
  it("gives every subscriber what it wants, from its subscription on", async () => {
    const stream = new EventStream();
    stream.publish(warning("too early"));
    const all = stream.subscribe();
    const some = stream.subscribe({
      wants: (event) => event.type === "warning" && event.warning.message === "b",
    });
    stream.publish(warning("a"));
    stream.publish(warning("b"));
    stream.end();
    expect(await collect(all)).toEqual([warning("a"), warning("b")]);
    expect(await collect(some)).toEqual([warning("b")]);
    expect(await stream.subscribe().next()).toEqual(done);
  });

  it("bounds a subscriber that does not read, and tells it what it lost", async () => {
    const stream = new EventStream();
    const slow = stream.subscribe();
    for (let count = 0; count < MAX_EVENTS_BEHIND + 7; count += 1) stream.publish(warning("x"));
    const { value } = await slow.next();
    expect(value).toMatchObject({
      warning: { code: "EVENTS_LOST", message: expect.stringMatching(/^7 events/) },
    });
  });

  it("tells the first subscriber what happened while opening", async () => {
    const stream = new EventStream();
    stream.publishToFirst(warning("port"));
    const narrow = stream.subscribe({ wants: () => true });
    const first = stream.subscribe();
    const second = stream.subscribe();
    stream.end();
    expect(await narrow.next()).toEqual(done);
    expect(await first.next()).toEqual({ done: false, value: warning("port") });
    expect(await second.next()).toEqual(done);
  });
});
