/** Two nodes find out what passes between them, whatever does not. */
import { describe, expect, it } from "vitest";
import type { WayOutcome } from "../../../../src/core/io.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeProbe } from "../../../../src/wire/examination.js";
import { datagramType } from "../../../../src/wire/header.js";
import { SimNetwork, type SimNode } from "../../../support/simNetwork.js";

/** Two that know each other. */
function pair(seed: number): { net: SimNetwork; alice: SimNode; bob: SimNode } {
  const net = new SimNetwork(seed);
  const alice = net.addNode("alice");
  const bob = net.addNode("bob");
  net.run(5_000);
  return { net, alice, bob };
}

/** Runs until alice knows; her count of what bob heard, and of what she heard of him. */
function examined(
  net: SimNetwork,
  alice: SimNode,
  bob: SimNode,
): Map<string, readonly (number | undefined)[]> {
  const token = alice.examine(bob);
  expect(net.runUntil(() => alice.ofKind("examined").length > 0, 5_000)).toBe(true);
  const [event] = alice.ofKind("examined");
  expect(event).toMatchObject({ token, outcome: { result: "examined", peer: { name: "bob" } } });
  const ways: readonly WayOutcome[] = event?.outcome.ways ?? [];
  expect(ways).toHaveLength(7);
  return new Map(ways.map(({ way, heardThere, heardHere }) => [way, [heardThere, heardHere]]));
}

const ALL_WAYS = [
  "unicast",
  "fullUnicast",
  "fragments",
  "broadcast",
  "discoveryGroup",
  "defaultGroup",
  "namedGroup",
];

describe("an examination", () => {
  it("finds that everything passes, both ways", () => {
    const { net, alice, bob } = pair(1);
    expect(examined(net, alice, bob)).toEqual(new Map(ALL_WAYS.map((way) => [way, [3, 3]])));
    expect(bob.core.counters().examinationsAnswered).toBe(1);
  });

  it("tells a peer whose broadcast is not heard here from one who does not hear ours", () => {
    const { net, alice, bob } = pair(2);
    net.drops = (from, _to, { destination }) => from === bob && destination.kind === "broadcast";
    const ways = examined(net, alice, bob);
    expect(ways.get("broadcast")).toEqual([3, 0]);
    expect(ways.get("namedGroup")).toEqual([3, 3]);
  });

  it("tells one group from another", () => {
    const { net, alice, bob } = pair(3);
    net.drops = (from, _to, { destination }) =>
      from === alice &&
      destination.kind === "multicast" &&
      destination.to.address === "224.0.1.100";
    const ways = examined(net, alice, bob);
    expect(ways.get("defaultGroup")).toEqual([0, 3]);
    expect(ways.get("discoveryGroup")).toEqual([3, 3]);
  });

  it("tells large datagrams from small ones", () => {
    const { net, alice, bob } = pair(4);
    net.drops = (_from, _to, { bytes }) => bytes.length > 1_200;
    const ways = examined(net, alice, bob);
    expect(ways.get("fullUnicast")).toEqual([3, 3]);
    expect(ways.get("fragments")).toEqual([0, 0]);
  });

  it("takes nothing for a broadcast that somebody passed on by unicast", () => {
    const { net, alice, bob } = pair(5);
    const isProbe = (bytes: Uint8Array): boolean => datagramType(bytes) === DatagramType.probe;
    net.drops = (from, _to, { bytes, destination }) =>
      from === alice && destination.kind === "broadcast" && isProbe(bytes);
    net.tap = (from, { bytes, destination }) => {
      if (from !== alice || destination.kind !== "broadcast" || !isProbe(bytes)) return;
      net.transmit(alice, { bytes, destination: { kind: "unicast", to: bob.address } });
    };
    expect(examined(net, alice, bob).get("broadcast")).toEqual([0, 3]);
  });

  it("counts a probe once, however often it comes", () => {
    const { net, alice, bob } = pair(6);
    net.faults.duplicatePercent = 100;
    expect(examined(net, alice, bob)).toEqual(new Map(ALL_WAYS.map((way) => [way, [3, 3]])));
  });

  it("tells how far the clock of the peer is off", () => {
    const { net, alice, bob } = pair(7);
    bob.clockAheadMs = -3_600_000;
    examined(net, alice, bob);
    const clock = alice.ofKind("examined")[0]?.outcome.clock;
    expect((clock?.peerMs ?? 0) - (net.wallMs - (net.nowMs - (clock?.readAtMs ?? 0)))).toBeCloseTo(
      -3_600_000,
      -2,
    );
  });

  it("ends without a report, if that is what is lost", () => {
    const { net, alice, bob } = pair(8);
    const token = alice.examine(bob);
    net.runUntil(() => bob.ofKind("examinationAsked").length > 0, 1_000);
    net.run(500);
    bob.crash();
    net.run(5_000);
    const [event] = alice.ofKind("examined");
    expect(event).toMatchObject({ token, outcome: { result: "examined" } });
    expect(event?.outcome.ways[0]).toMatchObject({ heardThere: undefined, heardHere: 2 });
  });

  it("is refused where too many are asked for, and answered again later", () => {
    const { net, alice, bob } = pair(9);
    for (let i = 0; i < 5; i += 1) alice.examine(bob);
    net.run(5_000);
    const results = alice.ofKind("examined").map(({ outcome }) => outcome.result);
    expect(results.toSorted()).toEqual(["busy", "busy", "examined", "examined", "examined"]);
    expect(bob.core.counters().examinationsRefused).toBe(2);
    alice.examine(bob);
    net.run(5_000);
    expect(alice.ofKind("examined").at(-1)?.outcome.result).toBe("examined");
  });

  it("leaves at most eight running, whoever asks", () => {
    const net = new SimNetwork(10);
    const bob = net.addNode("bob");
    const others = Array.from({ length: 12 }, (_, i) => net.addNode(`peer${i}`));
    net.run(5_000);
    for (const other of others) other.examine(bob);
    net.run(400);
    expect(bob.ofKind("examinationAsked")).toHaveLength(8);
    net.run(5_000);
    const results = others.flatMap((other) =>
      other.ofKind("examined").map(({ outcome }) => outcome.result),
    );
    expect(results.filter((result) => result === "examined")).toHaveLength(8);
    expect(results.filter((result) => result === "busy")).toHaveLength(4);
  });

  it("sends nobody more than three rounds, and nothing to who is blocked meanwhile", () => {
    const { net, alice, bob } = pair(11);
    let probes = 0;
    net.tap = (from, { bytes }) => {
      if (from === bob && datagramType(bytes) === DatagramType.probe) probes += 1;
    };
    alice.examine(bob);
    net.run(5_000);
    expect(probes).toBe(21);
    alice.examine(bob);
    net.runUntil(() => bob.ofKind("examinationAsked").length > 1, 1_000);
    bob.core.blocked(net.nowMs, alice.core.id);
    probes = 0;
    net.run(5_000);
    expect(probes).toBe(0);
  });

  it("ends in time with who does not take it up, and with nobody who is given up", () => {
    const { net, alice, bob } = pair(12);
    net.drops = (from) => from === bob;
    const token = alice.examine(bob);
    alice.core.expectReady(net.nowMs, token, 1_500);
    net.pump(alice);
    net.run(1_400);
    expect(alice.ofKind("examined")).toEqual([]);
    net.run(200);
    const unknown = { result: "unknown", peer: undefined, clock: undefined, ways: [] };
    expect(alice.ofKind("examined")).toMatchObject([{ token, outcome: unknown }]);
    const given = alice.examine(bob);
    alice.core.expectReady(net.nowMs, given, 1_500);
    alice.core.cancelExamination(net.nowMs, given);
    alice.core.expectReady(net.nowMs, given, 1_500);
    net.pump(alice);
    net.run(5_000);
    expect(alice.ofKind("examined")).toHaveLength(1);
  });

  it("does not end early with who has taken it up", () => {
    const { net, alice, bob } = pair(13);
    const token = alice.examine(bob);
    net.run(500);
    alice.core.expectReady(net.nowMs, token, 1);
    net.pump(alice);
    net.run(3_000);
    expect(alice.ofKind("examined")).toMatchObject([{ outcome: { result: "examined" } }]);
  });

  it("is asked for sixteen times at once at most", () => {
    const { net, alice, bob } = pair(14);
    net.drops = () => true;
    for (let i = 0; i < 16; i += 1) alice.examine(bob);
    expect(() => alice.examine(bob)).toThrow(expect.objectContaining({ code: "LIMIT_REACHED" }));
  });

  it("ends with a peer that is blocked meanwhile, and when we leave", () => {
    const { net, alice, bob } = pair(15);
    alice.examine(bob);
    net.run(500);
    alice.core.blocked(net.nowMs, bob.core.id);
    net.pump(alice);
    expect(alice.ofKind("examined")).toMatchObject([{ outcome: { result: "unknown" } }]);
    const left = pair(16);
    left.alice.examine(left.bob);
    left.net.run(500);
    left.alice.leave();
    left.net.run(10_000);
    expect(left.alice.ofKind("departed")).toHaveLength(1);
    expect(left.alice.ofKind("examined")).toEqual([]);
  });

  it("is not answered where the driver never joins the groups", () => {
    const { net, alice, bob } = pair(17);
    bob.core.readyForExamination = () => undefined;
    alice.examine(bob);
    net.run(5_000);
    expect(bob.ofKind("examinationAsked")).toHaveLength(1);
    expect(alice.ofKind("examined")).toEqual([]);
    // Its place is free again.
    for (let i = 0; i < 8; i += 1) {
      alice.examine(bob);
      net.run(1_500);
    }
    expect(bob.core.counters().examinationsRefused).toBe(0);
  });

  it("counts no probe of others, and drops one that is cut short", () => {
    const { net, alice, bob } = pair(18);
    const before = bob.core.counters().datagramsMalformed;
    const to = { kind: "unicast", to: bob.address } as const;
    net.transmit(alice, {
      bytes: encodeProbe({ token: "00".repeat(8), sizeBytes: 12 }),
      destination: to,
    });
    net.transmit(alice, {
      bytes: Uint8Array.of(0xf9, 1, DatagramType.probe, 0, 1),
      destination: to,
    });
    net.run(100);
    expect(bob.core.counters().probesNotForUs).toBe(1);
    expect(bob.core.counters().datagramsMalformed).toBe(before + 1);
  });
});
