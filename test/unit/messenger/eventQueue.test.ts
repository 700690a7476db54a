import { describe, expect, it } from "vitest";
import { EventQueue } from "../../../src/messenger/eventQueue.js";
import { EventStream, MAX_BEHIND, MAX_UNHEARD } from "../../../src/messenger/eventStream.js";
import type { MessengerEvent } from "../../../src/messenger/types.js";

function warning(message: string): MessengerEvent {
  return { type: "warning", warning: { code: "NETWORK", message, peer: null } };
}

function message(scope: "direct" | "plain", text: string): MessengerEvent {
  const from = { id: null, name: "", address: "10.0.0.9", port: 9, trust: null };
  const receivedAt = new Date(0);
  const rest = {
    id: null,
    from,
    group: null,
    sentAt: null,
    receivedAt,
    verified: false,
    late: false,
  };
  return { type: "message", message: { scope, text, ...rest } };
}

function textOf(event: MessengerEvent): string {
  return event.type === "message" ? event.message.text : event.type;
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

  it("drops by size as well, and the dispensable first", async () => {
    const queue = new EventQueue<string>({
      capacity: 4,
      sizes: { capacityBytes: 10, sizeBytes: (event) => event.length },
      isDispensable: (event) => event.startsWith("?"),
      lost: (count) => `${count} lost`,
    });
    for (const event of ["a", "?b", "c", "d", "e", "?f"]) queue.push(event);
    queue.push("8 bytes.");
    expect(queue.take()).toBe("4 lost");
    expect(queue.take()).toBe("d");
    expect(queue.take()).toBe("e");
    expect(queue.take()).toBe("8 bytes.");
    queue.push("9 bytes..");
    queue.push("11 bytes...");
    queue.push("b");
    queue.end();
    expect(await collect(queue)).toEqual(["2 lost", "b"]);
  });

  it("is over at return and at abort, and tells so once", async () => {
    let ended = 0;
    const abort = new AbortController();
    const options = { capacity: 3, signals: [abort.signal], ended: () => (ended += 1) };
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
    const all = stream.subscribe();
    stream.publish(warning("too early"));
    const some = stream.subscribe({
      wants: (event) => event.type === "warning" && event.warning.message === "b",
    });
    const late = stream.subscribe();
    stream.publish(warning("a"));
    stream.publish(warning("b"));
    stream.end();
    expect(await collect(all)).toEqual([warning("too early"), warning("a"), warning("b")]);
    expect(await collect(some)).toEqual([warning("b")]);
    expect(await collect(late)).toEqual([warning("a"), warning("b")]);
    expect(await stream.subscribe().next()).toEqual(done);
  });

  it("bounds a subscriber that does not read, and tells it what it lost", async () => {
    const stream = new EventStream();
    const slow = stream.subscribe();
    for (let count = 0; count < MAX_BEHIND.events + 7; count += 1) stream.publish(warning("x"));
    const { value } = await slow.next();
    expect(value).toMatchObject({
      warning: { code: "EVENTS_LOST", message: expect.stringMatching(/^7 events/) },
    });
  });

  it("keeps acknowledged messages in a flood of plain text, whatever its size", async () => {
    for (const text of ["junk", "x".repeat(60_000)]) {
      const stream = new EventStream();
      const slow = stream.subscribe();
      stream.publish(message("direct", "precious"));
      for (let count = 0; count < 5000; count += 1) stream.publish(message("plain", text));
      stream.publish(message("direct", "dear"));
      stream.end();
      const texts = (await collect(slow)).map(textOf);
      expect(texts.slice(0, 2)).toEqual(["warning", "precious"]);
      expect(texts.at(-1)).toBe("dear");
      const characters = texts.reduce((sum, each) => sum + each.length, 0);
      expect(characters).toBeGreaterThan(10_000);
      expect(characters).toBeLessThan(MAX_BEHIND.bytes / 2);
    }
  });

  it("ends at once for a signal that was aborted before, and leaves the rest to the next", async () => {
    const stream = new EventStream();
    stream.publish(warning("port"));
    expect(await stream.subscribe({ signals: [AbortSignal.abort()] }).next()).toEqual(done);
    expect(await stream.subscribe().next()).toEqual({ done: false, value: warning("port") });
  });

  it("tells the first subscriber of everything what happened before", async () => {
    const stream = new EventStream();
    stream.publish(warning("port"));
    const narrow = stream.subscribe({ wants: () => true });
    const first = stream.subscribe();
    const second = stream.subscribe();
    stream.end();
    expect(await narrow.next()).toEqual(done);
    expect(await first.next()).toEqual({ done: false, value: warning("port") });
    expect(await second.next()).toEqual(done);
  });

  it("bounds what nobody heard, and tells what is missing of it", async () => {
    const stream = new EventStream();
    for (let count = 0; count < MAX_UNHEARD.events + 5; count += 1) stream.publish(warning("x"));
    stream.end();
    const heard = await collect(stream.subscribe());
    expect(heard).toHaveLength(MAX_UNHEARD.events + 1);
    expect(heard[0]).toMatchObject({
      warning: { code: "EVENTS_LOST", message: expect.stringMatching(/^5 events/) },
    });
  });
});
