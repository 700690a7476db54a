import { describe, expect, it } from "vitest";
import { bloomHas } from "../../../../src/core/discovery/bloom.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, forged, isTo } from "./discoveryBench.js";

const QUERY = DatagramType.query;

describe("querying", () => {
  it("goes out three times with one nonce, to the LAN and to configured peers", () => {
    const configured = { address: "192.0.2.9", port: 5000 };
    const bench = new DiscoveryBench({ configuredPeers: [configured] });
    bench.runUntil(1_000); // the first direct query to the configured peer
    const before = bench.sent(QUERY).length;
    const nonce = bench.query();
    bench.runUntil(10_000);
    const sent = bench.sent(QUERY).slice(before);
    expect(sent.map(({ atMs }) => atMs)).toEqual([1000, 1000, 1250, 1250, 1600, 1600]);
    expect(sent.filter((transmit) => isTo(transmit, configured)).length).toBe(3);
    const queries = sent.map(({ bytes }) => decodeQuery(bytes));
    expect(queries.every((query) => query.nonce === nonce && !query.direct)).toBe(true);
  });

  it("tells each answer once per query, measured afresh, and stops asking who answered", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.heard(peer);
    const nonce = bench.query();
    bench.runUntil(100);
    bench.receive(peer.answer(nonce, 95), peer.address);
    bench.receive(peer.answer(nonce, 95), peer.address);
    expect(bench.eventsOf("answer").length).toBe(1);
    expect(bench.eventsOf("answer")[0]?.peer).toMatchObject({ id: peer.device, rttMs: 5 });
    bench.runUntil(1_000);
    const filters = bench.sent(QUERY).map(({ bytes }) => decodeQuery(bytes).known);
    expect(filters.map((known) => bloomHas(known, nonce, peer.device))).toEqual([
      false,
      true,
      true,
    ]);
    const second = bench.query();
    bench.runUntil(1_008);
    bench.receive(peer.answer(second), peer.address);
    expect(bench.eventsOf("answer")[1]).toMatchObject({ nonce: second, peer: { rttMs: 8 } });
  });

  it("measures from the latest transmission that makes sense", () => {
    const bench = new DiscoveryBench();
    const [early, late] = [new FakePeer(1), new FakePeer(2)];
    const nonce = bench.query();
    bench.runUntil(260);
    bench.receive(early.answer(nonce, 110), early.address); // of the first: the second was 10 ms ago
    bench.runUntil(300);
    bench.receive(late.answer(nonce, 40), late.address);
    expect(bench.eventsOf("answer").map(({ peer }) => peer.rttMs)).toEqual([150, 10]);
  });

  it("finds a peer that was never heard before, by the answer alone", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.answer(bench.query()), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ via: "query", state: "online" }]);
    expect(bench.discovery.addressOf(peer.device)).toEqual({ address: peer.address, port: 22400 });
  });

  it("drops answers that nobody asked for, that come too late, and that are forged", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.answer("0000000000000009"), peer.address);
    const nonce = bench.query();
    bench.receive(forged(peer.answer(nonce)), peer.address);
    bench.runUntil(5_000);
    bench.receive(peer.answer(nonce), peer.address);
    expect(bench.count("datagramsUnknown")).toBe(2);
    expect(bench.count("datagramsForged")).toBe(1);
    expect(bench.discovery.peers()).toEqual([]);
  });

  it("keeps a few queries open, the newest", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const nonces = Array.from({ length: 17 }, () => bench.query());
    for (const nonce of nonces) bench.receive(peer.answer(nonce), peer.address);
    expect(bench.eventsOf("answer").map(({ nonce }) => nonce)).toEqual(nonces.slice(1));
  });

  it("asks a configured peer every 30 s while nobody there is online", () => {
    const configured = { address: "192.0.2.9", port: 22400 };
    const bench = new DiscoveryBench({ configuredPeers: [configured] });
    bench.runUntil(65_000);
    const direct = bench.sent(QUERY);
    expect(direct.map(({ atMs }) => atMs)).toEqual([0, 30_000, 60_000]);
    const last = decodeQuery(direct.at(-1)?.bytes ?? new Uint8Array());
    expect(last.direct).toBe(true);
    const peer = new FakePeer(1, { address: configured.address });
    bench.runUntil(60_000 + 4_000);
    bench.meet(peer);
    expect(bench.discovery.peers()).toMatchObject([{ via: "configured", state: "online" }]);
    bench.runUntil(91_000);
    expect(bench.sent(QUERY).length).toBe(4); // the last is the challenge
  });
});
