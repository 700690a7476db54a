import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../../src/errors.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { datagramType } from "../../../../src/wire/header.js";
import { GroupBus, type GroupNode } from "../../../support/groupBus.js";

/** Data, heartbeats and a NACK of `a` that `b` has not received. */
function unseen(secret: boolean): { bus: GroupBus; a: GroupNode; b: GroupNode; all: Uint8Array[] } {
  const bus = new GroupBus(1);
  const limits = { unauthenticatedPerSecondPerSource: 1e9 };
  const [a, b] = secret ? bus.secret(2, { limits }) : bus.joined(2, { limits });
  if (a === undefined || b === undefined) throw new Error("unreachable");
  const before = a.sent.length;
  bus.weather = () => [];
  b.say(bus.nowMs, "lost");
  bus.run(1);
  bus.weather = ({ from }) => (from === b ? [0.2] : []);
  b.say(bus.nowMs, "not lost");
  a.say(bus.nowMs, "unseen");
  bus.run(1500);
  bus.weather = () => [];
  expect(a.context.counters.get("nacksSent")).toBeGreaterThan(0);
  return { bus, a, b, all: a.sent.slice(before).map(({ bytes }) => bytes) };
}

/** As the core does. */
function receive(bus: GroupBus, node: GroupNode, from: GroupNode, bytes: Uint8Array): void {
  try {
    node.groups.receive(bus.nowMs, from.received(bytes));
  } catch (error) {
    if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
  }
}

describe.each([
  ["open", false],
  ["sealed", true],
])("%s group datagrams", (_kind, secret) => {
  it("cut at any length, or with any bit changed, do nothing; whole, they do", () => {
    const { bus, a, b, all } = unseen(secret);
    const { groupData, groupHeartbeat, groupNack, groupSealed } = DatagramType;
    const types = new Set(all.map(datagramType));
    expect(types).toEqual(new Set(secret ? [groupSealed] : [groupData, groupHeartbeat, groupNack]));
    const [told, sent] = [b.events.length, b.sent.length];
    const repairs = b.context.counters.get("repairsSent");
    for (const bytes of all) {
      for (let length = 0; length < bytes.length; length += 1) {
        receive(bus, b, a, Uint8Array.from(bytes.subarray(0, length)));
      }
      // The fourth byte is flags: readers ignore it, but a signature and a seal cover it.
      for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
        const changed = Uint8Array.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        receive(bus, b, a, changed);
      }
      receive(bus, b, a, new Uint8Array([...bytes, 0]));
    }
    bus.run(50);
    expect(b.events.slice(told)).toEqual([]);
    // What cannot be opened makes it show itself once, in case others do not know its key.
    expect(b.sent.length - sent).toBeLessThanOrEqual(secret ? 1 : 0);
    expect(b.context.counters.get("repairsSent")).toBe(repairs);
    for (const bytes of all) receive(bus, b, a, bytes);
    bus.run(50);
    expect(b.texts()).toEqual(["unseen"]);
    expect(b.context.counters.get("repairsSent")).toBeGreaterThan(repairs);
  });
});
