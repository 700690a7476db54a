/** Somebody who was removed from a secret group, and still has its former key. */
import { describe, expect, it } from "vitest";
import { FIRST_KEYS, GroupBus, type GroupNode, SECRET_GROUP } from "../../../support/groupBus.js";

const { groupId } = SECRET_GROUP;

/** `b` is away while `a` keeps mallory out; mallory comes to `b` alone, under another name. */
function misled(seed: number): { bus: GroupBus; a: GroupNode; b: GroupNode; alias: GroupNode } {
  const bus = new GroupBus(seed);
  const [a, b, mallory] = bus.secret(3);
  if (a === undefined || b === undefined || mallory === undefined) throw new Error("unreachable");
  b.say(bus.nowMs, "before");
  bus.run(5_000);
  const isCut = (one: GroupNode, other: GroupNode) => one === a && other !== a;
  bus.weather = ({ from, to }) => (isCut(from, to) || isCut(to, from) ? [] : [0.2]);
  a.groups.removeMember(bus.nowMs, groupId, mallory.device);
  bus.crash(mallory);
  const alias = bus.addSecret(FIRST_KEYS, { deviceSeed: 66 });
  bus.run(5_000);
  alias.say(bus.nowMs, "I was here all the time");
  bus.run(5_000);
  return { bus, a, b, alias };
}

describe("a former member", () => {
  it("says nothing by way of a member that it met before that member knew", () => {
    const { bus, a, b, alias } = misled(1);
    expect(b.texts()).toEqual(["I was here all the time"]);
    bus.crash(alias);
    bus.weather = () => [0.2];
    bus.run(120_000);
    expect(b.keys?.epoch).toBe(1);
    b.say(bus.nowMs, "after");
    bus.run(60_000);
    expect(a.texts()).toEqual(["before", "after"]);
    expect(a.context.counters.get("groupDatagramsUnreadable")).toBeGreaterThan(0);
  });
});
