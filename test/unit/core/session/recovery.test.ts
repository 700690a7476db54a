import { describe, expect, it } from "vitest";
import { Recovery, type SentPacket } from "../../../../src/core/session/recovery.js";
import { UdpchatError } from "../../../../src/errors.js";
import { FrameType } from "../../../../src/wire/frames.js";

function recoveryWith(count: number, sentAtMs = 0): Recovery {
  const recovery = new Recovery(() => 0);
  for (let i = 0; i < count; i += 1) sendOne(recovery, sentAtMs);
  return recovery;
}

function sendOne(recovery: Recovery, sentAtMs: number): void {
  const packetNumber = recovery.takePacketNumber();
  recovery.sent({ packetNumber, sentAtMs, sizeBytes: 100, chunks: [], control: [] });
}

function ack(...ranges: [number, number][]): Parameters<Recovery["acknowledge"]>[1] {
  return {
    type: FrameType.ack,
    delayUs: 0,
    creditDatagrams: 1,
    ranges: ranges.map(([first, last]) => ({ first, last })),
  };
}

const numbers = (packets: readonly SentPacket[]): number[] => packets.map((p) => p.packetNumber);

describe("acknowledgements", () => {
  it("take exactly the packets of their ranges out of flight, once", () => {
    const recovery = recoveryWith(6);
    const first = recovery.acknowledge(1, ack([4, 5], [1, 1]), false);
    expect(numbers(first.acknowledged)).toEqual([1, 4, 5]);
    expect(recovery.acknowledge(1, ack([4, 5], [1, 1]), false).acknowledged).toEqual([]);
    expect(recovery.congestion.inFlightBytes).toBe(100 * recovery.packetsInFlight);
  });

  it("of numbers that were never sent are malformed and change nothing", () => {
    const recovery = recoveryWith(3);
    expect(() => recovery.acknowledge(1, ack([0, 3]), false)).toThrow(UdpchatError);
    expect(recovery.packetsInFlight).toBe(3);
  });

  it("of old packets alone are no round-trip sample", () => {
    const recovery = recoveryWith(2, 100);
    recovery.acknowledge(101, ack([1, 1]), false);
    expect(recovery.rtt.takeSample()).toBe(1);
    const late = recovery.acknowledge(101.1, ack([0, 1]), false);
    expect(numbers(late.acknowledged)).toEqual([0]);
    expect(recovery.rtt.takeSample()).toBeUndefined();
  });
});

describe("loss", () => {
  it("is what lies three numbers below one acknowledged", () => {
    const recovery = recoveryWith(5);
    expect(numbers(recovery.acknowledge(0.5, ack([3, 3]), false).lost)).toEqual([0]);
    expect(numbers(recovery.acknowledge(0.5, ack([4, 4]), false).lost)).toEqual([1]);
    expect(recovery.packetsInFlight).toBe(1);
  });

  it("is what is older than 9/8 of a round trip, by a timer", () => {
    const recovery = recoveryWith(2);
    expect(recovery.acknowledge(8, ack([1, 1]), false).lost).toEqual([]);
    expect(recovery.timeoutAtMs).toBe(9);
    expect(numbers(recovery.onTimeout(9).lost)).toEqual([0]);
    expect(recovery.timeoutAtMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("never strikes packets above the highest acknowledged", () => {
    const recovery = recoveryWith(10);
    expect(recovery.acknowledge(8, ack([0, 0]), false).lost).toEqual([]);
    expect(recovery.packetsInFlight).toBe(9);
    expect(recovery.acknowledge(1000, ack([0, 0]), false).lost).toEqual([]);
  });
});

describe("probes", () => {
  it("go after the probe timeout: one, then two, further and further apart", () => {
    const recovery = recoveryWith(3);
    const gaps: number[] = [];
    const counts: number[] = [];
    let nowMs = 0;
    for (let i = 0; i < 6; i += 1) {
      gaps.push(recovery.timeoutAtMs - nowMs);
      nowMs = recovery.timeoutAtMs;
      counts.push(recovery.onTimeout(nowMs).probes);
      sendOne(recovery, nowMs);
    }
    expect(counts).toEqual([1, 2, 2, 2, 2, 2]);
    expect(gaps).toEqual([85, 170, 340, 680, 1000, 1000]);
    expect(recovery.probesUnanswered).toBe(6);
    recovery.acknowledge(nowMs + 1, ack([8, 8]), false);
    expect(recovery.probesUnanswered).toBe(0);
  });

  it("are jittered upwards by at most a quarter", () => {
    const recovery = new Recovery(() => 0.999);
    sendOne(recovery, 0);
    expect(recovery.timeoutAtMs).toBeGreaterThan(85 * 1.24);
    expect(recovery.timeoutAtMs).toBeLessThan(85 * 1.25);
  });

  it("are not wanted when nothing is in flight", () => {
    const recovery = recoveryWith(1);
    recovery.acknowledge(1, ack([0, 0]), false);
    expect(recovery.timeoutAtMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("packet numbers", () => {
  it("are never used twice, and only those used were sent", () => {
    const recovery = recoveryWith(3);
    expect(recovery.takePacketNumber()).toBe(3);
    expect(recovery.wasSent(3)).toBe(true);
    expect(recovery.wasSent(4)).toBe(false);
  });
});
