import { describe, expect, it } from "vitest";
import { NewReno } from "../../../../src/core/session/congestion.js";

const packet = (sentAtMs: number): { sizeBytes: number; sentAtMs: number } => ({
  sizeBytes: 1200,
  sentAtMs,
});

describe("NewReno", () => {
  it("begins with ten datagrams and closes when they are out", () => {
    const reno = new NewReno();
    for (let i = 0; i < 10; i += 1) {
      expect(reno.open).toBe(true);
      reno.sent(1200);
    }
    expect(reno.open).toBe(false);
    reno.acknowledged(packet(0), false);
    expect(reno.open).toBe(true);
    expect(reno.inFlightBytes).toBe(9 * 1200);
  });

  it("doubles per round trip in slow start, but not if data was lacking", () => {
    const reno = new NewReno();
    reno.acknowledged(packet(0), true);
    expect(reno.windowBytes).toBe(11 * 1200);
    reno.acknowledged(packet(0), false);
    expect(reno.windowBytes).toBe(11 * 1200);
  });

  it("halves once per round trip, however many are lost in it", () => {
    const reno = new NewReno();
    reno.lost(packet(10), 20);
    expect(reno.windowBytes).toBe(5 * 1200);
    reno.lost(packet(11), 21);
    reno.lost(packet(20), 22);
    expect(reno.windowBytes).toBe(5 * 1200);
    reno.lost(packet(21), 40);
    expect(reno.windowBytes).toBe(4 * 1200);
  });

  it("never goes below four datagrams", () => {
    const reno = new NewReno();
    for (let round = 1; round < 20; round += 1) reno.lost(packet(round * 10), round * 10 + 5);
    expect(reno.windowBytes).toBe(4 * 1200);
  });

  it("grows by one datagram per window after a loss, and not from what was sent before it", () => {
    const reno = new NewReno();
    reno.lost(packet(10), 20);
    reno.acknowledged(packet(15), true);
    expect(reno.windowBytes).toBe(5 * 1200);
    for (let i = 0; i < 5; i += 1) reno.acknowledged(packet(30), true);
    expect(reno.windowBytes).toBeGreaterThan(5.8 * 1200);
    expect(reno.windowBytes).toBeLessThanOrEqual(6 * 1200);
  });
});
