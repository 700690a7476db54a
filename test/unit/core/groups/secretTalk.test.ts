import { describe, expect, it } from "vitest";
import { parseGroupName } from "../../../../src/core/groups/groupName.js";
import { groupKeyOf } from "../../../../src/crypto/groupSeal.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeSealedGroup, encodeGroupSealHeader } from "../../../../src/wire/group.js";
import { datagramType } from "../../../../src/wire/header.js";
import {
  FIRST_KEYS,
  GroupBus,
  type GroupNode,
  SECRET_GROUP,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = SECRET_GROUP;
const key = groupKeyOf(FIRST_KEYS.key, new GroupBus(99).random);

/** The signed datagram in a sealed one. */
function inside(bytes: Uint8Array): Uint8Array {
  const { nonce, header, sealed } = decodeSealedGroup(bytes);
  const opened = key.open(nonce, header, sealed);
  if (opened === undefined) throw new Error("sealed with another key");
  return opened;
}

function sealed(inner: Uint8Array, group = groupId): Uint8Array {
  return key.seal(
    (nonce) => encodeGroupSealHeader({ groupId: group, keyId: key.id, nonce }),
    inner,
  );
}

function three(seed: number): { bus: GroupBus; a: GroupNode; b: GroupNode; c: GroupNode } {
  const bus = new GroupBus(seed);
  const [a, b, c] = bus.secret(3);
  if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
  return { bus, a, b, c };
}

describe("a secret group", () => {
  it("is read by its members, whatever is lost, and shows nobody else what is said or by whom", () => {
    const { bus, a, b, c } = three(1);
    bus.weather = bus.roughWeather({ loss: 0.3, duplication: 0.05, delayMs: 5 });
    const long = "a long line of the plan ".repeat(200);
    const said = ["the plan", long, ...Array.from({ length: 20 }, (_, i) => `step ${i}`)];
    for (const text of said) {
      a.say(bus.nowMs, text);
      bus.run(5);
    }
    b.say(bus.nowMs, "understood");
    bus.run(30_000);
    expect(b.texts(a)).toEqual(said);
    expect(c.texts(a)).toEqual(said);
    expect(a.texts()).toEqual(["understood"]);
    expect(b.context.counters.get("nacksSent")).toBeGreaterThan(0);
    const wire = bus.nodes.flatMap((node) => node.sent.map(({ bytes }) => Buffer.from(bytes)));
    // Names with the byte before them that tells their length: two letters alone come by chance.
    const hidden = ["the plan", "step 1", "understood", "\u0002n1", "\u0002n2"].map((text) =>
      Buffer.from(text),
    );
    hidden.push(...bus.nodes.map(({ device }) => Buffer.from(device, "hex")));
    for (const bytes of wire) {
      expect(datagramType(bytes)).toBe(DatagramType.groupSealed);
      expect(bytes.length).toBeLessThanOrEqual(1200);
      for (const text of hidden) expect(bytes.includes(text)).toBe(false);
    }
  });

  it("fills its datagrams", () => {
    const { bus, a, b } = three(2);
    const before = a.context.counters.get("groupDatagramsSent");
    a.say(bus.nowMs, "x".repeat(20_000));
    bus.run(2000);
    expect(b.texts()).toEqual(["x".repeat(20_000)]);
    expect(a.context.counters.get("groupDatagramsSent") - before).toBe(21);
    expect(Math.max(...a.sent.map(({ bytes }) => bytes.length))).toBeGreaterThan(1160);
  });

  it("seals a repair anew", () => {
    const { bus, a, b } = three(3);
    bus.weather = () => [];
    a.say(bus.nowMs, "lost at first");
    bus.run(1);
    bus.weather = () => [0.2];
    bus.run(2000);
    expect(b.texts()).toEqual(["lost at first"]);
    const nonces = a.sent.map(({ bytes }) => Buffer.from(bytes.subarray(20, 44)).toString("hex"));
    expect(new Set(nonces).size).toBe(nonces.length);
    expect(a.context.counters.get("repairsSent")).toBeGreaterThan(0);
  });

  it("has nothing to do with the open group of the same label", () => {
    const { bus, a, b } = three(4);
    const open = bus.add();
    open.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(1000);
    a.say(bus.nowMs, "secret");
    open.say(bus.nowMs, "open");
    bus.run(2000);
    expect(open.texts()).toEqual([]);
    expect(open.groups.members(TEST_GROUP.groupId)).toEqual([]);
    expect(b.texts()).toEqual(["secret"]);
    expect(b.groups.members(groupId)).toHaveLength(2);
  });

  it("shows nothing to and takes nothing from whoever has another passphrase, and says so", () => {
    const { bus, a, b } = three(5);
    const wrong = bus.addSecret({ ...FIRST_KEYS, key: "5f".repeat(32) });
    bus.run(1000);
    a.say(bus.nowMs, "for us");
    wrong.say(bus.nowMs, "let me in");
    bus.run(10_000);
    expect(wrong.texts()).toEqual([]);
    expect(b.texts()).toEqual(["for us"]);
    expect(wrong.groups.members(groupId)).toEqual([]);
    expect(wrong.context.counters.get("groupDatagramsUnreadable")).toBeGreaterThan(0);
    expect(wrong.of("groupUnreadable")).toHaveLength(1);
    bus.run(120_000);
    expect(wrong.of("groupUnreadable").length).toBeGreaterThan(1);
    expect(wrong.of("groupUnreadable").length).toBeLessThanOrEqual(3);
    expect(a.notes).toEqual([]);
  });

  it("needs its keys, and an open group has none", () => {
    const bus = new GroupBus(6);
    const node = bus.add();
    const refused = expect.objectContaining({ code: "INVALID_GROUP" });
    expect(() => node.groups.join(0, SECRET_GROUP)).toThrow(refused);
    expect(() => node.groups.join(0, TEST_GROUP, FIRST_KEYS)).toThrow(refused);
    node.groups.join(0, TEST_GROUP);
    expect(() => node.groups.removeMember(0, TEST_GROUP.groupId, node.device)).toThrow(refused);
    const target = { kind: "device" as const, id: "ab".repeat(32) };
    expect(() => node.groups.invite(0, TEST_GROUP.groupId, target, 1)).toThrow(refused);
    const stranger = expect.objectContaining({ code: "NOT_A_MEMBER" });
    expect(() => node.groups.invite(0, groupId, target, 1)).toThrow(stranger);
    expect(() => node.groups.removeMember(0, groupId, target.id)).toThrow(stranger);
  });
});

describe("what is not sealed as it must be", () => {
  it("is dropped: clear in a secret group, sealed in an open one, or for another group inside", () => {
    const { bus, a, b } = three(7);
    const open = bus.add();
    open.groups.join(bus.nowMs, TEST_GROUP);
    open.say(bus.nowMs, "open");
    const before = a.sent.length;
    bus.weather = () => [];
    a.say(bus.nowMs, "said once");
    bus.run(500);
    const clear = a.sent.slice(before).map(({ bytes }) => inside(bytes));
    expect(clear.map(datagramType)).toContain(DatagramType.groupData);
    for (const bytes of clear) b.groups.receive(bus.nowMs, a.received(bytes));
    bus.poll(b);
    expect(b.texts()).toEqual([]);
    const openData = open.sentOf(DatagramType.groupData)[0] ?? new Uint8Array();
    b.groups.join(bus.nowMs, TEST_GROUP);
    b.groups.receive(bus.nowMs, open.received(sealed(openData)));
    b.groups.receive(bus.nowMs, open.received(sealed(openData, TEST_GROUP.groupId)));
    const twice = sealed(sealed(clear[0] ?? new Uint8Array()));
    b.groups.receive(bus.nowMs, a.received(twice));
    b.groups.receive(bus.nowMs, a.received(sealed(new Uint8Array([0xf9, 1, 0x01, 0]))));
    bus.poll(b);
    expect(b.texts()).toEqual([]);
    expect(b.groups.members(TEST_GROUP.groupId)).toEqual([]);
    for (const bytes of clear) b.groups.receive(bus.nowMs, a.received(sealed(bytes)));
    bus.poll(b);
    expect(b.texts()).toEqual(["said once"]);
    b.groups.receive(bus.nowMs, open.received(openData));
    bus.poll(b);
    expect(b.texts()).toEqual(["said once", "open"]);
  });

  it("is dropped when it was sealed for another secret group by a member of both", () => {
    const { bus, a, b } = three(10);
    const other = parseGroupName("#other", 22401, { secret: true });
    for (const node of [a, b]) node.groups.join(bus.nowMs, other, FIRST_KEYS);
    bus.run(1000);
    bus.weather = () => [];
    a.say(bus.nowMs, "for the first group");
    bus.run(1);
    const data = inside(a.sent.at(-1)?.bytes ?? new Uint8Array());
    b.groups.receive(bus.nowMs, a.received(sealed(data, other.groupId)));
    bus.poll(b);
    expect(b.texts()).toEqual([]);
    b.groups.receive(bus.nowMs, a.received(sealed(data)));
    bus.poll(b);
    expect(b.texts()).toEqual(["for the first group"]);
  });

  it("is dropped when the signature inside is not that of its author", () => {
    const { bus, a, b } = three(8);
    bus.weather = () => [];
    a.say(bus.nowMs, "I never said that");
    bus.run(1);
    const data = inside(a.sent.at(-1)?.bytes ?? new Uint8Array());
    data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
    b.groups.receive(bus.nowMs, a.received(sealed(data)));
    bus.poll(b);
    expect(b.texts()).toEqual([]);
    expect(b.context.counters.get("datagramsForged")).toBe(1);
  });
});

describe("a replay", () => {
  it("of everything that was sent in a secret group changes nothing", () => {
    const { bus, a, b, c } = three(9);
    bus.carriesSync = false; // so that it is asked for
    let losses = 0;
    bus.weather = ({ to }) => {
      if (to !== b || losses > 0) return [0.2];
      losses += 1;
      return [];
    };
    a.say(bus.nowMs, "once");
    bus.run(2000);
    c.groups.leave(bus.nowMs, groupId);
    bus.run(3000);
    bus.crash(c);
    expect(b.context.counters.get("nacksSent")).toBeGreaterThan(0);
    const recorded = bus.nodes
      .concat(c)
      .flatMap((node) => node.sent.map(({ bytes, atMs }) => ({ node, bytes, atMs })));
    recorded.sort((one, other) => one.atMs - other.atMs);
    const told = [a, b].map(({ events }) => events.length);
    const repairs = a.context.counters.get("repairsSent");
    for (const { node, bytes } of recorded) {
      for (const victim of [a, b]) victim.groups.receive(bus.nowMs, node.received(bytes));
    }
    bus.run(5000);
    expect([a, b].map(({ events }) => events.length)).toEqual(told);
    expect(a.context.counters.get("repairsSent")).toBe(repairs);
  });
});
