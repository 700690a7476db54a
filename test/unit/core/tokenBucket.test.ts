import { describe, expect, it } from "vitest";
import { KeyedTokenBuckets, TokenBucket } from "../../../src/core/tokenBucket.js";

describe("TokenBucket", () => {
  it("lets a burst through, then the rate", () => {
    const bucket = new TokenBucket(10, 3);
    expect([0, 0, 0, 0].map((atMs) => bucket.take(atMs))).toEqual([true, true, true, false]);
    expect(bucket.take(99)).toBe(false);
    expect(bucket.take(101)).toBe(true);
    expect(bucket.take(10_000, 4)).toBe(false);
    expect(bucket.take(10_000, 3)).toBe(true);
  });

  it("goes on at another rate with what it has", () => {
    const bucket = new TokenBucket(10, 30);
    bucket.spend(0, 30);
    bucket.changeRate(1000, 1000);
    expect(bucket.waitMs(1000, 10)).toBe(0);
    expect(bucket.waitMs(1000, 20)).toBe(10);
  });
});

describe("KeyedTokenBuckets", () => {
  it("keeps the keys apart and drops the longest unused beyond its bound", () => {
    const buckets = new KeyedTokenBuckets({ ratePerSecond: 1, burst: 1, maxKeys: 2 });
    expect(["a", "b", "a", "b"].map((key) => buckets.take(0, key))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    for (let i = 0; i < 100; i += 1) buckets.take(0, `other${i}`);
    expect(buckets.size).toBe(2);
    expect(buckets.take(0, "other99")).toBe(false);
  });
});
