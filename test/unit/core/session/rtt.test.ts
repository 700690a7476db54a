import { describe, expect, it } from "vitest";
import { MAX_ACK_DELAY_MS, PTO_CAP_MS, RttEstimator } from "../../../../src/core/session/rtt.js";

describe("the round-trip estimate", () => {
  it("hands out each sample once, without the peer's delay", () => {
    const rtt = new RttEstimator();
    rtt.sample(10, 0);
    rtt.sample(40, 20);
    expect(rtt.takeSample()).toBe(20);
    expect(rtt.takeSample()).toBeUndefined();
    rtt.sample(12, 0);
    expect(rtt.takeSample()).toBe(12);
  });

  it("is unknown before the first sample, and then that sample", () => {
    const rtt = new RttEstimator();
    expect(rtt.takeSample()).toBeUndefined();
    expect(rtt.smoothedMs).toBe(20);
    rtt.sample(8, 5);
    expect(rtt.smoothedMs).toBe(8);
  });

  it("moves by an eighth, less the delay that the peer reports", () => {
    const rtt = new RttEstimator();
    rtt.sample(8, 0);
    rtt.sample(36, 20);
    expect(rtt.smoothedMs).toBeCloseTo(0.875 * 8 + 0.125 * 16, 10);
  });

  it("believes no delay above the longest allowed", () => {
    const rtt = new RttEstimator();
    rtt.sample(8, 0);
    rtt.sample(108, 100);
    expect(rtt.smoothedMs).toBeCloseTo(0.875 * 8 + 0.125 * (108 - MAX_ACK_DELAY_MS), 10);
  });

  it("believes no delay that would go below the fastest round trip", () => {
    const rtt = new RttEstimator();
    rtt.sample(8, 0);
    rtt.sample(10, 5);
    expect(rtt.smoothedMs).toBeCloseTo(0.875 * 8 + 0.125 * 10, 10);
  });

  it("waits 9/8 of the larger of smoothed and latest before a loss, at least 1 ms", () => {
    const rtt = new RttEstimator();
    rtt.sample(0.2, 0);
    expect(rtt.lossDelayMs()).toBe(1);
    rtt.sample(80, 0);
    expect(rtt.lossDelayMs()).toBe(90);
  });
});

describe("the probe timeout", () => {
  it("is srtt + 4 rttvar + 25 ms", () => {
    const rtt = new RttEstimator();
    expect(rtt.probeTimeoutMs(0)).toBe(20 + 40 + 25);
  });

  it("has a floor, doubles, and has a cap", () => {
    const rtt = new RttEstimator();
    rtt.sample(0.5, 0);
    expect([0, 1, 2, 3, 4, 5, 20, 2000].map((probes) => rtt.probeTimeoutMs(probes))).toEqual([
      50,
      100,
      200,
      400,
      800,
      PTO_CAP_MS,
      PTO_CAP_MS,
      PTO_CAP_MS,
    ]);
  });
});
