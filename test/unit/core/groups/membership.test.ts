import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupHeartbeat, encodeGroupHeartbeat } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { GroupBus, GroupNode, isData, TEST_GROUP } from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

function changes(node: GroupNode | undefined): string[] {
  const name = (address: string) => address.replace("10.0.0.", "n");
  return (node?.of("presence") ?? []).map(
    ({ change, peer, online }) => `${change} ${name(peer.address)} ${online}`,
  );
}

describe("presence", () => {
  it("tells joins, leaves and how many are online; joining twice is once", () => {
    const bus = new GroupBus(1);
    const [a, b, c] = bus.joined(3);
    c?.groups.join(bus.nowMs, TEST_GROUP);
    b?.groups.leave(bus.nowMs, groupId);
    bus.run(5000);
    expect(changes(a)).toEqual(["join n2 2", "join n3 3", "leave n2 2"]);
    expect(a?.groups.members(groupId)).toMatchObject([
      { name: "n2", address: "10.0.0.2", port: 22400, online: false },
      { name: "n3", address: "10.0.0.3", port: 22400, online: true },
    ]);
    expect(b?.of("groupLeft")).toEqual([{ kind: "groupLeft", groupId }]);
    expect(b?.groups.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
    expect(c?.sentOf(DatagramType.groupHeartbeat).filter(isHello)).toHaveLength(3);
  });

  it("a silent member is offline, and online when it is heard again", () => {
    const bus = new GroupBus(2);
    const [a, b] = bus.joined(2);
    bus.weather = () => [];
    bus.run(400_000);
    expect(changes(a)).toEqual(["join n2 2", "offline n2 1"]);
    bus.weather = () => [0.2];
    b?.say(bus.nowMs, "back");
    bus.run(1000);
    expect(changes(a).slice(2)).toEqual(["online n2 2"]);
    expect(a?.texts()).toEqual(["back"]);
  });

  it("nobody is silent while we ourselves could not listen", () => {
    const bus = new GroupBus(2);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    bus.run(60_000);
    const beforeMs = bus.nowMs;
    bus.nodes.splice(bus.nodes.indexOf(b), 1);
    bus.run(300_000);
    bus.nodes.push(b);
    b.groups.compensate(bus.nowMs, bus.nowMs - beforeMs);
    bus.run(60_000);
    expect(changes(b)).toEqual(["join n1 2"]);
    bus.crash(a);
    bus.run(200_000);
    expect(changes(b)).toEqual(["join n1 2", "offline n1 1"]);
    return undefined;
  });

  it("counts a device once, however many incarnations it has", () => {
    const bus = new GroupBus(3);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    bus.crash(b);
    const again = bus.add({ deviceSeed: 2 });
    again.groups.join(bus.nowMs, TEST_GROUP);
    again.say(bus.nowMs, "hello again");
    bus.run(200_000);
    expect(changes(a)).toEqual(["join n2 2"]);
    expect(a.texts()).toEqual(["hello again"]);
    expect(a.groups.members(groupId)).toMatchObject([{ incarnation: again.context.incarnation }]);
    return undefined;
  });

  it("a steady group of three costs few heartbeats", () => {
    const bus = new GroupBus(4);
    const [a] = bus.joined(3);
    bus.run(100_000);
    const before = a?.sent.length ?? 0;
    bus.run(300_000);
    const sent = (a?.sent.length ?? 0) - before;
    expect(sent).toBeGreaterThanOrEqual(300 / 37.5 - 1);
    expect(sent).toBeLessThanOrEqual(300 / 22.5 + 1);
  });

  it("drops the member that is offline longest when there are too many", () => {
    const bus = new GroupBus(5);
    const [a, b] = bus.joined(2, { limits: { membersPerGroup: 2 } });
    b?.groups.leave(bus.nowMs, groupId);
    bus.run(3000);
    for (let i = 0; i < 3; i += 1) bus.add().groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    const members = a?.groups.members(groupId) ?? [];
    expect(members).toHaveLength(2);
    expect(members.every((member) => member.online)).toBe(true);
  });

  it("has a newcomer take the place of who was heard only once", () => {
    const bus = new GroupBus(5);
    const [a, b] = bus.joined(2, { limits: { membersPerGroup: 4 } });
    if (a === undefined || b === undefined) return expect.unreachable();
    // Three strangers, each with one heartbeat that promises much.
    for (let index = 101; index <= 103; index += 1) {
      const stranger = new GroupNode(index, bus.random);
      const { identity, incarnation, name, dataPort } = stranger.context;
      const startedAtMs = 1_700_000_000_000;
      const said = { startedAtMs, lead: 0, trail: 1, intervalMs: 0xffff_ffff, name, dataPort };
      const sequence = 1;
      const origin = { groupId, device: identity.device, incarnation, sequence };
      const unsigned = encodeGroupHeartbeat({
        ...origin,
        ...said,
        hello: true,
        leaving: false,
        wantsCopies: false,
        digest: "00".repeat(8),
      });
      const bytes = withSignature(unsigned, identity.sign(unsigned));
      a.groups.receive(bus.nowMs, stranger.received(bytes));
      bus.poll(a);
    }
    expect(changes(a).slice(1)).toEqual(["join n101 3", "join n102 4", "join n103 5"]);
    const c = bus.add();
    c.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    c.say(bus.nowMs, "here I am");
    bus.run(1000);
    expect(a.texts(c)).toEqual(["here I am"]);
    expect(changes(a).slice(4)).toEqual(["offline n101 4", "join n3 5"]);
    bus.run(4 * 180_000);
    const [silent, ...more] = changes(a).slice(6).toSorted();
    expect([silent?.slice(0, -2), more.length]).toEqual(["offline n102", 1]);
    return undefined;
  });

  it("refuses one group too many", () => {
    const bus = new GroupBus(6);
    const node = bus.add({ limits: { groups: 1 } });
    node.groups.join(0, TEST_GROUP);
    const join = () => node.groups.join(0, { ...TEST_GROUP, groupId: "0123456789abcdef" });
    expect(join).toThrow(expect.objectContaining({ code: "LIMIT_REACHED" }));
  });

  it("says hello again when interfaces change", () => {
    const bus = new GroupBus(7);
    const [a] = bus.joined(2);
    const before = a?.sent.length ?? 0;
    a?.groups.interfacesChanged(bus.nowMs);
    bus.run(250);
    expect(a?.sent.slice(before).map(({ bytes }) => isHello(bytes))).toContain(true);
  });
});

describe("joining and leaving", () => {
  it("a late joiner asks for nothing but what is said from now on; others bring what was before", () => {
    for (const carriesSync of [false, true]) {
      const bus = new GroupBus(1);
      bus.carriesSync = carriesSync;
      const [a] = bus.joined(2);
      for (const text of ["old 1", "old 2"]) {
        a?.say(bus.nowMs, text);
        bus.run(10);
      }
      const late = bus.add();
      late.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(1500);
      a?.say(bus.nowMs, "new");
      bus.run(10_000);
      const told = late.of("groupMessage").map((event) => ({
        text: decodeUtf8(event.body),
        late: event.late,
      }));
      const history = ["old 1", "old 2"].map((text) => ({ text, late: true }));
      expect(told).toEqual([...(carriesSync ? history : []), { text: "new", late: false }]);
      expect(late.sentOf(DatagramType.groupNack)).toEqual([]);
      expect(late.of("gap")).toEqual([]);
    }
  });

  it("the first lines of a newcomer are recovered", () => {
    const bus = new GroupBus(2);
    const [a] = bus.joined(1);
    const newcomer = bus.add();
    newcomer.groups.join(bus.nowMs, TEST_GROUP);
    bus.weather = () => [];
    newcomer.say(bus.nowMs, "first");
    bus.run(1);
    newcomer.say(bus.nowMs, "second");
    bus.run(1);
    bus.weather = () => [0.2];
    bus.run(3000);
    expect(a?.texts()).toEqual(["first", "second"]);
  });

  it("a member that leaves repairs its last line before it is gone", () => {
    const bus = new GroupBus(3);
    const [a, b] = bus.joined(2);
    let dropped = 0;
    bus.weather = ({ bytes }) => {
      if (!isData(bytes) || dropped === 2) return [0.2];
      dropped += 1;
      return [];
    };
    a?.say(bus.nowMs, "bye");
    a?.groups.leave(bus.nowMs, groupId);
    bus.run(10_000);
    expect(dropped).toBe(2);
    expect(b?.texts()).toEqual(["bye"]);
    expect(changes(b).at(-1)).toBe("leave n1 1");
    expect(a?.of("groupLeft")).toHaveLength(1);
  });

  it("tells the final lead only when everything that waits is sent", () => {
    const bus = new GroupBus(4);
    const limits = {
      groupBitsPerSecond: 80_000,
      groupMaxBitsPerSecond: 80_000,
      groupBurstBytes: 1200,
    };
    const [a, b] = bus.joined(2, { limits });
    a?.say(bus.nowMs, "x".repeat(30_000));
    a?.groups.leave(bus.nowMs, groupId);
    bus.run(20_000);
    expect(b?.texts()).toEqual(["x".repeat(30_000)]);
    const leaves = (a?.sentOf(DatagramType.groupHeartbeat) ?? [])
      .map(decodeGroupHeartbeat)
      .filter((heartbeat) => heartbeat.leaving);
    const lead = a?.sentOf(DatagramType.groupData).length;
    expect(leaves.map((heartbeat) => heartbeat.lead)).toEqual([lead, lead, lead, lead]);
    expect(a?.of("groupLeft")).toHaveLength(1);
  });

  it.each([10, 5000])("joins again %i ms after leaving and is understood", (pauseMs) => {
    const bus = new GroupBus(5);
    const [a, b] = bus.joined(2);
    a?.say(bus.nowMs, "before");
    bus.run(100);
    a?.groups.leave(bus.nowMs, groupId);
    bus.run(pauseMs);
    a?.groups.join(bus.nowMs, TEST_GROUP);
    a?.say(bus.nowMs, "after");
    bus.run(10_000);
    b?.say(bus.nowMs, "welcome");
    bus.run(1000);
    expect(b?.texts()).toEqual(["before", "after"]);
    expect(a?.texts()).toEqual(["welcome"]);
    expect(changes(b)).toEqual(["join n1 2", "leave n1 1", "join n1 2"]);
    expect(b?.of("gap")).toEqual([]);
  });
});

function isHello(bytes: Uint8Array): boolean {
  const isHeartbeat = bytes[2] === DatagramType.groupHeartbeat;
  return isHeartbeat && decodeGroupHeartbeat(bytes).hello;
}
