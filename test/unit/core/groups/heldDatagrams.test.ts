import { describe, expect, it } from "vitest";
import { HeldBytes } from "../../../../src/core/groups/heldBytes.js";
import { HeldDatagrams } from "../../../../src/core/groups/heldDatagrams.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { GroupBus, isData } from "../../../support/groupBus.js";

const arrival = (sizeBytes: number) => ({
  bytes: new Uint8Array(sizeBytes),
  keyId: undefined,
  late: false,
});

describe("what waits for something earlier", () => {
  it("of all members together: who has us keep most gives way, and gets no more", () => {
    const held = new HeldBytes(100);
    const context = { held, limits: DEFAULT_LIMITS };
    const [light, heavy] = [new HeldDatagrams(context), new HeldDatagrams(context)];
    expect(light.hold(1, arrival(20))).toBe(true);
    expect(heavy.hold(1, arrival(60))).toBe(true);
    expect(light.hold(2, arrival(40))).toBe(true);
    expect([light.heldBytes, heavy.heldBytes, held.budget.usedBytes]).toEqual([60, 0, 60]);
    expect(light.hold(3, arrival(60))).toBe(false);
    expect(held.budget.usedBytes).toBe(60);
  });

  it("is not kept if it is too far ahead, and comes when it is its turn", () => {
    const bus = new GroupBus(1);
    const [a, b] = bus.joined(2, { limits: { heldGroupDatagrams: 8 } });
    if (a === undefined || b === undefined) return expect.unreachable();
    let said = 0;
    bus.weather = ({ bytes }) => {
      if (!isData(bytes)) return [0.2];
      said += 1;
      return said === 20 ? [0.2] : [];
    };
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    for (const line of lines) {
      a.say(bus.nowMs, line);
      bus.run(1);
    }
    expect(b.context.counters.get("groupDatagramsReceived")).toBe(1);
    expect(b.groups.heldBytes).toBe(0);
    bus.weather = () => [0.2];
    bus.run(10_000);
    expect(b.texts()).toEqual(lines);
    return undefined;
  });
});
