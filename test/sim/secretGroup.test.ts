import { describe, expect, it } from "vitest";
import type { CoreOptions } from "../../src/core/core.js";
import type { GroupKeys } from "../../src/core/io.js";
import { identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { noiseSuite } from "../../src/crypto/noise.js";
import type { Faults } from "../support/simMedium.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const FIRST_KEYS: GroupKeys = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

/** Real keys, handshakes and seals. */
function realKeys(seed: number): Partial<CoreOptions> {
  const identity = identityFromSeed(new Uint8Array(32).fill(seed));
  return { identity, verify: verifyEd25519, handshakeSuite: noiseSuite(identity) };
}

function lan(
  seed: number,
  count: number,
  faults: Partial<Faults> = {},
): {
  net: SimNetwork;
  nodes: SimNode[];
  groupId: string;
  wire: Buffer[];
} {
  const net = new SimNetwork(seed, faults);
  const wire: Buffer[] = [];
  net.tap = (_from, { bytes }) => wire.push(Buffer.from(bytes));
  const nodes = Array.from({ length: count }, (_, index) =>
    net.addNode(`n${index}`, realKeys(index + 1)),
  );
  net.run(5000);
  const [groupId = ""] = nodes.map((node) => node.joinSecret("#ops", FIRST_KEYS));
  net.run(5000);
  return { net, nodes, groupId, wire };
}

function keysOf(node: SimNode): GroupKeys | undefined {
  return node.ofKind("groupKeys").at(-1)?.keys;
}

describe("a secret group on a LAN", () => {
  it.each([1, 2, 3])("removes a member over lossy sessions (seed %i)", (seed) => {
    const { net, nodes, groupId, wire } = lan(seed, 4, { lossPercent: 30 });
    const [a, b, c, out] = nodes;
    if (a === undefined || b === undefined || c === undefined || out === undefined) {
      return expect.unreachable();
    }
    net.run(20_000);
    out.say(groupId, "everybody's line");
    net.run(30_000);
    a.removeFrom(groupId, out);
    for (let i = 0; i < 20; i += 1) {
      a.say(groupId, `private line ${i}`);
      net.run(200);
    }
    net.run(60_000);
    const lines = Array.from({ length: 20 }, (_, i) => `private line ${i}`);
    expect(b.linesFrom(a, groupId)).toEqual(lines);
    expect(c.linesFrom(a, groupId)).toEqual(lines);
    expect(out.linesFrom(a, groupId)).toEqual([]);
    expect(a.linesFrom(out, groupId)).toEqual(["everybody's line"]);
    expect(out.ofKind("groupExpelled")).toHaveLength(1);
    expect(keysOf(b)?.key).toBe(keysOf(a)?.key);
    const secrets = ["private line", "everybody's"].map((text) => Buffer.from(text));
    for (const { keys } of a.ofKind("groupKeys")) secrets.push(Buffer.from(keys.key, "hex"));
    for (const secret of secrets) {
      expect(wire.some((bytes) => bytes.includes(secret))).toBe(false);
    }
    return undefined;
  });

  it("tells a member that was cut off during the change, and one that restarted", () => {
    const { net, nodes, groupId } = lan(4, 4);
    const [a, away, c, out] = nodes;
    if (a === undefined || away === undefined || c === undefined || out === undefined) {
      return expect.unreachable();
    }
    net.partition([a, c, out], [away]);
    a.removeFrom(groupId, out);
    net.run(120_000);
    net.heal();
    net.run(60_000);
    a.say(groupId, "welcome back");
    net.run(5000);
    expect(away.linesFrom(a, groupId)).toEqual(["welcome back"]);
    c.crash();
    a.removeFrom(groupId, away);
    net.run(60_000);
    const kept = keysOf(c) ?? FIRST_KEYS;
    c.restart();
    c.joinSecret("#ops", kept);
    net.run(60_000);
    a.say(groupId, "and you");
    net.run(5000);
    expect(c.linesFrom(a, groupId)).toEqual(["welcome back", "and you"]);
    expect(away.ofKind("groupExpelled")).toHaveLength(1);
    expect(away.linesFrom(a, groupId)).toEqual(["welcome back"]);
    return undefined;
  });

  it("lets a newcomer in by invitation, after a change", () => {
    const { net, nodes, groupId } = lan(5, 3);
    const [a, b, out] = nodes;
    if (a === undefined || b === undefined || out === undefined) return expect.unreachable();
    a.removeFrom(groupId, out);
    net.run(5000);
    const newcomer = net.addNode("newcomer", realKeys(99));
    net.run(5000);
    b.invite(groupId, newcomer);
    net.run(2000);
    const [invitation] = newcomer.ofKind("groupInvitation");
    if (invitation === undefined) return expect.unreachable();
    expect(invitation).toMatchObject({ label: "#ops", from: { id: b.core.id } });
    newcomer.joinSecret(invitation.label, invitation.keys);
    net.run(5000);
    newcomer.say(groupId, "hello");
    net.run(5000);
    expect(a.linesFrom(newcomer, groupId)).toEqual(["hello"]);
    expect(out.linesFrom(newcomer, groupId)).toEqual([]);
    return undefined;
  });
});
