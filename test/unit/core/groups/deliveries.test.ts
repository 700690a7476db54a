import { expect, it } from "vitest";
import type { GroupLog } from "../../../../src/core/groups/groupLog.js";
import { type GroupNode, multicastBus, TEST_GROUP } from "../../../support/groupBus.js";
import type { KeptLog } from "../../../support/keptLog.js";

const { groupId } = TEST_GROUP;

/** A log on a disk that cannot be read for a while. */
class BlindDisk {
  isBlind = false;

  readonly reading = (log: KeptLog): GroupLog => ({
    streams: () => (this.isBlind ? [] : log.streams(groupId)),
    read: (_groupId, of, range) => (this.isBlind ? undefined : log.read(groupId, of, range)),
    saidBefore: () => undefined,
  });
}

/** `a` says one line, and leaves; `between`; then it joins again, and says another one. */
function backAfter(between: (a: GroupNode, b: GroupNode, disk: BlindDisk) => void) {
  const bus = multicastBus(1);
  const disk = new BlindDisk();
  const [a, b] = [bus.add({ reading: disk.reading }), bus.add()];
  a.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(3000);
  a.say(bus.nowMs, "one");
  bus.run(1000);
  a.groups.leave(bus.nowMs, groupId);
  bus.run(10_000);
  b.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(5000);
  between(a, b, disk);
  a.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(10_000);
  a.say(bus.nowMs, "two");
  bus.run(60_000);
  return { a, b };
}

it("calls nothing delivered that somebody lacks as we do, since our log could not be read", () => {
  const { a, b } = backAfter((_a, _b, disk) => {
    disk.isBlind = true;
  });
  expect(b.texts()).toEqual(["two"]);
  expect(a.of("groupDelivered")).toEqual([]);
});

it("calls what we say delivered though we forgot what we had said in the group before", () => {
  const { a, b } = backAfter((left) => {
    const { device, context } = left;
    left.log.forget(groupId, { device, incarnation: context.incarnation }, 1);
  });
  expect(b.texts()).toEqual(["two"]);
  expect(a.of("groupDelivered").map(({ upToSequence }) => upToSequence)).toEqual([2]);
});

it("calls it all delivered to whoever gets what we kept of it", () => {
  const { a, b } = backAfter(() => undefined);
  expect(b.texts()).toEqual(["one", "two"]);
  expect(a.of("groupDelivered").at(-1)?.upToSequence).toBe(2);
});
