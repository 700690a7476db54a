import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeSealedGroup } from "../../../../src/wire/group.js";
import { decodeGroupKeyNote, GroupKeyPurpose } from "../../../../src/wire/groupKeyNote.js";
import { datagramType } from "../../../../src/wire/header.js";
import { FIRST_KEYS, GroupBus, type GroupNode, SECRET_GROUP } from "../../../support/groupBus.js";

const { groupId } = SECRET_GROUP;

interface Four {
  readonly bus: GroupBus;
  readonly a: GroupNode;
  readonly b: GroupNode;
  readonly c: GroupNode;
  readonly d: GroupNode;
}

function four(seed: number): Four {
  const bus = new GroupBus(seed);
  const [a, b, c, d] = bus.secret(4);
  if (a === undefined || b === undefined || c === undefined || d === undefined) {
    throw new Error("unreachable");
  }
  return { bus, a, b, c, d };
}

function remove(bus: GroupBus, by: GroupNode, device: string): void {
  by.groups.removeMember(bus.nowMs, groupId, device);
  bus.poll(by);
}

/** Ended and started again with what its application kept. */
function restarted(bus: GroupBus, node: GroupNode): GroupNode {
  const [deviceSeed] = node.address.split(".").slice(-1).map(Number);
  bus.crash(node);
  if (node.keys === undefined || deviceSeed === undefined) throw new Error("nothing was kept");
  return bus.addSecret(node.keys, { deviceSeed, startedAtMs: 1_800_000_000_000 });
}

/** Nobody of `cut` hears or is heard. */
function cutOff(bus: GroupBus, ...cut: GroupNode[]): void {
  bus.weather = ({ from, to }) => (cut.includes(from) === cut.includes(to) ? [0.2] : []);
}

function heal(bus: GroupBus): void {
  bus.weather = () => [0.2];
}

function names(bus: GroupBus, node: GroupNode): string[] {
  const ids = new Set(node.groups.members(groupId).map(({ id }) => id));
  return bus.nodes.filter(({ device }) => ids.has(device)).map(({ context }) => context.name);
}

/** Everybody of `nodes` says something, and all of them read it. */
function allTalk(bus: GroupBus, nodes: readonly GroupNode[], when: string): void {
  for (const node of nodes) node.say(bus.nowMs, `${when} ${node.address}`);
  bus.run(60_000);
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    const heard = node.texts().filter((text) => text.startsWith(when));
    expect(heard.toSorted()).toEqual(others.map(({ address }) => `${when} ${address}`).toSorted());
  }
}

function keyIdsOf(node: GroupNode, sinceMs: number): Set<string> {
  const sealed = node.sent.filter(
    ({ bytes, atMs }) => atMs >= sinceMs && datagramType(bytes) === DatagramType.groupSealed,
  );
  return new Set(sealed.map(({ bytes }) => decodeSealedGroup(bytes).keyId));
}

describe("removing a member", () => {
  it.each([1, 2, 3])(
    "all others read on and it reads nothing, three in ten lost (seed %i)",
    (seed) => {
      const { bus, a, b, c, d } = four(seed);
      bus.weather = bus.roughWeather({ loss: 0.3, duplication: 0.05, delayMs: 5 });
      d.say(bus.nowMs, "for d as well");
      bus.run(10_000);
      const removedAtMs = bus.nowMs;
      remove(bus, a, d.device);
      for (let i = 0; i < 10; i += 1) {
        a.say(bus.nowMs, `without d ${i}`);
        if (d.of("groupExpelled").length === 0) d.say(bus.nowMs, `with d ${i}`);
        bus.run(100);
      }
      bus.run(40_000);
      expect(b.texts(a)).toEqual(Array.from({ length: 10 }, (_, i) => `without d ${i}`));
      expect(c.texts(a)).toEqual(b.texts(a));
      expect(d.texts(a)).toEqual([]);
      expect(d.of("groupExpelled")).toEqual([{ kind: "groupExpelled", groupId, by: a.device }]);
      for (const node of [a, b, c]) {
        expect(node.keys).toMatchObject({
          epoch: 1,
          removed: [d.device],
          change: { by: a.device },
        });
        expect(node.keys?.key).toBe(a.keys?.key);
        expect(names(bus, node)).not.toContain("n4");
        expect(node.of("groupRemoval")).toEqual([
          { kind: "groupRemoval", groupId, devices: [d.device], by: a.device },
        ]);
      }
      expect(a.texts(d)).toEqual(["for d as well"]);
      allTalk(bus, [a, b, c], "later");
      expect(keyIdsOf(a, removedAtMs).size).toBe(1);
      expect(d.notesUnderWay.size + a.notesUnderWay.size).toBe(0);
    },
  );

  it("is told, counted, and ends what the removed one sends", () => {
    const { bus, a, b, d } = four(4);
    remove(bus, a, d.device);
    bus.run(1000);
    expect(b.of("presence").at(-1)).toMatchObject({ change: "leave", online: 3 });
    const before = d.sent.length;
    expect(() => d.say(bus.nowMs, "but")).toThrow(
      expect.objectContaining({ code: "NOT_A_MEMBER" }),
    );
    a.say(bus.nowMs, "gone");
    bus.run(120_000);
    expect(d.sent.length).toBe(before);
    expect(d.groups.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
    d.groups.leave(bus.nowMs, groupId);
    bus.poll(d);
    expect(d.of("groupLeft")).toHaveLength(1);
    expect(d.sent.length).toBe(before);
    expect([a, b].map((node) => node.context.counters.get("groupKeysRefused"))).toEqual([0, 0]);
  });

  it("is nothing that one can hide from by showing oneself later", () => {
    const { bus, a, b, c, d } = four(22);
    // Nobody has met a fresh one of them before: it sees no sign yet that d is running.
    const fresh = restarted(bus, c);
    fresh.present = new Set([a, b].map((node) => node.context.incarnation));
    bus.run(100);
    d.say(bus.nowMs, "here");
    bus.run(1000);
    expect(names(bus, fresh)).not.toContain("n4");
    remove(bus, a, d.device);
    bus.run(1000);
    fresh.present.add(d.context.incarnation);
    bus.run(60_000);
    d.groups.join(bus.nowMs, SECRET_GROUP, FIRST_KEYS);
    bus.run(60_000);
    expect(names(bus, fresh)).not.toContain("n4");
    remove(bus, fresh, "ab".repeat(32));
    bus.run(1000);
    const keysForD = fresh.notes
      .filter(({ target }) => target.kind === "device" && target.id === d.device)
      .map(({ body }) => decodeGroupKeyNote(body).purpose);
    expect(keysForD).not.toContain(GroupKeyPurpose.rotation);
  });

  it("cannot be undone by who was removed, with what it still has", () => {
    const { bus, a, b, c, d } = four(5);
    // It does not hear of its removal, and is heard by all.
    bus.weather = ({ to }) => (to === d ? [] : [0.2]);
    remove(bus, a, d.device);
    d.say(bus.nowMs, "still here");
    bus.run(10_000);
    for (const node of [a, b, c]) {
      expect(node.texts(d)).toEqual([]);
      expect(names(bus, node)).not.toContain("n4");
    }
    // Another name for the same person, with the key that it was left with.
    const again = bus.addSecret(FIRST_KEYS);
    bus.run(1000);
    again.say(bus.nowMs, "it's only me");
    bus.run(60_000);
    for (const node of [a, b, c]) {
      expect(node.texts(again)).toEqual([]);
      expect(node.notes.map(({ target }) => target)).not.toContainEqual(
        expect.objectContaining({ id: again.device }),
      );
    }
    expect(again.keys?.key).toBe(FIRST_KEYS.key);
    expect(again.of("groupUnreadable")).not.toEqual([]);
  });

  it("tells who was away of it as soon as it is heard, at most now and then", () => {
    const { bus, a, d } = four(6);
    cutOff(bus, d);
    remove(bus, a, d.device);
    bus.run(60_000);
    expect(d.of("groupExpelled")).toEqual([]);
    expect(a.notesUnderWay.size).toBe(0);
    bus.weather = ({ from, to, bytes }) =>
      to === d && (from !== d || datagramType(bytes) === undefined) ? [] : [0.2];
    const before = a.notes.length;
    const verifications = a.verifications;
    for (let i = 0; i < 100; i += 1) {
      d.say(bus.nowMs, `line ${i}`);
      bus.run(100);
    }
    expect(a.notes.length - before).toBe(1);
    // Once told it is not listened to; the rest are heartbeats of the others.
    expect(a.verifications - verifications).toBeLessThan(20);
    heal(bus);
    bus.run(40_000);
    expect(d.of("groupExpelled")).toHaveLength(1);
  });
});

describe("a member that missed the change", () => {
  it("is told when it is back, by one who is there, and reads on", () => {
    const { bus, a, b, c, d } = four(7);
    cutOff(bus, c);
    remove(bus, a, d.device);
    bus.run(60_000);
    expect(c.keys?.key).toBe(FIRST_KEYS.key);
    heal(bus);
    bus.crash(a);
    b.say(bus.nowMs, "welcome back");
    bus.run(10_000);
    expect(c.texts(b)).toEqual(["welcome back"]);
    expect(c.keys).toMatchObject({ epoch: 1, removed: [d.device] });
    expect(c.of("groupUnreadable")).toEqual([]);
    expect(c.context.counters.get("groupDatagramsUnreadable")).toBeGreaterThan(0);
    allTalk(bus, [b, c], "later");
  });

  it("is told also if all the others were started anew while it was away", () => {
    const { bus, a, b, c, d } = four(21);
    cutOff(bus, c);
    remove(bus, a, d.device);
    bus.run(5000);
    const anew = [a, b].map((node) => restarted(bus, node));
    bus.run(5000);
    heal(bus);
    c.say(bus.nowMs, "I was away");
    bus.run(60_000);
    expect(c.keys).toMatchObject({ epoch: 1, removed: [d.device] });
    expect(anew.map((node) => node.texts(c))).toEqual([["I was away"], ["I was away"]]);
    const again = bus.addSecret(FIRST_KEYS); // d, under a name that nobody met
    allTalk(bus, [...anew, c], "later");
    expect(again.keys?.epoch ?? 0).toBe(0);
  });

  it("hears it from one of many, not from all", () => {
    const bus = new GroupBus(8);
    const nodes = bus.secret(12);
    const [a, late, d] = nodes;
    if (a === undefined || late === undefined || d === undefined) return expect.unreachable();
    cutOff(bus, late);
    remove(bus, a, d.device);
    bus.run(60_000);
    heal(bus);
    bus.crash(a);
    const before = nodes.flatMap(({ notes }) => notes).length;
    late.say(bus.nowMs, "what did I miss?");
    bus.run(20_000);
    expect(late.keys?.epoch).toBe(1);
    expect(nodes.flatMap(({ notes }) => notes).length - before).toBeLessThanOrEqual(3);
    return undefined;
  });

  it("is not told again and again while it cannot hear", () => {
    const { bus, a, c, d } = four(9);
    cutOff(bus, c);
    remove(bus, a, d.device);
    bus.run(60_000);
    bus.weather = ({ to }) => (to === c ? [] : [0.2]);
    const before = a.notes.length;
    for (let i = 0; i < 100; i += 1) {
      c.say(bus.nowMs, `line ${i}`);
      bus.run(100);
    }
    const isForC = ({ target }: { target: object }) => "id" in target && target.id === c.device;
    const told = a.notes.slice(before).filter(isForC).length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(3);
    expect(a.texts(c)).toHaveLength(100);
  });

  it("can read after two changes, and knows who is out", () => {
    const { bus, a, b, c, d } = four(10);
    cutOff(bus, c);
    remove(bus, a, d.device);
    bus.run(40_000);
    remove(bus, a, b.device);
    bus.run(40_000);
    heal(bus);
    bus.run(60_000);
    expect(c.keys).toMatchObject({ epoch: 2, removed: [d.device, b.device] });
    allTalk(bus, [a, c], "later");
  });
});

describe("two changes at the same time", () => {
  it.each([1, 2, 3, 4])("end in one key, and both victims are out (seed %i)", (seed) => {
    const bus = new GroupBus(seed);
    const [a, b, c, d, e, f] = bus.secret(6);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    if (d === undefined || e === undefined || f === undefined) return expect.unreachable();
    bus.weather = bus.roughWeather({ loss: 0.2, duplication: 0, delayMs: 20 });
    remove(bus, a, e.device);
    remove(bus, b, f.device);
    bus.run(60_000);
    const stay = [a, b, c, d];
    const [keys] = stay.map((node) => node.keys);
    expect(keys?.removed.toSorted()).toEqual([e.device, f.device].toSorted());
    for (const node of stay) {
      expect(node.keys?.key).toBe(keys?.key);
      expect(names(bus, node)).toHaveLength(3);
    }
    expect([e, f].map((node) => node.of("groupExpelled").length)).toEqual([1, 1]);
    allTalk(bus, stay, "later");
    const heard = [e, f].flatMap((node) => node.texts()).filter((text) => text.startsWith("later"));
    expect(heard).toEqual([]);
    return undefined;
  });

  it.each([1, 2, 3, 4])("of one device: all choose the same one (seed %i)", (seed) => {
    const { bus, a, b, c, d } = four(seed);
    remove(bus, a, d.device);
    remove(bus, b, d.device);
    bus.run(60_000);
    const stay = [a, b, c];
    expect(new Set(stay.map((node) => node.keys?.key)).size).toBe(1);
    expect(stay.map((node) => node.keys?.epoch)).toEqual([1, 1, 1]);
    allTalk(bus, stay, "later");
  });

  it.each([1, 2, 3, 4])("of each other: all others side with the same one (seed %i)", (seed) => {
    const { bus, a, b, c, d } = four(seed);
    const reaches = (from: GroupNode, to: GroupNode) =>
      from === to || [a, c].includes(from) === [a, c].includes(to);
    bus.weather = ({ from, to }) => (reaches(from, to) ? [0.2] : []);
    remove(bus, a, b.device);
    remove(bus, b, a.device);
    bus.run(1000);
    expect(c.keys?.key).toBe(a.keys?.key);
    expect(d.keys?.key).toBe(b.keys?.key);
    heal(bus);
    bus.run(60_000);
    expect(d.keys?.key).toBe(c.keys?.key);
    const stay = [a, b].filter(({ keys }) => keys?.key === c.keys?.key);
    expect(stay).toHaveLength(1);
    allTalk(bus, [c, d, ...stay], "later");
  });

  it.each([1, 2, 3])(
    "cannot be feigned by who was removed, not even with a lower key id",
    (seed) => {
      const { bus, a, b, c, d } = four(seed);
      // It changes the key too, in the same epoch, and one member hears of that first.
      bus.weather = ({ from, to }) => ([c, d].includes(from) === [c, d].includes(to) ? [0.2] : []);
      remove(bus, a, d.device);
      remove(bus, d, "ab".repeat(32));
      bus.run(1000);
      expect(c.keys?.key).toBe(d.keys?.key);
      bus.weather = ({ to, bytes }) => (to === d && datagramType(bytes) === undefined ? [] : [0.2]);
      bus.run(60_000);
      for (const node of [a, b, c]) {
        expect(node.keys?.key).toBe(a.keys?.key);
        expect(node.keys?.removed).toContain(d.device);
      }
      d.say(bus.nowMs, "am I in?");
      allTalk(bus, [a, b, c], "later");
      expect([a, b, c].flatMap((node) => node.texts(d))).toEqual([]);
      expect(d.texts().filter((text) => text.startsWith("later"))).toEqual([]);
    },
  );

  it("in two halves of a network that heals after an hour", () => {
    const bus = new GroupBus(11);
    const [a, b, c, d, e, f] = bus.secret(6);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    if (d === undefined || e === undefined || f === undefined) return expect.unreachable();
    cutOff(bus, a, b, e);
    remove(bus, a, e.device);
    remove(bus, c, f.device);
    bus.run(1_000_000);
    remove(bus, c, "ab".repeat(32));
    bus.run(2_600_000);
    heal(bus);
    bus.run(120_000);
    allTalk(bus, [a, b, c, d], "later");
    expect(a.keys?.removed).toEqual(expect.arrayContaining([e.device, f.device]));
    expect(c.keys?.key).toBe(a.keys?.key);
    return undefined;
  });
});

describe("the notes of a change", () => {
  it("give the removed one no key, and nobody else's notes reach it", () => {
    const { bus, a, d } = four(12);
    cutOff(bus, d);
    remove(bus, a, "cd".repeat(32));
    bus.run(1000);
    const isForD = ({ target }: { target: object }) => "id" in target && target.id === d.device;
    expect([...a.notesUnderWay.values()].filter(isForD)).toHaveLength(1);
    remove(bus, a, d.device);
    const left = [...a.notesUnderWay.values()].filter(isForD);
    expect(left.map(({ body }) => decodeGroupKeyNote(body).purpose)).toEqual([
      GroupKeyPurpose.removal,
    ]);
    const keys = a.of("groupKeys").map((event) => Buffer.from(event.keys.key, "hex"));
    expect(keys.some((key) => Buffer.from(left[0]?.body ?? []).includes(key))).toBe(false);
  });
});
