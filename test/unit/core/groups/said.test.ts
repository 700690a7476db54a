import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData, decodeGroupHeartbeat } from "../../../../src/wire/group.js";
import {
  FIRST_KEYS,
  isData,
  multicastBus,
  SECRET_GROUP,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;
const SLOW = { groupBitsPerSecond: 8000, groupMaxBitsPerSecond: 8000, groupBurstBytes: 1200 };

describe("a line of ours", () => {
  it("is said when its last datagram is kept, and not before", () => {
    const bus = multicastBus(1);
    const [a] = bus.joined(1, { limits: SLOW });
    if (a === undefined) return expect.unreachable();
    a.say(bus.nowMs, "x".repeat(2500));
    a.say(bus.nowMs, "short");
    bus.run(2000);
    expect(a.of("groupDatagram").length).toBeGreaterThan(0);
    expect(a.of("groupSaid")).toEqual([]);
    bus.run(10_000);
    const said = a.of("groupSaid");
    expect(said.map(({ body }) => decodeUtf8(body))).toEqual(["x".repeat(2500), "short"]);
    for (const { sequence, hlc } of said) {
      const kept = a.events.findIndex((e) => e.kind === "groupDatagram" && e.sequence === sequence);
      const told = a.events.findIndex((e) => e.kind === "groupSaid" && e.hlc === hlc);
      expect(kept).toBeGreaterThanOrEqual(0);
      expect(kept).toBeLessThan(told);
    }
    return undefined;
  });

  it("has one reading of the clock in all its pieces, the same at every member", () => {
    const bus = multicastBus(2);
    const [a, b] = bus.joined(2);
    a?.say(bus.nowMs, "x".repeat(5000));
    bus.run(1000);
    const entries = a?.sentOf(DatagramType.groupData).flatMap((d) => decodeGroupData(d).entries);
    const [said] = a?.of("groupSaid") ?? [];
    expect(entries?.length).toBeGreaterThan(4);
    expect(new Set(entries?.map(({ hlc }) => hlc))).toEqual(new Set([said?.hlc]));
    expect(b?.of("groupMessage").map(({ hlc }) => hlc)).toEqual([said?.hlc]);
  });

  it("stands behind what it answers, and behind all we said before a restart, however clocks go", () => {
    const bus = multicastBus(3);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    b.groups.say(groupId, {
      body: new Uint8Array(1),
      sentAtMs: 1_700_000_500_000,
      messageSequence: 9,
    });
    bus.run(100);
    a.say(bus.nowMs, "answer"); // by a's clock long before
    // Beyond all clocks: nobody else follows.
    b.groups.say(groupId, {
      body: new Uint8Array(1),
      sentAtMs: 6_000_000_000_000,
      messageSequence: 10,
    });
    bus.run(100);
    const [question, far] = b.of("groupSaid");
    const [answer] = a.of("groupSaid");
    expect(answer?.hlc).toBeGreaterThan(question?.hlc ?? 0);
    bus.crash(b);
    const again = bus.add({ deviceSeed: 2, log: b.log });
    again.groups.join(bus.nowMs, TEST_GROUP);
    again.say(bus.nowMs, "after the restart");
    a.say(bus.nowMs, "still near its own clock");
    bus.run(100);
    expect(again.of("groupSaid")[0]?.hlc).toBeGreaterThan(far?.hlc ?? 0);
    expect(a.of("groupSaid")[1]?.hlc).toBeLessThan(far?.hlc ?? 0);
    return undefined;
  });

  it("stands behind what it answers on a host without a clock, as everywhere", () => {
    const bus = multicastBus(6);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    a.say(bus.nowMs, "question");
    bus.run(100);
    b.groups.say(groupId, { body: new Uint8Array(1), sentAtMs: 1000, messageSequence: 9 }); // 1970
    bus.run(100);
    const [question] = b.of("groupMessage");
    const [answer] = a.of("groupMessage");
    expect(question?.hlc).toBe(a.of("groupSaid")[0]?.hlc);
    expect(answer?.hlc).toBe((question?.hlc ?? 0) + 1);
    expect(b.of("groupSaid")[0]?.hlc).toBe(answer?.hlc);
    return undefined;
  });

  it("is given up when we are kept out, or leave and its turn does not come", () => {
    const bus = multicastBus(4);
    const [a, b] = bus.secret(2, { limits: SLOW });
    if (a === undefined || b === undefined) return expect.unreachable();
    b.say(bus.nowMs, "x".repeat(60_000));
    bus.run(1000);
    a.groups.removeMember(bus.nowMs, SECRET_GROUP.groupId, b.device);
    bus.run(5000);
    expect(b.of("groupExpelled")).toHaveLength(1);
    expect(b.of("groupUnsaid")).toMatchObject([{ groupId: SECRET_GROUP.groupId }]);
    expect(b.of("groupSaid")).toEqual([]);
    a.say(bus.nowMs, "x".repeat(60_000));
    a.say(bus.nowMs, "and this");
    bus.run(100);
    a.groups.leave(bus.nowMs, SECRET_GROUP.groupId);
    bus.run(40_000);
    expect(new Set(a.of("groupUnsaid").map(({ messageId }) => messageId)).size).toBe(2);
    return undefined;
  });
});

describe("what can be repeated", () => {
  it("is all of this start that is kept, also after leaving and joining again", () => {
    const bus = multicastBus(5);
    const [a] = bus.joined(2, { limits: { groupLogDatagrams: 6 } });
    if (a === undefined) return expect.unreachable();
    const latest = () => {
      const bytes = a.sentOf(DatagramType.groupHeartbeat).at(-1);
      return bytes === undefined ? undefined : decodeGroupHeartbeat(bytes);
    };
    for (let i = 0; i < 4; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(4500); // no faster: what was said is not forgotten so soon
    }
    expect(latest()).toMatchObject({ lead: 4, trail: 1 });
    a.groups.leave(bus.nowMs, groupId);
    bus.run(10_000);
    a.groups.join(bus.nowMs, TEST_GROUP);
    for (let i = 4; i < 8; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(4500);
    }
    expect(latest()).toMatchObject({ lead: 8, trail: 3 });
    return undefined;
  });

  it("in a secret group is what was said under the present key: newcomers read nothing older", () => {
    const bus = multicastBus(6);
    const [a, b, c] = bus.secret(3);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    bus.weather = ({ to }) => (to === b ? [] : [0.2]);
    a.say(bus.nowMs, "before the change");
    bus.run(10);
    bus.weather = () => [0.2];
    a.groups.removeMember(bus.nowMs, SECRET_GROUP.groupId, c.device);
    bus.run(3000);
    a.say(bus.nowMs, "after the change");
    bus.run(20_000);
    expect(b.context.counters.get("nacksSent")).toBeGreaterThan(0);
    expect(a.context.counters.get("repairsSent")).toBe(0);
    expect(b.texts(a)).toEqual(["after the change"]);
    const keys = a.of("groupDatagram").map(({ keyId }) => keyId);
    expect(new Set(keys).size).toBe(2);
    expect(a.keys?.epoch).toBe(FIRST_KEYS.epoch + 1);
    return undefined;
  });

  it("is sent as it was signed", () => {
    const bus = multicastBus(7);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    let lost = false;
    bus.weather = ({ bytes }) => {
      if (!isData(bytes) || lost) return [0.2];
      lost = true;
      return [];
    };
    a.say(bus.nowMs, "twice");
    bus.run(3000);
    const sent = a
      .sentOf(DatagramType.groupData)
      .map((bytes) => Buffer.from(bytes).toString("hex"));
    expect(sent).toHaveLength(2);
    expect(new Set(sent).size).toBe(1);
    expect(b.texts()).toEqual(["twice"]);
    return undefined;
  });
});
