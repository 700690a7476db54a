import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { GroupBus, GroupNode, nackOf } from "../../../support/groupBus.js";

function pair(seed: number, lines: number): { bus: GroupBus; a: GroupNode; b: GroupNode } {
  const bus = new GroupBus(seed);
  const [a, b] = bus.joined(2);
  if (a === undefined || b === undefined) throw new Error("unreachable");
  for (let i = 0; i < lines; i += 1) {
    a.say(bus.nowMs, `line ${i}`);
    bus.run(1);
  }
  bus.run(5000);
  return { bus, a, b };
}

describe("NACKs", () => {
  it("of strangers bring nothing", () => {
    const { bus, a } = pair(1, 5);
    const stranger = new GroupNode(9, bus.random);
    const before = a.verifications;
    a.groups.receive(
      bus.nowMs,
      stranger.received(nackOf(stranger, a, { sequence: 1, upTo: 1000 })),
    );
    bus.run(1000);
    expect(a.context.counters.get("repairsSent")).toBe(0);
    expect(a.verifications).toBe(before);
  });

  it("that are repeated bring nothing, later ones do", () => {
    const { bus, a, b } = pair(2, 5);
    const first = nackOf(b, a, { sequence: 1000, upTo: 1000 });
    for (let i = 0; i < 10; i += 1) {
      a.groups.receive(bus.nowMs, b.received(first));
      bus.run(500);
    }
    expect(a.context.counters.get("repairsSent")).toBe(5);
    a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: 999, upTo: 1000 })));
    bus.run(500);
    expect(a.context.counters.get("repairsSent")).toBe(5);
    a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: 1001, upTo: 1000 })));
    bus.run(500);
    expect(a.context.counters.get("repairsSent")).toBe(10);
  });

  it("of one member are looked at twenty times a second", () => {
    const { bus, a, b } = pair(3, 1);
    const before = a.verifications;
    let sequence = 1000;
    for (let i = 0; i < 500; i += 1) {
      sequence += 1;
      a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: sequence, upTo: 1000 })));
      bus.run(10);
    }
    expect(a.verifications - before).toBeLessThanOrEqual(20 + 20 * 5 + 1);
    expect(a.context.counters.get("repairsSent")).toBeGreaterThan(90);
  });

  it("without end bring one heartbeat a second", () => {
    const { bus, a, b } = pair(3, 1);
    const heartbeats = () => a.sentOf(DatagramType.groupHeartbeat).length;
    const before = heartbeats();
    for (let i = 0; i < 100; i += 1) {
      a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: 1000 + i, upTo: 1000 })));
      bus.run(100);
    }
    expect(a.context.counters.get("repairsSent")).toBeGreaterThan(90);
    expect(heartbeats() - before).toBeLessThanOrEqual(10);
  });

  it("forged in a member's name use none of its allowance", () => {
    const { bus, a, b } = pair(4, 5);
    for (let i = 0; i < 100; i += 1) {
      const forged = nackOf(b, a, { sequence: 5000 + i, upTo: 1000 });
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      a.groups.receive(bus.nowMs, b.received(forged));
    }
    a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: 1000, upTo: 1000 })));
    bus.run(500);
    expect(a.context.counters.get("repairsSent")).toBe(5);
  });

  it("without end leave half of the rate to what is new", () => {
    const limits = {
      groupBitsPerSecond: 160_000,
      groupMaxBitsPerSecond: 160_000,
      groupBurstBytes: 2400,
    };
    const bus = new GroupBus(5);
    const [a, b] = bus.joined(2, { limits });
    if (a === undefined || b === undefined) return expect.unreachable();
    a.say(bus.nowMs, "x".repeat(60_000));
    bus.run(10_000);
    let sequence = 1000;
    const nack = () => {
      sequence += 1;
      a.groups.receive(bus.nowMs, b.received(nackOf(b, a, { sequence: sequence, upTo: 1000 })));
    };
    nack();
    bus.run(100);
    const repairsBefore = a.context.counters.get("repairsSent");
    a.say(bus.nowMs, "y".repeat(60_000));
    for (let i = 0; i < 70; i += 1) {
      nack();
      bus.run(100);
    }
    // At 20 kB/s, 60 kB take 3 s alone and 6 s at half the rate.
    expect(b.texts().map((text) => text.length)).toEqual([60_000, 60_000]);
    expect(a.context.counters.get("repairsSent") - repairsBefore).toBeGreaterThan(40);
    return undefined;
  });
});
