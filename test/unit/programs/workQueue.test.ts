import { describe, expect, it } from "vitest";
import { WorkQueue } from "../../../src/programs/workQueue.js";

/** Jobs that end when they are told to. */
class Bench {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, () => void>();

  job(number: number): () => Promise<void> {
    return () => {
      this.begun.push(number);
      return new Promise((resolve) => this.#ends.set(number, resolve));
    };
  }

  async end(number: number): Promise<void> {
    this.#ends.get(number)?.();
    await settled();
  }
}

/** All that follows from what has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("a queue of work", () => {
  it("does one job after the other in their order, and refuses more than may wait", async () => {
    const bench = new Bench();
    const queue = new WorkQueue({ concurrency: 1, maxWaiting: 2 });
    expect([1, 2, 3, 4].map((number) => queue.offer(bench.job(number)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(bench.begun).toEqual([1]);
    await bench.end(1);
    expect(bench.begun).toEqual([1, 2]);
    expect(queue.offer(bench.job(5))).toBe(true);
    await bench.end(2);
    await bench.end(3);
    expect(bench.begun).toEqual([1, 2, 3, 5]);
  });

  it("does as many at a time as it may", async () => {
    const bench = new Bench();
    const queue = new WorkQueue({ concurrency: 3, maxWaiting: 10 });
    for (const number of [1, 2, 3, 4, 5]) queue.offer(bench.job(number));
    expect(bench.begun).toEqual([1, 2, 3]);
    await bench.end(2);
    expect(bench.begun).toEqual([1, 2, 3, 4]);
  });

  it("lets whoever brings work wait for room, and is idle when all is done", async () => {
    const bench = new Bench();
    const queue = new WorkQueue({ concurrency: 1, maxWaiting: 0 });
    const events: string[] = [];
    await queue.idle();
    await queue.add(bench.job(1));
    const second = queue.add(bench.job(2)).then(() => events.push("added"));
    const idle = queue.idle().then(() => events.push("idle"));
    await settled();
    expect(events).toEqual([]);
    await bench.end(1);
    expect(events).toContain("added");
    await bench.end(2);
    await Promise.all([second, idle]);
    expect(events).toContain("idle");
  });
});
