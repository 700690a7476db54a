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

  it("admits a bounded number in all, from however many addresses", () => {
    const one = gate();
    let count = 0;
    for (let i = 0; i < 10_000; i += 1) {
      count += admitted(one, 0, `10.0.${i >> 8}.${i & 255}`, i < 100 ? 100 : 1);
    }
    expect(count).toBe(3 * 30 + 30);
  });

  it("lets in those who were genuine while strangers flood it, and a forgery in their name once", () => {
    const one = gate();
    one.admits(0, "10.0.0.1");
    one.proved("10.0.0.1");
    for (let i = 0; i < 1_000; i += 1) one.admits(0, `10.1.${i >> 8}.${i & 255}`);
    expect(admitted(one, 0, "10.0.0.2", 1)).toBe(0);
    for (let i = 0; i < 100; i += 1) {
      expect(one.admits(0, "10.0.0.1")).toBe(true);
      one.proved("10.0.0.1");
    }
    expect(admitted(one, 0, "10.0.0.1", 10)).toBe(1);
  });
});
