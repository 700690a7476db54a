import { describe, expect, it } from "vitest";
import { verifyEd25519 } from "../../../../src/crypto/identity.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { signatureOf, signedPart } from "../../../../src/wire/header.js";
import {
  type Beacon,
  decodeAnswer,
  decodeBeacon,
  decodeLeave,
} from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, isTo, queryOf } from "./discoveryBench.js";

const { beacon: BEACON, leave: LEAVE, answer: ANSWER } = DatagramType;

function beaconTimes(bench: DiscoveryBench): number[] {
  return bench
    .sent(BEACON)
    .filter(({ destination }) => destination.kind === "lan")
    .map(({ atMs }) => atMs);
}

describe("beacons", () => {
  it("begin with one question to everybody, of those who announce themselves", () => {
    const asked = (bench: DiscoveryBench): number[] =>
      bench.sent(DatagramType.query).map(({ atMs }) => Math.round(atMs));
    const [announcing, passing] = [true, false].map((announce) => new DiscoveryBench({ announce }));
    for (const bench of [announcing, passing]) bench?.runUntil(60_000);
    if (announcing === undefined || passing === undefined) return expect.unreachable();
    const [first = -1] = beaconTimes(announcing);
    expect(asked(announcing)).toEqual([0, 250, 600].map((ms) => Math.round(first + ms)));
    expect(asked(passing)).toEqual([]);
    return undefined;
  });

  it("come within 250 ms of the start, again after 1 and 2 s, then on the interval", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const bench = new DiscoveryBench({ announce: true, seed });
      bench.runUntil(60_000);
      const [first = -1, second, third = 0, ...later] = beaconTimes(bench);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThan(250);
      expect(second).toBeCloseTo(first + 1000);
      expect(third).toBeCloseTo(first + 2000);
      let previous = third;
      for (const atMs of later) {
        expect(atMs - previous).toBeGreaterThanOrEqual(7_500);
        expect(atMs - previous).toBeLessThanOrEqual(12_500);
        previous = atMs;
      }
      expect(later.length).toBeGreaterThanOrEqual(4);
    }
  });

  it("are signed, promise the upper end of the interval, and grow in sequence", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.runUntil(30_000);
    const beacons = bench.sent(BEACON).map(({ bytes }) => bytes);
    expect(
      beacons.every((bytes) =>
        verifyEd25519(bench.context.identity.device, signedPart(bytes), signatureOf(bytes)),
      ),
    ).toBe(true);
    const decoded = beacons.map((bytes) => decodeBeacon(bytes));
    expect(decoded.map(({ sequence }) => sequence)).toEqual(decoded.map((_, i) => i + 1));
    expect(decoded[0]).toMatchObject({ intervalMs: 12_500, name: "me", dataPort: 22400 });
  });

  it.each([
    [20, 10_000],
    [50, 20_000],
    [200, 40_000],
    [1500, 46_125], // x 246 bytes x 8 / 64 kbit/s
  ])("become rarer when there are many: of %i nodes", (nodes, intervalMs) => {
    const bench = new DiscoveryBench({ announce: true });
    const nonce = bench.query();
    for (let number = 1; number < nodes; number += 1) {
      const peer = new FakePeer(number);
      peer.intervalMs = 600_000;
      bench.receive(peer.answer(nonce), peer.address);
    }
    bench.runUntil(200_000);
    const [first = 0, ...rest] = beaconTimes(bench).slice(2);
    expect(rest.length).toBeGreaterThan(2);
    let previous = first;
    for (const atMs of rest) {
      expect(atMs - previous).toBeGreaterThanOrEqual(0.75 * intervalMs);
      expect(atMs - previous).toBeLessThanOrEqual(1.25 * intervalMs);
      previous = atMs;
    }
    expect(decodeBeacon(bench.sent(BEACON).at(-1)?.bytes ?? new Uint8Array()).intervalMs).toBe(
      Math.ceil(1.25 * intervalMs),
    );
  });

  it("do not become rarer for those who merely claim to be there", () => {
    const bench = new DiscoveryBench({ announce: true });
    for (let number = 1; number <= 999; number += 1) {
      const claimant = new FakePeer(number);
      bench.receive(claimant.beacon(), claimant.address);
    }
    expect(bench.discovery.peers().length).toBe(999);
    bench.runUntil(60_000);
    expect(beaconTimes(bench).length).toBeGreaterThanOrEqual(3 + 4);
  });

  it("go to configured peers by unicast as well", () => {
    const configured = { address: "192.0.2.9", port: 5000 };
    const bench = new DiscoveryBench({ announce: true, configuredPeers: [configured] });
    bench.runUntil(500);
    expect(bench.sent(BEACON).map((sent) => isTo(sent, configured))).toEqual([false, true]);
  });

  it("start over when an interface appears", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.runUntil(5_000);
    const before = beaconTimes(bench).length;
    bench.discovery.interfacesChanged(5_000);
    bench.runUntil(7_300);
    expect(beaconTimes(bench).length - before).toBe(3);
    expect(bench.sent(DatagramType.query).length).toBeGreaterThan(0);
  });

  it("go out soon when a group was joined or left, once a second at most", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.runUntil(5_000);
    const before = beaconTimes(bench).length;
    for (let atMs = 5_000; atMs < 8_000; atMs += 50) {
      bench.runUntil(atMs);
      bench.groups = bench.groups.length === 0 ? [GROUP] : [];
      bench.discovery.groupsChanged(atMs);
    }
    bench.runUntil(9_500);
    const extra = beaconTimes(bench).slice(before);
    expect(extra[0]).toBeLessThan(5_250);
    expect(extra.length).toBeGreaterThanOrEqual(3);
    expect(extra.length).toBeLessThanOrEqual(5);
    for (const [i, atMs] of extra.entries()) {
      if (i > 0) expect(atMs - (extra[i - 1] ?? 0)).toBeGreaterThanOrEqual(1000);
    }
  });

  it("say the newest digest, and are not sent for it", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.groups = [GROUP];
    bench.runUntil(5_000);
    const before = beaconTimes(bench).length;
    const changed = { ...GROUP, digest: "0000000000000001" };
    bench.groups = [changed];
    bench.receive(queryOf(9, { direct: true }), "10.1.0.9");
    const { beacon } = decodeAnswer(bench.sent(ANSWER).at(-1)?.bytes ?? new Uint8Array());
    expect(beacon).toMatchObject({ groups: [GROUP], sequence: 3 });
    bench.runUntil(7_000);
    expect(beaconTimes(bench).length).toBe(before);
    bench.runUntil(20_000);
    const latest = decodeBeacon(bench.sent(BEACON).at(-1)?.bytes ?? new Uint8Array());
    expect(latest.groups).toEqual([changed]);
  });

  it("become rarer when they are longer", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.groups = Array.from({ length: 12 }, (_, i) => ({
      ...GROUP,
      groupId: i.toString(16).padStart(16, "0"),
    }));
    const nonce = bench.query();
    for (let number = 1; number <= 999; number += 1) {
      const peer = new FakePeer(number);
      peer.intervalMs = 600_000;
      bench.receive(peer.answer(nonce), peer.address);
    }
    bench.runUntil(60_000);
    const bytes = bench.sent(BEACON).at(-1)?.bytes ?? new Uint8Array();
    const intervalMs = (1000 * (bytes.length + 28) * 8) / 64;
    expect(decodeBeacon(bytes).intervalMs).toBe(Math.ceil(intervalMs * 1.25));
  });

  it("of a proven start say in which groups it is", () => {
    const bench = new DiscoveryBench({ announce: true });
    const peer = new FakePeer(1);
    bench.receive(peer.beacon({ groups: [GROUP] }), peer.address);
    expect(bench.announced).toEqual([]);
    bench.meet(peer, peer.address, peer.beacon({ groups: [GROUP] }));
    const { device, incarnation } = peer;
    expect(bench.announced).toEqual([{ device, incarnation, groups: [GROUP] }]);
    const instance = { device, incarnation };
    expect([...bench.discovery.announcedIn(GROUP.groupId)]).toEqual([
      { instance, digest: GROUP.digest },
    ]);
    expect(bench.discovery.provenAddressOf(instance)).toEqual({
      address: peer.address,
      port: peer.dataPort,
    });
    expect(
      bench.discovery.provenAddressOf({ device, incarnation: "ff".repeat(8) }),
    ).toBeUndefined();
    bench.receive(peer.beacon({ groups: [] }), peer.address);
    expect([...bench.discovery.announcedIn(GROUP.groupId)]).toEqual([]);
    expect(bench.announced.at(-1)?.groups).toEqual([]);
  });

  it("are signed again between two of them only if the groups changed", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.runUntil(4_000);
    const ask = (number: number): Beacon => {
      bench.receive(queryOf(number, { direct: true }), `10.1.0.${number}`);
      return decodeAnswer(bench.sent(ANSWER).at(-1)?.bytes ?? new Uint8Array()).beacon;
    };
    expect(ask(1)).toEqual(decodeBeacon(bench.sent(BEACON).at(-1)?.bytes ?? new Uint8Array()));
    bench.groups = [GROUP];
    const changed = ask(2);
    expect(changed).toMatchObject({ groups: [GROUP], sequence: 4 });
    expect(ask(3).sequence).toBe(4);
  });
});

const GROUP = { groupId: "1122334455667788", digest: "ffffffffffffffff" };

describe("leaving", () => {
  it("says goodbye at 0, 100 and 300 ms and then nothing", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.query();
    bench.runUntil(5_000);
    bench.leave();
    const before = bench.transmits.length;
    bench.receive(queryOf(1, { direct: true }), "10.1.0.1");
    bench.runUntil(100_000);
    const leaves = bench.sent(LEAVE);
    expect(leaves.map(({ atMs }) => atMs)).toEqual([5_000, 5_100, 5_300]);
    expect(bench.transmits.length - before).toBe(2);
    expect(bench.discovery.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
    const last = decodeBeacon(bench.sent(BEACON).at(-1)?.bytes ?? new Uint8Array());
    const [leave] = leaves.map(({ bytes }) => decodeLeave(bytes));
    expect(leave?.sequence).toBeGreaterThan(last.sequence);
  });
});

describe("without announcing", () => {
  it("nothing is said unasked: no beacon, no answer to a question to all, no goodbye", () => {
    const bench = new DiscoveryBench({ announce: false });
    bench.receive(queryOf(2), "10.1.0.1");
    bench.discovery.interfacesChanged(0);
    bench.runUntil(60_000);
    bench.leave();
    bench.runUntil(70_000);
    expect(bench.sent(BEACON).length + bench.sent(ANSWER).length + bench.sent(LEAVE).length).toBe(
      0,
    );
    expect(bench.discovery.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("others are still found and watched", () => {
    const bench = new DiscoveryBench({ announce: false });
    const peer = new FakePeer(1);
    bench.meet(peer);
    bench.runUntil(60_000);
    expect(bench.changes(peer)).toEqual(["online", "suspect", "offline"]);
  });
});
