import { describe, expect, it } from "vitest";
import { bloomHas } from "../../../../src/core/discovery/bloom.js";
import {
  DatagramType,
  MAX_AMPLIFICATION,
  MIN_HANDSHAKE_INIT_BYTES,
} from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, isTo } from "./discoveryBench.js";

const THERE = { address: "10.6.6.6", port: 22400 };
const INIT_BYTES = MIN_HANDSHAKE_INIT_BYTES;

/** A peer that answered a question to everybody, from an address that anybody can write there. */
function answered(): { bench: DiscoveryBench; peer: FakePeer; sizeBytes: number } {
  const bench = new DiscoveryBench();
  const peer = new FakePeer(1, { address: THERE.address });
  const answer = peer.answer(bench.query());
  bench.receive(answer, THERE.address);
  return { bench, peer, sizeBytes: answer.length };
}

/** First messages of handshakes that may go there now, one after another. */
function initsAllowed(bench: DiscoveryBench, peer: FakePeer): number {
  for (let count = 0; count < 100; count += 1) {
    if (!bench.mayBeSent(peer, THERE, INIT_BYTES)) return count;
  }
  return Number.POSITIVE_INFINITY;
}

describe("where a peer is said to be, and has not shown that it is", () => {
  it("nothing goes that is more than three times what came from there", () => {
    const { bench, peer, sizeBytes } = answered();
    const allowed = initsAllowed(bench, peer);
    expect(allowed).toBe(Math.floor((MAX_AMPLIFICATION * sizeBytes) / INIT_BYTES));
    expect(allowed).toBe(2);
  });

  it("every further datagram from there counts, a repeated one too, and none from elsewhere", () => {
    const { bench, peer, sizeBytes } = answered();
    initsAllowed(bench, peer);
    const beacon = peer.beacon();
    bench.receive(beacon, "10.0.0.1");
    expect(initsAllowed(bench, peer)).toBe(0);
    bench.receive(beacon, THERE.address);
    bench.receive(beacon, THERE.address);
    const bytes = MAX_AMPLIFICATION * (sizeBytes + 2 * beacon.length);
    expect(2 + initsAllowed(bench, peer)).toBe(Math.floor(bytes / INIT_BYTES));
  });

  it("everybody is asked for it, and nobody else needs to answer, four times a second at most", () => {
    const { bench, peer } = answered();
    initsAllowed(bench, peer);
    bench.runUntil(bench.nowMs + 700);
    const before = bench.sent(DatagramType.query).length;
    for (let i = 0; i < 10; i += 1) {
      expect(initsAllowed(bench, peer)).toBe(0);
      bench.runUntil(bench.nowMs + 1);
    }
    const sent = bench.sent(DatagramType.query).slice(before);
    expect(sent).toHaveLength(4);
    const query = decodeQuery(sent[0]?.bytes ?? new Uint8Array(0));
    expect(sent[0]?.destination.kind).toBe("lan");
    const isNamed = ({ device }: FakePeer): boolean => bloomHas(query.known, query.nonce, device);
    expect(isNamed(peer)).toBe(false);
    const others = Array.from({ length: 200 }, (_, i) => new FakePeer(2 + i));
    expect(others.filter(isNamed).length).toBeGreaterThan(190);
    bench.receive(peer.answer(query.nonce), THERE.address);
    expect(initsAllowed(bench, peer)).toBeGreaterThan(1);
  });

  it("nothing but the challenges goes where only a beacon came from, which may be a recording", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1, { address: THERE.address });
    bench.receive(peer.beacon(), THERE.address);
    expect(initsAllowed(bench, peer)).toBe(0);
    expect(bench.discovery.placeOf(peer.device)).toBeUndefined();
    const elsewhere = { address: "10.0.0.1", port: THERE.port };
    expect(bench.mayBeSent(peer, elsewhere, INIT_BYTES)).toBe(true);
    bench.receive(peer.answer(bench.challengeTo(THERE.address) ?? ""), THERE.address);
    expect(initsAllowed(bench, peer)).toBe(Number.POSITIVE_INFINITY);
    expect(bench.discovery.placeOf(peer.device)).toEqual(THERE);
  });

  it("everything goes once it answered there, or talked in a session from there", () => {
    const byAnswer = answered();
    initsAllowed(byAnswer.bench, byAnswer.peer);
    byAnswer.bench.discovery.challenge(byAnswer.bench.nowMs, THERE);
    const nonce = byAnswer.bench.challengeTo(THERE.address) ?? "";
    byAnswer.bench.receive(byAnswer.peer.answer(nonce), THERE.address);
    expect(initsAllowed(byAnswer.bench, byAnswer.peer)).toBe(Number.POSITIVE_INFINITY);
    const bySession = answered();
    initsAllowed(bySession.bench, bySession.peer);
    bySession.bench.heard(bySession.peer, THERE.address);
    expect(initsAllowed(bySession.bench, bySession.peer)).toBe(Number.POSITIVE_INFINITY);
  });

  it("nothing more than that looks for it either when it falls silent", () => {
    const probes = ({ bench }: { bench: DiscoveryBench }): number => {
      bench.runUntil(120_000);
      return bench.sent(DatagramType.query).filter((sent) => isTo(sent, THERE)).length;
    };
    expect(probes(answered())).toBe(3);
    const spent = answered();
    initsAllowed(spent.bench, spent.peer);
    expect(probes(spent)).toBe(0);
    expect(spent.bench.changes(spent.peer)).toEqual(["online", "suspect", "offline"]);
  });

  it("everything goes if the user configured it, or if the roster does not know the device", () => {
    const bench = new DiscoveryBench({ configuredPeers: [THERE] });
    const peer = new FakePeer(1, { address: THERE.address });
    bench.receive(peer.answer(bench.query()), THERE.address);
    expect(initsAllowed(bench, peer)).toBe(Number.POSITIVE_INFINITY);
    expect(initsAllowed(new DiscoveryBench(), peer)).toBe(Number.POSITIVE_INFINITY);
  });
});
