import { describe, expect, it } from "vitest";
import type { GroupLog } from "../../../../src/core/groups/groupLog.js";
import {
  type GroupBus,
  type GroupNode,
  multicastBus,
  TEST_GROUP,
} from "../../../support/groupBus.js";
import type { KeptLog } from "../../../support/keptLog.js";

const LONG = "0123456789abcdef".repeat(1000);
/** Slow enough for a disk to fail in the middle of `LONG`. */
const limits = { groupBitsPerSecond: 80_000, groupMaxBitsPerSecond: 80_000, groupBurstBytes: 2400 };

/** A log on a disk that cannot be read for a while; what came meanwhile memory has. */
class BlindDisk {
  /** Nobody reads what was kept up to this sequence. */
  blindUpTo = 0;
  /** That is not there any more, either. */
  isLost = false;

  readonly reading = (log: KeptLog): GroupLog => ({
    streams: (groupId) => log.streams(groupId),
    saidBefore: (groupId, of, beforeMs) => log.saidBefore(groupId, of, beforeMs),
    read: (groupId, of, range) => {
      if (range.first > this.blindUpTo) return log.read(groupId, of, range);
      return this.isLost ? [] : undefined;
    },
  });
}

/** `b`'s disk fails when it has the first pieces of what `a` says, and all of that came. */
function cutShort(seed: number): { bus: GroupBus; a: GroupNode; b: GroupNode; disk: BlindDisk } {
  const bus = multicastBus(seed);
  const disk = new BlindDisk();
  const a = bus.add({ limits });
  const b = bus.add({ limits, reading: disk.reading });
  for (const node of [a, b]) node.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(3000);
  a.say(bus.nowMs, LONG);
  bus.run(600);
  disk.blindUpTo = b.of("groupDatagram").length;
  expect(disk.blindUpTo).toBeGreaterThan(3);
  bus.run(2000);
  return { bus, a, b, disk };
}

function told(node: GroupNode): (readonly [text: string, late: boolean])[] {
  const lines = node.of("groupMessage");
  return node.texts().map((text, index) => [text, lines[index]?.late === true] as const);
}

describe("a line whose first pieces cannot be read when its last one comes", () => {
  it("is not held before it can be told, and told once when they can", () => {
    const { bus, a, b, disk } = cutShort(1);
    expect(b.texts()).toEqual([]);
    const [said] = a.of("groupSaid");
    const deliveredUpTo = (): number => a.of("groupDelivered").at(-1)?.upToSequence ?? 0;
    expect(deliveredUpTo()).toBeLessThan(said?.sequence ?? 0);
    expect(b.groups.mentions()).not.toEqual(a.groups.mentions());
    disk.blindUpTo = 0;
    bus.run(5000);
    expect(told(b)).toEqual([[LONG, false]]);
    bus.run(60_000);
    expect(told(b)).toEqual([[LONG, false]]);
    expect(b.context.counters.get("groupDatagramsPutOff")).toBe(1);
    expect(b.of("gap")).toEqual([]);
    expect(b.groups.mentions()).toEqual(a.groups.mentions());
    expect(deliveredUpTo()).toBe(said?.sequence);
  });

  it("keeps nobody waiting: what its author says next comes first, and it is late then", () => {
    const { bus, a, b, disk } = cutShort(2);
    a.say(bus.nowMs, "next");
    bus.run(20_000);
    expect(told(b)).toEqual([["next", false]]);
    disk.blindUpTo = 0;
    bus.run(5000);
    expect(told(b)).toEqual([
      ["next", false],
      [LONG, true],
    ]);
  });

  it("is told although its author is gone, and nobody else has it", () => {
    const { bus, a, b, disk } = cutShort(3);
    bus.crash(a);
    bus.run(200_000);
    disk.blindUpTo = 0;
    bus.run(5000);
    expect(told(b)).toEqual([[LONG, false]]);
  });

  it("is told by the next start, once, if this one ends before", () => {
    const { bus, a, b } = cutShort(4);
    bus.crash(b);
    const again = bus.add({ deviceSeed: 2, log: b.log, limits });
    again.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(30_000);
    expect(again.texts()).toEqual([LONG]);
    expect(again.groups.mentions()).toEqual(a.groups.mentions());
  });

  it("is a gap if they turn out to be lost", () => {
    const { bus, b, disk } = cutShort(5);
    disk.isLost = true;
    bus.run(60_000);
    expect(b.texts()).toEqual([]);
    expect(b.of("gap").map(({ count }) => count)).toEqual([1]);
  });

  it("is told no more once we left", () => {
    const { bus, b, disk } = cutShort(6);
    b.groups.leave(bus.nowMs, TEST_GROUP.groupId);
    disk.blindUpTo = 0;
    bus.run(10_000);
    expect(b.texts()).toEqual([]);
  });
});
