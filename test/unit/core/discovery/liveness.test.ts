import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, forged, isTo } from "./discoveryBench.js";

const SUSPECT_AFTER_MS = 2.25 * 12_500;

function met(): { bench: DiscoveryBench; peer: FakePeer } {
  const bench = new DiscoveryBench();
  const peer = new FakePeer(1);
  bench.meet(peer);
  return { bench, peer };
}

describe("liveness", () => {
  it("suspects after 2.25 intervals, probes three times, then gives the peer up", () => {
    const { bench, peer } = met();
    bench.runUntil(SUSPECT_AFTER_MS - 1);
    expect(bench.changes(peer)).toEqual(["online"]);
    bench.runUntil(SUSPECT_AFTER_MS + 1_499);
    expect(bench.changes(peer)).toEqual(["online", "suspect"]);
    const [, ...probes] = bench.sent(DatagramType.query); // after the challenge
    expect(probes.map(({ atMs }) => atMs - SUSPECT_AFTER_MS)).toEqual([0, 500, 1000]);
    expect(probes.every((probe) => isTo(probe, { address: peer.address, port: 22400 }))).toBe(true);
    expect(probes.every(({ bytes }) => decodeQuery(bytes).direct)).toBe(true);
    bench.runUntil(SUSPECT_AFTER_MS + 1_500);
    expect(bench.changes(peer)).toEqual(["online", "suspect", "offline"]);
  });

  it("looks once a second at those that were heard again", () => {
    const { bench, peer } = met();
    bench.runUntil(10_123);
    bench.receive(peer.beacon(), peer.address);
    bench.runUntil(38_999); // 10,123 and 2.25 intervals are 38,248
    expect(bench.changes(peer)).toEqual(["online"]);
    bench.runUntil(39_000);
    expect(bench.changes(peer)).toEqual(["online", "suspect"]);
  });

  it("is reassured by the answer to a probe", () => {
    const { bench, peer } = met();
    const beacon = peer.beacon();
    bench.receive(beacon, peer.address);
    bench.runUntil(SUSPECT_AFTER_MS + 600);
    const probe = bench.sent(DatagramType.query).at(-1);
    const { nonce } = decodeQuery(probe?.bytes ?? new Uint8Array());
    bench.receive(peer.answer(nonce, 0, beacon), peer.address); // the same beacon: still proof
    bench.runUntil(SUSPECT_AFTER_MS + 10_000);
    expect(bench.changes(peer)).toEqual(["online", "suspect", "online"]);
    expect(bench.eventsOf("answer")).toEqual([]);
  });

  it("counts beacons and session packets as signs of life, replays not", () => {
    const kept = met();
    const replayed = met();
    const replay = replayed.peer.beacon();
    replayed.bench.receive(replay, replayed.peer.address);
    for (let atMs = 10_000; atMs <= 100_000; atMs += 10_000) {
      kept.bench.runUntil(atMs);
      if (atMs % 20_000 === 0) kept.bench.heard(kept.peer);
      else kept.bench.receive(kept.peer.beacon(), kept.peer.address);
      replayed.bench.runUntil(atMs);
      replayed.bench.receive(replay, replayed.peer.address);
    }
    expect(kept.bench.changes(kept.peer)).toEqual(["online"]);
    expect(replayed.bench.changes(replayed.peer)).toEqual(["online", "suspect", "offline"]);
    replayed.bench.receive(replay, "10.6.6.6"); // nor is an address learned of who is gone
    expect(replayed.bench.discovery.peers()[0]?.addresses.length).toBe(1);
  });

  it("goes by the peer's own promise, within bounds, also when it becomes shorter", () => {
    const { bench, peer } = met();
    peer.intervalMs = 0xffff_ffff;
    bench.receive(peer.beacon(), peer.address);
    bench.runUntil(2.25 * 270_000 - 1);
    expect(bench.changes(peer)).toEqual(["online"]);
    bench.runUntil(608_000); // the next whole second
    expect(bench.changes(peer)).toEqual(["online", "suspect"]);
    const hasty = new FakePeer(2);
    hasty.intervalMs = 600_000;
    bench.meet(hasty);
    const startMs = bench.nowMs;
    hasty.intervalMs = 0;
    bench.receive(hasty.beacon(), hasty.address);
    bench.runUntil(startMs + 2_249);
    expect(bench.changes(hasty)).toEqual(["online"]);
    bench.runUntil(startMs + 2_250);
    expect(bench.changes(hasty)).toEqual(["online", "suspect"]);
  });

  it("does not blame others for our own sleep", () => {
    const { bench, peer } = met();
    bench.nowMs = 8 * 3_600_000;
    bench.compensate(8 * 3_600_000 - 10_000);
    bench.runUntil(bench.nowMs + SUSPECT_AFTER_MS - 10_000 - 1);
    expect(bench.changes(peer)).toEqual(["online"]);
    bench.runUntil(bench.nowMs + 1);
    expect(bench.changes(peer)).toEqual(["online", "suspect"]);
    bench.compensate(300);
    expect(bench.changes(peer)).toEqual(["online", "suspect", "online"]);
    bench.runUntil(bench.nowMs + 12_499);
    expect(bench.changes(peer)).toEqual(["online", "suspect", "online"]);
    bench.runUntil(bench.nowMs + 20_000);
    expect(bench.changes(peer).slice(3)).toEqual(["suspect", "offline"]);
  });

  it("believes a goodbye at once, and neither replays nor stragglers undo it", () => {
    const { bench, peer } = met();
    const before = peer.beacon();
    bench.receive(before, peer.address);
    const leave = peer.leave();
    bench.receive(forged(leave), peer.address);
    expect(bench.changes(peer)).toEqual(["online"]);
    expect(bench.count("datagramsForged")).toBe(1);
    bench.receive(leave, peer.address);
    const { verifications } = bench;
    bench.receive(leave, peer.address); // the second of three
    expect(bench.verifications).toBe(verifications);
    bench.receive(before, peer.address);
    bench.heard(peer);
    expect(bench.changes(peer)).toEqual(["online", "offline"]);
    peer.restart(peer.startedAtMs + 1, "0000000000000002");
    bench.meet(peer);
    bench.receive(leave, peer.address); // of the former incarnation
    expect(bench.changes(peer)).toEqual(["online", "offline", "online"]);
  });

  it("forgets a peer after a day offline", () => {
    const { bench, peer } = met();
    bench.receive(peer.leave(), peer.address);
    bench.runUntil(23 * 3_600_000);
    expect(bench.discovery.peers()).toMatchObject([{ state: "offline" }]);
    bench.runUntil(25 * 3_600_000);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.discovery.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("keeps a one-shot that only talked to us for a minute of silence", () => {
    const bench = new DiscoveryBench();
    const oneShot = new FakePeer(1);
    bench.heard(oneShot);
    expect(bench.discovery.peers()).toMatchObject([{ via: "contact", state: "online" }]);
    bench.runUntil(30_000);
    bench.heard(oneShot);
    bench.runUntil(89_999);
    expect(bench.changes(oneShot)).toEqual(["online"]);
    bench.runUntil(90_000);
    expect(bench.changes(oneShot)).toEqual(["online", "offline"]);
    expect(bench.discovery.peers()).toEqual([]);
  });

  it("keeps the announced instance when a one-shot of the same device talks to us", () => {
    const { bench, peer } = met();
    const oneShot = new FakePeer(1);
    oneShot.incarnation = "00000000000000dd";
    oneShot.dataPort = 50_000;
    bench.heard(oneShot);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: peer.incarnation, port: 22400 }]);
  });
});
