import { describe, expect, it } from "vitest";
import { Deque } from "../../../src/core/deque.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** A step of the same kind on a queue and on an array, which is known to work. */
function step(deque: Deque<number>, model: number[], random: SeededRandom, value: number): void {
  const chance = random.uniform();
  if (chance < 0.4) {
    deque.push(value);
    model.push(value);
  } else if (chance < 0.55) {
    deque.unshift(value);
    model.unshift(value);
  } else if (chance < 0.85) {
    expect(deque.shift()).toBe(model.shift());
  } else if (chance < 0.93) {
    const index = Math.floor(random.uniform() * (model.length + 1));
    deque.replace(index, -value);
    if (index < model.length) model[index] = -value;
  } else if (chance < 0.999) {
    const item = model[Math.floor(random.uniform() * model.length)] ?? 0.5;
    const index = model.indexOf(item);
    expect(deque.remove(item)).toBe(index >= 0);
    if (index >= 0) model.splice(index, 1);
  } else {
    deque.clear();
    model.length = 0;
  }
}

describe("a deque", () => {
  it("does what an array does, whatever its ring looks like: seeds 1 to 20", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = new SeededRandom(seed);
      const deque = new Deque<number>();
      const model: number[] = [];
      for (let value = 1; value <= 1000; value += 1) {
        step(deque, model, random, value);
        expect(deque.length, `seed ${seed}, step ${value}`).toBe(model.length);
        expect(deque.first).toBe(model[0]);
        expect([...deque], `seed ${seed}, step ${value}`).toEqual(model);
      }
      expect(model.map((_, index) => deque.at(index))).toEqual(model);
    }
  });

  it("is empty again after a burst, and takes more", () => {
    const deque = new Deque<number>();
    for (let value = 0; value < 1000; value += 1) deque.push(value);
    for (let value = 0; value < 1000; value += 1) expect(deque.shift()).toBe(value);
    expect(deque.shift()).toBeUndefined();
    expect(deque.first).toBeUndefined();
    deque.push(7);
    expect([...deque]).toEqual([7]);
  });

  it("has nothing outside", () => {
    const deque = new Deque<number>();
    for (const value of [1, 2, 3]) deque.push(value);
    deque.shift();
    deque.replace(2, 9);
    deque.replace(-1, 9);
    expect([deque.at(-1), deque.at(0), deque.at(1), deque.at(2)]).toEqual([
      undefined,
      2,
      3,
      undefined,
    ]);
  });
});
