import { describe, expect, it } from "vitest";
import type { GroupKeys } from "../../../../src/core/io.js";
import { groupKeyOf } from "../../../../src/crypto/groupSeal.js";
import {
  encodeGroupKeyNote,
  type GroupKeyNote,
  GroupKeyPurpose,
  groupKeyStatement,
  keyInRemoval,
  provenPart,
} from "../../../../src/wire/groupKeyNote.js";
import {
  FIRST_KEYS,
  GroupBus,
  GroupNode,
  noteRecord,
  SECRET_GROUP,
  TEST_GROUP,
} from "../../../support/groupBus.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const { groupId, label } = SECRET_GROUP;
const random = new SeededRandom(77);
const { invitation, removal, rotation } = GroupKeyPurpose;
const NEW_KEY = "7a".repeat(32);
const newKeyId = groupKeyOf(NEW_KEY, random).id;

type Claims = Partial<Omit<GroupKeyNote, "by">> & {
  /** The key whose id the statement names. */
  readonly signedKeyId?: string;
  readonly proofKey?: string;
};

/** A note that `by` makes: without claims, a rotation that everybody takes. */
function noteOf(by: GroupNode, claims: Claims = {}): Uint8Array {
  const proofKey = groupKeyOf(claims.proofKey ?? FIRST_KEYS.key, random);
  const said = { groupId, label, epoch: 1, by: by.device, removed: [], ...claims };
  const statement = groupKeyStatement(said, claims.signedKeyId ?? newKeyId);
  const unproven = {
    purpose: rotation,
    key: NEW_KEY,
    signature: by.context.identity.sign(statement),
    proofKeyId: proofKey.id,
    ...said,
  };
  return encodeGroupKeyNote({ proof: proofKey.prove(provenPart(unproven)), ...unproven });
}

interface Three {
  readonly bus: GroupBus;
  readonly a: GroupNode;
  readonly b: GroupNode;
  readonly c: GroupNode;
  readonly stranger: GroupNode;
}

function three(seed: number): Three {
  const bus = new GroupBus(seed);
  const [a, b, c] = bus.secret(3);
  if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
  return { bus, a, b, c, stranger: new GroupNode(50, new SeededRandom(50)) };
}

function give(bus: GroupBus, to: GroupNode, from: GroupNode, body: Uint8Array): void {
  to.groups.receiveNote(bus.nowMs, from.ref, noteRecord("groupKey", body));
  bus.poll(to);
}

/** What its application kept of keys that are not the first. */
function changes(node: GroupNode): GroupKeys[] {
  return node
    .of("groupKeys")
    .map(({ keys }) => keys)
    .filter(({ epoch }) => epoch > 0);
}

describe("a group key note", () => {
  it("of a member is taken, once", () => {
    const { bus, a, b } = three(1);
    give(bus, b, a, noteOf(a));
    expect(b.keys).toMatchObject({ epoch: 1, key: NEW_KEY, retired: [FIRST_KEYS.key] });
    give(bus, b, a, noteOf(a));
    expect(changes(b)).toHaveLength(1);
    expect(b.context.counters.get("groupKeysTaken")).toBe(1);
    expect(b.context.counters.get("groupKeysRefused")).toBe(0);
  });

  const flipped = (bytes: Uint8Array) =>
    Uint8Array.from(bytes, (byte, i) => (i === 0 ? byte ^ 1 : byte));
  const OTHER_KEY = "99".repeat(32);

  it.each<[string, (from: Three) => readonly [GroupNode, Uint8Array]]>([
    [
      "a stranger without a key",
      ({ stranger }) => [stranger, noteOf(stranger, { proofKey: OTHER_KEY })],
    ],
    ["nobody's proof", ({ a }) => [a, noteOf(a, { proof: new Uint8Array(16) })]],
    [
      "the proof of another note",
      ({ a }) => [a, noteOf(a, { proof: groupKeyOf(FIRST_KEYS.key, random).prove(noteOf(a)) })],
    ],
    [
      "another's signature",
      ({ a, c }) => [a, noteOf(a, { signature: c.context.identity.sign(new Uint8Array(9)) })],
    ],
    [
      "a broken signature",
      ({ a }) => [
        a,
        noteOf(a, {
          signature: flipped(
            a.context.identity.sign(
              groupKeyStatement({ groupId, label, epoch: 1, by: a.device, removed: [] }, newKeyId),
            ),
          ),
        }),
      ],
    ],
    ["a statement of another key", ({ a }) => [a, noteOf(a, { signedKeyId: "0011223344556677" })]],
    [
      "no higher epoch",
      ({ a }) => [
        a,
        noteOf(a, {
          epoch: 0,
          key: "fe".repeat(32),
          signedKeyId: groupKeyOf("fe".repeat(32), random).id,
        }),
      ],
    ],
    [
      "an epoch that leaves no room for later ones",
      ({ a }) => [a, noteOf(a, { epoch: Number.MAX_SAFE_INTEGER })],
    ],
    ["another label", ({ a }) => [a, noteOf(a, { label: "#other" })]],
    ["a victim that is given the key", ({ a, b }) => [a, noteOf(a, { removed: [b.device] })]],
    [
      "a removal of somebody else",
      ({ a, c }) => [
        a,
        noteOf(a, { purpose: removal, removed: [c.device], key: keyInRemoval(newKeyId) }),
      ],
    ],
    [
      "a removal with something behind the key's id",
      ({ a, b }) => [
        a,
        noteOf(a, { purpose: removal, removed: [b.device], key: `${newKeyId}${"11".repeat(24)}` }),
      ],
    ],
    [
      "a removal by a stranger",
      ({ stranger, b }) => [
        stranger,
        noteOf(stranger, {
          purpose: removal,
          removed: [b.device],
          key: keyInRemoval(newKeyId),
          proofKey: OTHER_KEY,
        }),
      ],
    ],
    ["a group that we are not in", ({ a }) => [a, noteOf(a, { groupId: "0011223344556677" })]],
    ["an open group", ({ a }) => [a, noteOf(a, { groupId: TEST_GROUP.groupId })]],
  ])("is refused with %s", (_why, forge) => {
    const scene = three(2);
    const { bus, a, b } = scene;
    b.groups.join(bus.nowMs, TEST_GROUP);
    const [from, body] = forge(scene);
    // A lower key id would win in the same epoch: these must not.
    give(bus, b, from, body);
    expect(b.of("groupExpelled")).toEqual([]);
    expect(b.keys?.key ?? FIRST_KEYS.key).toBe(FIRST_KEYS.key);
    expect(b.context.counters.get("groupKeysTaken")).toBe(0);
    expect(b.context.counters.get("groupKeysRefused")).toBe(1);
    b.say(bus.nowMs, "still with you");
    bus.run(1000);
    expect(a.texts(b)).toEqual(["still with you"]);
  });

  it("is refused from who was removed, and when it was made by who was removed", () => {
    const { bus, a, b, c } = three(3);
    const before = noteOf(c, { epoch: 2 });
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    const { key } = b.keys ?? FIRST_KEYS;
    give(bus, b, c, before);
    give(bus, b, a, before);
    give(bus, b, c, noteOf(a, { epoch: 3 }));
    expect(b.keys).toMatchObject({ key, epoch: 1 });
    expect(b.context.counters.get("groupKeysRefused")).toBe(3);
  });

  it("is refused from a stranger who has a former key alone: who was removed has it too", () => {
    const { bus, a, b, c, stranger } = three(11);
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    const { key } = b.keys ?? FIRST_KEYS;
    give(bus, b, stranger, noteOf(stranger, { epoch: 2 }));
    give(bus, b, stranger, noteOf(a, { epoch: 2 }));
    const victim = { purpose: removal, removed: [b.device], key: keyInRemoval(newKeyId) };
    give(bus, b, stranger, noteOf(stranger, { epoch: 2, ...victim }));
    expect(b.keys).toMatchObject({ key, epoch: 1 });
    expect(b.of("groupExpelled")).toEqual([]);
    expect(b.context.counters.get("groupKeysRefused")).toBe(3);
    give(bus, b, a, noteOf(a, { epoch: 2 }));
    expect(b.keys?.key).toBe(NEW_KEY);
  });

  it("that was replaced changes nothing when it is sent again", () => {
    const { bus, a, b, c } = three(4);
    a.groups.removeMember(bus.nowMs, groupId, "ab".repeat(32));
    bus.run(2000);
    a.groups.removeMember(bus.nowMs, groupId, "cd".repeat(32));
    bus.run(2000);
    const { key } = b.keys ?? FIRST_KEYS;
    const isForB = ({ target }: { target: object }) => "id" in target && target.id === b.device;
    const forB = a.notes.filter(isForB);
    expect(forB).toHaveLength(2);
    for (const { body } of forB) {
      give(bus, b, a, body);
      give(bus, b, c, body);
    }
    expect(b.keys).toMatchObject({ key, epoch: 2 });
    expect(changes(b)).toHaveLength(2);
  });

  it("cut at any length, or with any bit changed, does nothing", () => {
    const { bus, a, b } = three(5);
    const body = noteOf(a, { removed: ["ab".repeat(32)] });
    for (let length = 0; length < body.length; length += 1) {
      give(bus, b, a, body.slice(0, length));
    }
    for (let bit = 0; bit < 8 * body.length; bit += 1) {
      const changed = Uint8Array.from(body);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      give(bus, b, a, changed);
    }
    const told = new Set(b.events.map(({ kind }) => kind));
    expect([...told].toSorted()).toEqual(["groupKeys", "presence"]); // who was met
    expect(changes(b)).toEqual([]);
    give(bus, b, a, body);
    expect(b.keys?.key).toBe(NEW_KEY);
  });

  it("keeps eight former keys and 64 removals", () => {
    const { bus, a, b } = three(6);
    for (let i = 0; i < 70; i += 1) {
      a.groups.removeMember(bus.nowMs, groupId, i.toString(16).padStart(2, "0").repeat(32));
      bus.run(50);
    }
    bus.run(5000);
    for (const { keys } of [a, b]) {
      expect(keys).toMatchObject({ epoch: 70, key: a.keys?.key });
      expect([keys?.retired.length, keys?.removed.length]).toEqual([8, 64]);
      expect(keys?.change?.removed).toHaveLength(16);
    }
  });
});

describe("an invitation", () => {
  function invite(bus: GroupBus, by: GroupNode, whom: GroupNode): void {
    const target = { kind: "device" as const, id: whom.device };
    by.groups.invite(bus.nowMs, groupId, target, 1);
    bus.run(500);
  }

  function accepted(node: GroupNode): GroupKeys {
    const event = node.of("groupInvitation").at(-1);
    if (event === undefined) throw new Error("not invited");
    return event.keys;
  }

  it("lets a newcomer in after a change, by whoever is in", () => {
    const { bus, a, b, c } = three(7);
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    const newcomer = bus.add({ group: SECRET_GROUP });
    invite(bus, b, newcomer);
    expect(newcomer.of("groupInvitation")).toMatchObject([{ label, from: { id: b.device } }]);
    const keys = accepted(newcomer);
    expect(keys).toMatchObject({ epoch: 1, retired: [], removed: [c.device] });
    newcomer.groups.join(bus.nowMs, SECRET_GROUP, keys);
    bus.run(3000);
    newcomer.say(bus.nowMs, "thank you");
    a.say(bus.nowMs, "welcome");
    bus.run(2000);
    expect(newcomer.texts()).toEqual(["welcome"]);
    expect(a.texts(newcomer)).toEqual(["thank you"]);
    invite(bus, newcomer, bus.add({ group: SECRET_GROUP }));
    expect(accepted(bus.nodes.at(-1) ?? a)).toEqual(keys);
  });

  it("to the first key is signed by the inviter", () => {
    const { bus, a } = three(8);
    const newcomer = bus.add({ group: SECRET_GROUP });
    invite(bus, a, newcomer);
    expect(accepted(newcomer)).toEqual(FIRST_KEYS);
  });

  it("can go to whoever is at an address, and nobody can remove itself", () => {
    const { bus, a, c } = three(12);
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    const newcomer = bus.add({ group: SECRET_GROUP });
    const to = { address: newcomer.address, port: 22400 };
    a.groups.invite(bus.nowMs, groupId, { kind: "address", to }, 1);
    bus.run(500);
    expect(accepted(newcomer)).toMatchObject({ epoch: 1, removed: [c.device] });
    expect(() => a.groups.removeMember(bus.nowMs, groupId, a.device)).toThrow("that is you");
    expect(a.keys).toMatchObject({ epoch: 1, removed: [c.device] });
  });

  it("brings back who was removed, for all members", () => {
    const { bus, a, b, c } = three(9);
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    expect(c.of("groupExpelled")).toHaveLength(1);
    invite(bus, a, c);
    expect(a.keys?.removed).toEqual([]);
    c.groups.join(bus.nowMs, SECRET_GROUP, accepted(c));
    bus.run(3000);
    c.say(bus.nowMs, "I am back");
    b.say(bus.nowMs, "good");
    bus.run(3000);
    expect(b.texts(c)).toEqual(["I am back"]);
    expect(c.texts(b)).toEqual(["good"]);
    expect(b.keys?.removed).toEqual([]);
  });

  it("is good for the present key also if that was changed before it was accepted", () => {
    const { bus, a, b, c } = three(13);
    const newcomer = bus.add({ group: SECRET_GROUP });
    invite(bus, a, newcomer);
    bus.crash(b); // else it would meet both
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    newcomer.groups.join(bus.nowMs, SECRET_GROUP, accepted(newcomer));
    bus.run(10_000);
    newcomer.say(bus.nowMs, "thank you");
    a.say(bus.nowMs, "welcome");
    bus.run(5000);
    expect(newcomer.texts(a)).toEqual(["welcome"]);
    expect(a.texts(newcomer)).toEqual(["thank you"]);
  });

  it("of a group whose key was changed by somebody whom the user blocked is nothing", () => {
    const { bus, a, b, c } = three(11);
    a.groups.removeMember(bus.nowMs, groupId, c.device);
    bus.run(2000);
    const outside = bus.add({ group: SECRET_GROUP });
    outside.blocked.add(a.device);
    invite(bus, b, outside);
    expect(outside.of("groupInvitation")).toEqual([]);
    outside.blocked.clear();
    invite(bus, b, outside);
    expect(outside.of("groupInvitation")).toMatchObject([{ from: { id: b.device } }]);
  });

  it("is nothing to a member, and does not name another group or signer", () => {
    const { bus, a, b, stranger } = three(10);
    give(bus, b, stranger, noteOf(stranger, { purpose: invitation }));
    expect(b.of("groupInvitation")).toEqual([]);
    const outside = bus.add({ group: SECRET_GROUP });
    const open = { groupId: TEST_GROUP.groupId, label: TEST_GROUP.label };
    const forged: Claims[] = [
      { label: "#other" },
      { label: "nonsense" },
      { label: "#OPS" },
      open,
      { signedKeyId: "0011223344556677" },
      // No change could follow.
      { epoch: Number.MAX_SAFE_INTEGER },
    ];
    for (const claims of forged) {
      give(bus, outside, a, noteOf(a, { purpose: invitation, ...claims }));
    }
    expect(outside.of("groupInvitation")).toEqual([]);
    expect(outside.context.counters.get("groupKeysRefused")).toBe(forged.length);
    give(bus, outside, a, noteOf(a, { purpose: invitation }));
    expect(outside.of("groupInvitation")).toHaveLength(1);
  });
});
