import { expect, it } from "vitest";
import { MovableTimer } from "../../../src/messenger/movableTimer.js";
import { ManualClock } from "../../support/manualClock.js";

function timer(): { clock: ManualClock; timer: MovableTimer; rang: number[] } {
  const clock = new ManualClock();
  const rang: number[] = [];
  return { clock, rang, timer: new MovableTimer(clock, () => rang.push(clock.nowMs())) };
}

it("rings once, at the latest time that was wanted", async () => {
  const { clock, rang, timer: moved } = timer();
  for (const atMs of [100, 50, 200, 150]) moved.set(clock.nowMs(), atMs);
  await clock.advance(1000);
  expect(rang).toEqual([150]);
});

it("leaves a timer alone that rings earlier, and sets no second one", async () => {
  const { clock, rang, timer: moved } = timer();
  moved.set(0, 10);
  for (let atMs = 11; atMs < 1000; atMs += 1) {
    moved.set(clock.nowMs(), atMs);
    expect(clock.pending).toBe(1);
  }
  await clock.advance(998);
  expect(rang).toEqual([]);
  await clock.advance(1);
  expect(rang).toEqual([999]);
  expect(clock.pending).toBe(0);
});

it("never rings when it is wanted no more, or stopped", async () => {
  const { clock, rang, timer: moved } = timer();
  moved.set(0, 10);
  moved.set(0, Number.POSITIVE_INFINITY);
  await clock.advance(100);
  moved.set(clock.nowMs(), 200);
  moved.stop();
  await clock.advance(1000);
  expect(rang).toEqual([]);
  expect(clock.pending).toBe(0);
  moved.set(clock.nowMs(), 2000);
  await clock.advance(1000);
  expect(rang).toEqual([2000]);
});
