import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { DiscoveryBench, FakePeer, forged } from "./discoveryBench.js";

const ATTACKER = "10.6.6.6";

describe("a beacon of somebody unknown", () => {
  it("makes a suspect that nobody is told of, and a challenge to where it came from", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ id: peer.device, state: "suspect" }]);
    expect(bench.events).toEqual([]);
    expect(bench.discovery.addressOf(peer.device)).toBeUndefined();
    const nonce = bench.challengeTo(peer.address) ?? "";
    expect(bench.count("peersChallenged")).toBe(1);
    bench.receive(peer.answer(nonce), peer.address);
    expect(bench.changes(peer)).toEqual(["online"]);
    expect(bench.discovery.addressOf(peer.device)?.address).toBe(peer.address);
    bench.runUntil(10_000);
    expect(bench.count("peersChallenged")).toBe(1);
  });

  it("brings at most three times its bytes to where it seems to come from", () => {
    const bench = new DiscoveryBench();
    const beacon = new FakePeer(1).beacon({ name: "" });
    bench.receive(beacon, ATTACKER);
    bench.runUntil(60_000);
    const sizes = bench.sent(DatagramType.query).map(({ bytes }) => bytes.length);
    const sentBytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(sentBytes).toBeGreaterThan(0);
    expect(sentBytes).toBeLessThanOrEqual(3 * beacon.length);
  });

  it("is proven by a session as well", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    bench.heard(peer);
    expect(bench.discovery.peers()).toMatchObject([{ state: "online" }]);
    expect(bench.discovery.peers().length).toBe(1);
  });

  it.each([ATTACKER, "10.0.0.1"])(
    "known from a session alone is only asked again (from %s)",
    (from) => {
      const bench = new DiscoveryBench();
      const peer = new FakePeer(1);
      const recorded = [peer.beacon({ name: "old" }), peer.beacon(), peer.beacon()];
      bench.heard(peer);
      const before = bench.discovery.peers();
      for (const [i, beacon] of recorded.entries()) {
        bench.runUntil(5_000 * (i + 1));
        bench.receive(beacon, i === 0 ? from : ATTACKER);
      }
      expect(bench.discovery.peers()).toEqual(before);
      bench.meet(peer);
      bench.receive(peer.beacon({ name: "new" }), peer.address);
      expect(bench.discovery.peers()).toMatchObject([{ name: "new", address: peer.address }]);
    },
  );

  it("whose device was last met in a session of another start is only asked again", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    peer.restart(1_700_000_000_000, "0000000000000002");
    const recorded = peer.beacon();
    bench.runUntil(30_000); // its former start is silent
    bench.heard(peer);
    bench.runUntil(35_000);
    bench.receive(recorded, ATTACKER);
    expect(bench.discovery.peers()[0]?.addresses).toEqual([{ address: peer.address, port: 22400 }]);
  });

  it("replayed after its sender died is never online, and forgotten after a minute", () => {
    const bench = new DiscoveryBench();
    const dead = new FakePeer(1);
    const recorded = [dead.beacon(), dead.beacon(), dead.beacon()];
    for (const [i, beacon] of recorded.entries()) {
      bench.runUntil(i * 10_000);
      bench.receive(beacon, ATTACKER);
      bench.receive(beacon, ATTACKER);
    }
    expect(bench.discovery.peers()).toMatchObject([{ state: "suspect", address: ATTACKER }]);
    bench.runUntil(79_999);
    expect(bench.discovery.peers().length).toBe(1);
    bench.runUntil(80_000);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.events).toEqual([]);
    expect(bench.count("peersChallenged")).toBe(3 * 3); // and two more tries each
    expect(bench.discovery.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("does not hide the true address behind that of a replay", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const beacon = peer.beacon();
    bench.receive(beacon, ATTACKER);
    bench.receive(beacon, peer.address);
    expect(bench.verifications).toBe(1);
    const nonce = bench.challengeTo(peer.address) ?? "";
    bench.receive(peer.answer(nonce, 0, beacon), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ state: "online", address: peer.address }]);
    // From everywhere at once it is worth a few challenges and no more.
    bench.runUntil(5_000);
    const other = new FakePeer(2).beacon();
    for (let i = 0; i < 100; i += 1) bench.receive(other, `10.7.0.${i}`);
    const before = bench.count("peersChallenged");
    bench.runUntil(bench.nowMs + 5_000);
    expect(bench.count("peersChallenged") - before).toBeLessThanOrEqual(4 * 4);
  });
});

describe("who knows a peer", () => {
  it("is not told by a replay that it came back: after the leave, nor after it fell silent", () => {
    for (const leaves of [true, false]) {
      const bench = new DiscoveryBench();
      const peer = new FakePeer(1);
      bench.meet(peer);
      const missed = [peer.beacon(), peer.beacon()]; // recorded, and never heard here
      if (leaves) bench.receive(peer.leave(), peer.address);
      bench.runUntil(100_000);
      const before = bench.events.length;
      for (const beacon of missed) bench.receive(beacon, ATTACKER);
      bench.runUntil(200_000);
      expect(bench.events.length).toBe(before);
      expect(bench.discovery.peers()).toMatchObject([{ state: "offline", address: peer.address }]);
    }
  });

  it("sees it again by an answer, and not by one that the goodbye overtook", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    const nonce = bench.query();
    const late = peer.answer(nonce);
    bench.receive(peer.leave(), peer.address);
    bench.receive(late, peer.address);
    expect(bench.changes(peer)).toEqual(["online", "offline"]);
    bench.meet(peer); // it says more after all
    expect(bench.changes(peer)).toEqual(["online", "offline", "online"]);
  });

  it("keeps it when another start is recorded, older or newer, and follows when that answers", () => {
    for (const startedAtMs of [5, 1_900_000_000_000]) {
      const bench = new DiscoveryBench();
      const peer = new FakePeer(1);
      const other = new FakePeer(1);
      other.restart(startedAtMs, "00000000000000dd");
      bench.meet(peer);
      for (let i = 0; i < 5; i += 1) {
        bench.receive(other.beacon(), ATTACKER);
        bench.receive(peer.beacon(), peer.address);
        bench.runUntil(bench.nowMs + 10_000);
      }
      expect(bench.discovery.peers()).toMatchObject([
        { state: "online", incarnation: peer.incarnation, address: peer.address },
      ]);
      expect(bench.changes(peer)).toEqual(["online"]);
      expect(bench.eventsOf("duplicateKey")).toEqual([]);
      expect(bench.restarted).toEqual([]);
    }
  });

  it("believes a restart only once it is proven", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    peer.restart(peer.startedAtMs + 1, "00000000000000dd");
    const beacon = peer.beacon();
    bench.receive(beacon, peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: "0000000000000001" }]);
    const nonce = bench.challengeTo(peer.address) ?? "";
    expect(bench.restarted).toEqual([]);
    bench.receive(peer.answer(nonce, 0, beacon), peer.address);
    expect(bench.restarted).toEqual([peer.device]);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: "00000000000000dd" }]);
  });

  it("asks no further where another start of the device has just answered", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    bench.runUntil(1_000);
    // At the same place, with its clock set back: the start before has the entry until it is silent.
    peer.restart(peer.startedAtMs - 5, "00000000000000dd");
    bench.receive(peer.beacon(), peer.address);
    for (let asked = 0; asked < 10; asked += 1) {
      const nonce = bench.challengeTo(peer.address, peer.dataPort, 300);
      if (nonce === undefined) break;
      bench.receive(peer.answer(nonce), peer.address);
    }
    expect(bench.count("peersChallenged")).toBe(2);
  });

  it("reports no duplicate of a former start that cannot show itself, nor beside a dead one", () => {
    const bench = new DiscoveryBench({ announce: true });
    const former = new FakePeer(1);
    const present = new FakePeer(1, { address: "10.0.7.7" });
    present.restart(former.startedAtMs + 5, "00000000000000dd");
    bench.meet(present);
    bench.receive(former.beacon(), ATTACKER); // a recording
    bench.runUntil(5_000);
    // It did start, with its clock set back, and the other has just died.
    bench.meet(former);
    bench.runUntil(11_000);
    bench.heard(present); // not at the same time
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    const ours = new FakePeer(1_000_001);
    ours.incarnation = "00000000000000cc";
    bench.receive(ours.beacon(), ATTACKER); // of our own former start
    bench.runUntil(20_000);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    expect(bench.count("peersChallenged")).toBeGreaterThan(8);
  });

  it("takes nothing from a leave that is replayed, stale, forged or of a stranger", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    peer.sequence = 100; // above all that the present start says
    const formerLeave = peer.leave();
    peer.restart(peer.startedAtMs + 1, "00000000000000dd");
    const early = peer.leave(); // below its next beacons
    bench.meet(peer);
    const { verifications } = bench;
    for (const leave of [formerLeave, early, new FakePeer(2).leave()]) {
      bench.receive(leave, peer.address);
    }
    expect(bench.verifications).toBe(verifications);
    bench.receive(forged(peer.leave()), peer.address);
    expect(bench.changes(peer)).toEqual(["online"]);
    expect(bench.discovery.peers().length).toBe(1);
  });

  it("counts an answer once per query, wherever its replays come from", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    const nonce = bench.query();
    const answer = peer.answer(nonce);
    bench.receive(answer, peer.address);
    const { verifications } = bench;
    bench.runUntil(bench.nowMs + 100);
    bench.receive(answer, ATTACKER);
    expect(bench.verifications).toBe(verifications);
    expect(bench.eventsOf("answer").length).toBe(1);
    expect(bench.discovery.peers()).toMatchObject([{ addresses: [{ address: peer.address }] }]);
    bench.runUntil(bench.nowMs + 10_000);
    bench.receive(answer, ATTACKER);
    expect(bench.count("datagramsUnknown")).toBe(1);
  });

  it("takes one answer to a challenge: many keys need many", () => {
    const bench = new DiscoveryBench();
    const peers = [new FakePeer(1), new FakePeer(2)];
    bench.discovery.challenge(0, { address: ATTACKER, port: 22400 });
    const nonce = bench.challengeTo(ATTACKER) ?? "";
    for (const peer of peers) bench.receive(peer.answer(nonce), ATTACKER);
    expect(bench.discovery.peers().length).toBe(1);
  });
});

describe("challenges", () => {
  it("are spread over 4 ms per live peer, and fewer the more there are", () => {
    const bench = new DiscoveryBench();
    for (let i = 1; i <= 500; i += 1) bench.heard(new FakePeer(i));
    for (let i = 1; i <= 100; i += 1) {
      bench.receive(new FakePeer(1000 + i).beacon(), `10.9.0.${i}`);
    }
    bench.runUntil(10_000);
    const challenges = bench.sent(DatagramType.query);
    // A burst, and one each 500 ms.
    expect(challenges.length).toBeGreaterThanOrEqual(20);
    expect(challenges.length).toBeLessThanOrEqual(8 + 20);
    const alone = new DiscoveryBench();
    for (let i = 1; i <= 500; i += 1) alone.heard(new FakePeer(i));
    alone.receive(new FakePeer(1000).beacon(), "10.9.0.1");
    alone.runUntil(2_000);
    const [first] = alone.sent(DatagramType.query);
    expect(first?.atMs).toBeGreaterThan(0);
    expect(first?.atMs).toBeLessThan(2_000);
  });
});

describe("somebody without a place in the roster", () => {
  it("is present for minutes once it answered a challenge, and in no list", () => {
    const bench = new DiscoveryBench();
    const oneShot = new FakePeer(1);
    const { device, incarnation } = oneShot;
    const instance = { device, incarnation };
    expect(bench.discovery.isPresent(0, instance)).toBe(false);
    bench.discovery.challenge(0, { address: oneShot.address, port: 22400 });
    const nonce = bench.challengeTo(oneShot.address) ?? "";
    const answer = oneShot.answer(nonce, 0, oneShot.beacon(), false);
    bench.receive(forged(answer), oneShot.address);
    expect(bench.discovery.isPresent(bench.nowMs, instance)).toBe(false);
    bench.receive(answer, oneShot.address);
    expect(bench.discovery.isPresent(bench.nowMs, instance)).toBe(true);
    expect(bench.discovery.isPresent(bench.nowMs, { ...instance, incarnation: "ff" })).toBe(false);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.events).toEqual([]);
    expect(bench.discovery.isPresent(bench.nowMs + 180_001, instance)).toBe(false);
  });

  it("is present while it talks to us; whoever has a place, while it is online", () => {
    const bench = new DiscoveryBench();
    const [oneShot, peer] = [new FakePeer(1), new FakePeer(2)];
    bench.heard(oneShot, oneShot.address, undefined, false);
    expect(bench.discovery.isPresent(0, oneShot)).toBe(true);
    bench.receive(peer.beacon(), peer.address);
    expect(bench.discovery.isPresent(0, peer)).toBe(false);
    bench.meet(peer);
    expect(bench.discovery.isPresent(bench.nowMs, peer)).toBe(true);
    bench.receive(peer.leave(), peer.address);
    expect(bench.discovery.isPresent(bench.nowMs, peer)).toBe(false);
  });
});
