import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, queryOf } from "./discoveryBench.js";

const HOME = "10.0.0.1";
const ELSEWHERE = "10.6.6.6";

function whereIs(bench: DiscoveryBench, { device, incarnation }: FakePeer): (string | undefined)[] {
  return [
    bench.discovery.addressOf(device)?.address,
    bench.discovery.provenAddressOf({ device, incarnation })?.address,
  ];
}

/** Beacons that come from there, and from nowhere else, as after a move. */
function beaconsFrom(bench: DiscoveryBench, peer: FakePeer, address: string, count = 2): void {
  for (let i = 0; i < count; i += 1) {
    bench.runUntil(bench.nowMs + 1_000);
    bench.receive(peer.beacon(), address);
  }
}

function met(): { bench: DiscoveryBench; peer: FakePeer } {
  const bench = new DiscoveryBench();
  const peer = new FakePeer(1, { address: HOME });
  bench.meet(peer);
  return { bench, peer };
}

describe("who seems to be elsewhere", () => {
  it("is asked there, and written to where it was until it answers", () => {
    const { bench, peer } = met();
    beaconsFrom(bench, peer, ELSEWHERE, 20);
    expect(whereIs(bench, peer)).toEqual([HOME, HOME]);
    expect(bench.changes(peer)).toEqual(["online"]);
    const nonce = bench.challengeTo(ELSEWHERE, peer.dataPort, 1_000) ?? "";
    bench.receive(peer.answer(nonce), HOME); // it is running, and not there
    expect(whereIs(bench, peer)).toEqual([HOME, HOME]);
  });

  it("is there when it answers there, and is not asked again", () => {
    const { bench, peer } = met();
    beaconsFrom(bench, peer, ELSEWHERE);
    bench.receive(peer.answer(bench.challengeTo(ELSEWHERE) ?? ""), ELSEWHERE);
    expect(whereIs(bench, peer)).toEqual([ELSEWHERE, ELSEWHERE]);
    const asked = bench.count("peersChallenged");
    beaconsFrom(bench, peer, HOME);
    expect(whereIs(bench, peer)).toEqual([HOME, HOME]);
    beaconsFrom(bench, peer, ELSEWHERE);
    expect(whereIs(bench, peer)).toEqual([ELSEWHERE, ELSEWHERE]);
    expect(bench.count("peersChallenged")).toBe(asked);
  });

  it("brings at most three times its own bytes there, however it is repeated", () => {
    const { bench, peer } = met();
    beaconsFrom(bench, peer, HOME, 1);
    const [first, second] = [peer.beacon({ name: "" }), peer.beacon({ name: "" })];
    let receivedBytes = 0;
    for (const beacon of [first, second, second, second]) {
      bench.runUntil(bench.nowMs + 3_000);
      bench.receive(beacon, ELSEWHERE);
      receivedBytes += beacon.length;
    }
    bench.runUntil(bench.nowMs + 10_000);
    const sentBytes = bench
      .sent(DatagramType.query)
      .filter(({ destination }) => destination.kind === "unicast")
      .filter(({ destination }) => "to" in destination && destination.to.address === ELSEWHERE)
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(sentBytes).toBe(3 * queryOf(1).length);
    expect(sentBytes).toBeLessThanOrEqual(3 * receivedBytes);
  });

  it("costs a few challenges for each beacon, from wherever it is repeated", () => {
    const { bench, peer } = met();
    beaconsFrom(bench, peer, ELSEWHERE, 1);
    const beacon = peer.beacon();
    const before = bench.count("peersChallenged");
    for (let i = 0; i < 100; i += 1) bench.receive(beacon, `10.7.0.${i}`);
    bench.runUntil(bench.nowMs + 10_000);
    const { addressesPerPeer } = bench.context.limits;
    expect(bench.count("peersChallenged") - before).toBe(3 * addressesPerPeer);
  });

  it("is not believed in an answer to everybody's question either", () => {
    const { bench, peer } = met();
    bench.runUntil(20_000); // silent for its interval
    bench.receive(peer.answer(bench.query()), ELSEWHERE);
    expect(bench.discovery.peers()).toMatchObject([{ state: "online", address: HOME }]);
    bench.receive(peer.answer(bench.challengeTo(ELSEWHERE) ?? ""), ELSEWHERE);
    expect(whereIs(bench, peer)).toEqual([ELSEWHERE, ELSEWHERE]);
  });

  it("as another start is asked there, unless the one before had shown that it was there", () => {
    const { bench, peer } = met();
    peer.restart(peer.startedAtMs + 1, "00000000000000dd");
    bench.receive(peer.answer(bench.query()), ELSEWHERE);
    expect(bench.restarted).toEqual([]);
    bench.receive(peer.answer(bench.challengeTo(ELSEWHERE) ?? ""), ELSEWHERE);
    expect(bench.restarted).toEqual([peer.device]);
    expect(whereIs(bench, peer)).toEqual([ELSEWHERE, ELSEWHERE]);
    peer.restart(peer.startedAtMs + 1, "00000000000000ee");
    bench.receive(peer.answer(bench.query()), ELSEWHERE);
    expect(bench.restarted).toEqual([peer.device, peer.device]);
  });
});

describe("who is known from an answer to everybody's question alone", () => {
  it("has not shown where it is until it is asked there, on demand", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1, { address: HOME });
    bench.receive(peer.answer(bench.query()), HOME);
    expect(whereIs(bench, peer)).toEqual([HOME, undefined]);
    expect(bench.challengeTo(HOME)).toBeUndefined();
    // Wherever the one comes from who wants to know.
    bench.discovery.confirm(bench.nowMs, peer, { address: ELSEWHERE, port: 22400 });
    bench.receive(peer.answer(bench.challengeTo(HOME) ?? ""), HOME);
    expect(whereIs(bench, peer)).toEqual([HOME, HOME]);
    bench.discovery.confirm(bench.nowMs, peer, { address: HOME, port: 22400 });
    expect(bench.challengeTo(HOME)).toBeUndefined();
    expect(
      decodeQuery(bench.sent(DatagramType.query).at(-1)?.bytes ?? new Uint8Array()),
    ).toMatchObject({
      direct: true,
    });
  });

  it("is where it answers first, wherever it seemed to be", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1, { address: HOME });
    bench.receive(peer.answer(bench.query()), ELSEWHERE);
    bench.discovery.challenge(bench.nowMs, { address: HOME, port: 22400 });
    bench.receive(peer.answer(bench.challengeTo(HOME) ?? ""), HOME);
    expect(whereIs(bench, peer)).toEqual([HOME, HOME]);
  });
});
