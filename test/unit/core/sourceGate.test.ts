import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import { SourceGate } from "../../../src/core/sourceGate.js";

const gate = (): SourceGate =>
  new SourceGate({
    ...DEFAULT_LIMITS,
    unauthenticatedPerSecondPerSource: 10,
    unauthenticatedPerSecond: 30,
  });

/** How many of `count` things from an address are admitted. */
function admitted(to: SourceGate, nowMs: number, address: string, count: number): number {
  return Array.from({ length: count }).filter(() => to.admits(nowMs, address)).length;
}

describe("the gate before costly checks", () => {
  it("gives every address its own allowance, and beyond that one for all", () => {
    const one = gate();
    expect(admitted(one, 0, "10.0.0.1", 100)).toBe(10 + 30);
    expect(admitted(one, 0, "10.0.0.2", 100)).toBe(10);
    expect(admitted(one, 0, "10.0.0.1", 100)).toBe(0);
  });

  it("opens again as time goes by", () => {
    const one = gate();
    admitted(one, 0, "10.0.0.1", 100);
    expect(admitted(one, 500, "10.0.0.1", 100)).toBe(5 + 15);
  });

  it("gives back what proved to be genuine: nobody pays for that", () => {
    const one = gate();
    for (let i = 0; i < 1_000; i += 1) {
      expect(one.admits(0, "10.0.0.1")).toBe(true);
      one.proved("10.0.0.1");
    }
    expect(admitted(one, 0, "10.0.0.1", 100)).toBe(40);
  });

  it("admits a bounded number in all, from however many addresses in one allowance's time", () => {
    const one = gate();
    let count = 0;
    for (let i = 0; i < 200; i += 1) count += admitted(one, 0, `10.0.0.${i}`, 100);
    expect(count).toBe(200 * 10 + 30);
  });
});
