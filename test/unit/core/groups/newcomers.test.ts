import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeGroupHeartbeat, encodeGroupHeartbeat } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { GroupBus, GroupNode, TEST_GROUP } from "../../../support/groupBus.js";

describe("newcomers", () => {
  it("are remembered up to 256, those heard last: a flood of names fills nothing", () => {
    const bus = new GroupBus(1);
    const limits = { unauthenticatedPerSecondPerSource: 1e9 };
    const [a, b] = bus.joined(2, { limits });
    if (a === undefined || b === undefined) return expect.unreachable();
    a.present = new Set();
    const [hello] = b.sentOf(DatagramType.groupHeartbeat).map(decodeGroupHeartbeat);
    if (hello === undefined) return expect.unreachable();
    // Many starts of few devices: keys are not cheap to make here.
    const strangers = [201, 202].map((index) => new GroupNode(index, bus.random));
    const signs = Array.from({ length: 600 }, (_, i) => {
      const { identity } = strangers[i % 2]?.context ?? a.context;
      const incarnation = i.toString(16).padStart(16, "0");
      const unsigned = encodeGroupHeartbeat({ ...hello, device: identity.device, incarnation });
      return withSignature(unsigned, identity.sign(unsigned));
    });
    for (const bytes of signs) a.groups.receive(bus.nowMs, b.received(bytes));
    for (const i of [0, 100, 343, 344, 599]) a.present.add(i.toString(16).padStart(16, "0"));
    bus.run(1000);
    expect(a.of("presence").filter(({ change }) => change === "join")).toHaveLength(3);
    expect(a.groups.memberCount).toBe(3);
    expect(a.groups.members(TEST_GROUP.groupId)).toHaveLength(3);
    return undefined;
  });
});
