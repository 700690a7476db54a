import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { DiscoveryBench, FakePeer, isTo, queryOf } from "./discoveryBench.js";

const ELSEWHERE = "10.6.6.6";

describe("a beacon of somebody unknown", () => {
  it("that is overtaken by a newer one is dropped unverified", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const [older, newer] = [peer.beacon({ name: "old" }), peer.beacon({ name: "new" })];
    bench.receive(newer, peer.address);
    const { verifications } = bench;
    bench.receive(older, peer.address);
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("beaconsStale")).toBe(1);
    expect(bench.discovery.peers()).toMatchObject([{ name: "new", state: "suspect" }]);
  });

  it("brings no challenge if its sender answers a question to everybody before that is due", () => {
    const bench = new DiscoveryBench();
    for (let i = 1; i <= 500; i += 1) bench.heard(new FakePeer(i)); // challenges are spread over 2 s
    const peer = new FakePeer(1_000);
    const nonce = bench.query();
    const beacon = peer.beacon();
    bench.receive(beacon, peer.address);
    bench.receive(peer.answer(nonce, 0, beacon), peer.address);
    bench.runUntil(20_000);
    expect(bench.count("peersChallenged")).toBe(0);
    expect(bench.changes(peer)).toEqual(["online"]);
  });
});

describe("an answer of somebody unknown", () => {
  it("is not even looked at while the roster is full of others, each at an address of its own", () => {
    const bench = new DiscoveryBench({ limits: { peers: 4 } });
    const nonce = bench.query();
    const answers = Array.from({ length: 5 }, (_, i) => new FakePeer(i + 1));
    for (const peer of answers) bench.receive(peer.answer(nonce), peer.address);
    // From the half on who answers is asked where it is.
    for (const peer of answers.slice(2, 4)) {
      const asked = bench.challengeTo(peer.address, peer.dataPort, 1_000) ?? "";
      bench.receive(peer.answer(asked), peer.address);
    }
    expect(bench.discovery.peers()).toHaveLength(4);
    const last = new FakePeer(9);
    const [again, { verifications }] = [bench.query(), bench];
    bench.receive(last.answer(again), last.address);
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("peersRefused")).toBe(1);
    expect(bench.changes(last)).toEqual([]);
  });

  it("that claims to have been held since before the question gives no round trip", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.runUntil(1_000);
    const nonce = bench.query();
    bench.runUntil(1_010);
    bench.receive(peer.answer(nonce, 500), peer.address);
    expect(bench.eventsOf("answer")).toMatchObject([{ nonce, peer: { rttMs: undefined } }]);
  });
});

describe("somebody who only passes by", () => {
  it("is not taken to be where its answer came from, if that is not where it was asked", () => {
    const bench = new DiscoveryBench();
    const passer = new FakePeer(1);
    const at = { address: passer.address, port: passer.dataPort };
    const ask = (): string => {
      bench.discovery.challenge(bench.nowMs, at);
      return bench.challengeTo(passer.address, passer.dataPort, 1_000) ?? "";
    };
    const answer = (nonce: string) => passer.answer(nonce, 0, passer.beacon(), false);
    bench.receive(answer(ask()), ELSEWHERE);
    expect(bench.discovery.isPresent(bench.nowMs, passer)).toBe(true);
    expect(bench.discovery.provenAddressOf(passer)).toBeUndefined();
    bench.runUntil(bench.nowMs + 10_000);
    bench.receive(answer(ask()), passer.address);
    expect(bench.discovery.provenAddressOf(passer)).toEqual(at);
    bench.runUntil(bench.nowMs + 10_000);
    bench.receive(answer(ask()), ELSEWHERE); // it is running; where, was shown before
    expect(bench.discovery.provenAddressOf(passer)).toEqual(at);
  });

  it("is asked to confirm that it is there once a minute at most; who has a place is watched", () => {
    const bench = new DiscoveryBench();
    const [passer, peer] = [new FakePeer(1), new FakePeer(2)];
    const at = { address: passer.address, port: passer.dataPort };
    const confirm = (who: FakePeer): string | undefined => {
      bench.discovery.confirm(bench.nowMs, who, { address: who.address, port: who.dataPort });
      return bench.challengeTo(who.address, who.dataPort, 1_000);
    };
    const nonce = confirm(passer) ?? "";
    bench.receive(passer.answer(nonce, 0, passer.beacon(), false), passer.address);
    expect(bench.discovery.provenAddressOf(passer)).toEqual(at);
    bench.runUntil(bench.nowMs + 50_000);
    expect(confirm(passer)).toBeUndefined();
    bench.runUntil(bench.nowMs + 10_000);
    expect(confirm(passer)).toBeDefined();
    bench.meet(peer);
    expect(confirm(peer)).toBeUndefined();
  });
});

describe("questions of others", () => {
  it("are held in bounded number, also when we come to answer none of them", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.runUntil(10_000);
    const sent = bench.sent(DatagramType.answer).length;
    for (let i = 0; i < 2_500; i += 1) {
      if (i % 250 === 0) bench.nowMs += 1_000; // and nobody wakes us
      bench.receive(queryOf(i), `10.5.${i >> 8}.${i & 255}`);
    }
    expect(bench.count("answersSuppressed")).toBe(2_500 - 1_280);
    bench.runUntil(bench.nowMs + 10_000);
    const answered = bench.sent(DatagramType.answer).length - sent;
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(1_280); // the first are too old by now
  });
});

describe("a peer that is known", () => {
  it("from a session alone is called by its newest name", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1, { name: "before" });
    bench.heard(peer);
    bench.heard(Object.assign(peer, { name: "after" }));
    expect(bench.changes(peer)).toEqual(["online", "updated"]);
    expect(bench.discovery.peers()).toMatchObject([{ name: "after" }]);
    bench.meet(peer, peer.address, peer.beacon({ name: "beacon" }));
    bench.heard(peer);
    expect(bench.discovery.peers()).toMatchObject([{ name: "beacon" }]);
  });

  it("stays offline when we slept", () => {
    const bench = new DiscoveryBench();
    const [gone, here] = [new FakePeer(1), new FakePeer(2)];
    for (const peer of [gone, here]) bench.meet(peer);
    bench.receive(gone.leave(), gone.address);
    bench.nowMs += 60_000;
    bench.compensate(60_000);
    bench.runUntil(bench.nowMs + 10_000);
    expect(bench.changes(gone)).toEqual(["online", "offline"]);
    expect(bench.changes(here)).toEqual(["online"]);
  });

  it("moves with one beacon from elsewhere if it was not heard for as long as it promised", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    bench.runUntil(bench.nowMs + 12_000);
    bench.receive(peer.beacon(), "10.0.9.1"); // through another interface
    expect(bench.discovery.addressOf(peer.device)?.address).toBe(peer.address);
    const later = new DiscoveryBench();
    later.meet(peer);
    later.runUntil(later.nowMs + 12_600);
    later.receive(peer.beacon(), "10.0.9.1");
    later.receive(peer.answer(later.challengeTo("10.0.9.1") ?? ""), "10.0.9.1");
    expect(later.discovery.addressOf(peer.device)?.address).toBe("10.0.9.1");
  });

  it("elsewhere does not keep a configured address from being asked", () => {
    const configured = { address: "192.168.7.7", port: 22400 };
    const bench = new DiscoveryBench({ configuredPeers: [configured] });
    bench.meet(new FakePeer(1));
    bench.runUntil(100_000);
    const asked = bench.sent(DatagramType.query).filter((sent) => isTo(sent, configured));
    expect(asked.length).toBeGreaterThanOrEqual(3);
  });
});

describe("two that use one key", () => {
  it("are no duplicate when the one only took over from the other", () => {
    const bench = new DiscoveryBench();
    const present = new FakePeer(1);
    const former = new FakePeer(1, { address: "10.0.7.7" });
    former.restart(present.startedAtMs - 5, "00000000000000dd");
    present.intervalMs = 1_000;
    bench.meet(present);
    bench.meet(former); // it runs as well, or did a moment ago
    bench.runUntil(bench.nowMs + 1_200); // and the present one has fallen silent
    const nonce = bench.query();
    bench.receive(former.answer(nonce), former.address);
    bench.receive(former.answer(bench.challengeTo(former.address) ?? ""), former.address);
    bench.receive(former.answer(bench.query()), former.address);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: former.incarnation }]);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
  });

  it("are told of once, however often both show themselves", () => {
    const bench = new DiscoveryBench();
    const present = new FakePeer(1);
    const other = new FakePeer(1, { address: "10.0.7.7" });
    other.restart(present.startedAtMs - 5, "00000000000000dd");
    bench.meet(present);
    for (let i = 0; i < 3; i += 1) {
      const nonce = bench.query();
      bench.receive(other.answer(nonce), other.address);
      bench.heard(present);
      bench.runUntil(bench.nowMs + 2_000);
    }
    expect(bench.eventsOf("duplicateKey")).toMatchObject([{ peer: { address: "10.0.7.7" } }]);
  });
});
