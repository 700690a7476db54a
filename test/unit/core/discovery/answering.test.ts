import { describe, expect, it } from "vitest";
import { bloomOf } from "../../../../src/core/discovery/bloom.js";
import { DatagramType, MAX_NAME_BYTES, MIN_QUERY_BYTES } from "../../../../src/wire/constants.js";
import { decodeAnswer } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, isTo, queryOf } from "./discoveryBench.js";

const ANSWER = DatagramType.answer;
const ASKER = "10.1.0.1";

describe("answering queries", () => {
  it("is one answer, late, to the asker's data port, and says how long it was held", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const bench = new DiscoveryBench({ announce: true, seed });
      bench.runUntil(5_000);
      bench.receive(queryOf(1, { dataPort: 4444 }), ASKER);
      bench.receive(queryOf(1, { dataPort: 4444 }), ASKER);
      bench.receive(queryOf(1, { dataPort: 4444 }), "10.2.0.1"); // its other interface
      bench.runUntil(6_000);
      const [answer, ...more] = bench.sent(ANSWER);
      if (answer === undefined) throw new Error("no answer");
      expect(more).toEqual([]);
      expect(isTo(answer, { address: ASKER, port: 4444 })).toBe(true);
      const heldMs = answer.atMs - 5_000;
      expect(heldMs).toBeGreaterThanOrEqual(20);
      expect(heldMs).toBeLessThanOrEqual(120);
      const decoded = decodeAnswer(answer.bytes);
      expect(decoded.heldUs).toBe(Math.floor(heldMs * 1000));
      expect(decoded.beacon.device).toBe(bench.context.identity.device);
    }
  });

  it("is spread further when the asker knows many", () => {
    const delaysMs = Array.from({ length: 40 }, (_, seed) => {
      const bench = new DiscoveryBench({ announce: true, seed });
      bench.receive(queryOf(1, { peersKnown: 1000 }), ASKER);
      bench.runUntil(3_000);
      return bench.sent(ANSWER)[0]?.atMs ?? Number.NaN;
    });
    expect(Math.max(...delaysMs)).toBeGreaterThan(1_000);
    expect(Math.max(...delaysMs)).toBeLessThanOrEqual(2_000);
  });

  it("never outlasts the asker's patience, whatever it claims to know", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const bench = new DiscoveryBench({ announce: true, seed });
      bench.receive(queryOf(1, { peersKnown: 0xffff }), ASKER);
      bench.runUntil(4_000);
      expect(bench.sent(ANSWER).length).toBe(1);
    }
  });

  it("is given alone by who does not announce itself, to who asks it alone, and says so", () => {
    const bench = new DiscoveryBench({ announce: false });
    bench.receive(queryOf(1), ASKER);
    bench.runUntil(5_000);
    expect(bench.sent(ANSWER)).toEqual([]);
    for (let i = 2; i < 100; i += 1) bench.receive(queryOf(i, { direct: true }), ASKER);
    const answers = bench.sent(ANSWER).map(({ bytes }) => decodeAnswer(bytes));
    expect(answers.map(({ announces }) => announces)).toEqual(Array(9).fill(false));
    expect(answers[0]?.beacon).toMatchObject({
      device: bench.context.identity.device,
      incarnation: bench.context.incarnation,
    });
  });

  it("is at most three times as long as the shortest query, with the longest name", () => {
    const beacon = new FakePeer(1, { name: "n".repeat(MAX_NAME_BYTES) });
    const { length: answerBytes } = beacon.answer("0000000000000001");
    const { length: queryBytes } = queryOf(1);
    expect(queryBytes).toBe(MIN_QUERY_BYTES);
    expect(answerBytes).toBeLessThanOrEqual(3 * queryBytes);
    expect(answerBytes).toBeGreaterThan(beacon.beacon().length);
  });

  it("is at once for a direct query", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.receive(queryOf(1, { direct: true }), ASKER);
    expect(bench.sent(ANSWER).map(({ bytes }) => decodeAnswer(bytes).heldUs)).toEqual([0]);
  });

  it("is not needed from who is in the Bloom filter", () => {
    const bench = new DiscoveryBench({ announce: true });
    const nonce = "0000000000000001";
    const known = bloomOf(nonce, [bench.context.identity.device]);
    bench.receive(queryOf(1, { direct: true, known }), ASKER);
    expect(bench.sent(ANSWER)).toEqual([]);
    bench.receive(queryOf(1, { direct: true, known: bloomOf(nonce, ["ab".repeat(32)]) }), ASKER);
    expect(bench.sent(ANSWER).length).toBe(1);
  });

  it("is refused beyond the link, except to a configured peer", () => {
    const configuredPeers = [{ address: "192.0.2.9", port: 22400 }];
    const bench = new DiscoveryBench({ announce: true, configuredPeers });
    bench.receive(queryOf(1, { direct: true }), "192.0.2.8", { onLink: false });
    expect(bench.sent(ANSWER)).toEqual([]);
    bench.receive(queryOf(2, { direct: true }), "192.0.2.9", { onLink: false });
    expect(bench.sent(ANSWER).length).toBe(1);
  });

  it("is not for our own query that came back", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.query();
    const own = bench.sent(DatagramType.query)[0]?.bytes ?? new Uint8Array();
    bench.receive(own, "10.0.0.7");
    bench.runUntil(5_000);
    expect(bench.sent(ANSWER)).toEqual([]);
    expect(bench.count("datagramsOwn")).toBe(1);
  });

  it("is limited per source address, whatever ports are named: nine at once, then three a second", () => {
    const bench = new DiscoveryBench({ announce: true });
    for (let i = 0; i < 1000; i += 1) {
      bench.runUntil(i * 10);
      bench.receive(queryOf(i, { direct: true, dataPort: 1000 + i }), ASKER);
    }
    expect(bench.sent(ANSWER).length).toBe(38); // 9, and 9.99 s at three a second
    expect(bench.count("answersSuppressed")).toBe(962);
    bench.receive(queryOf(5000, { direct: true }), "10.1.0.2");
    expect(bench.sent(ANSWER).length).toBe(39);
  });

  it("is there for three users of one host who ask in the same second, every time", () => {
    const bench = new DiscoveryBench({ announce: true });
    for (let round = 0; round < 3; round += 1) {
      for (let user = 0; user < 3; user += 1) {
        const query = queryOf(3 * round + user, { direct: true, dataPort: 22_400 + user });
        bench.receive(query, ASKER);
      }
      bench.runUntil(250 * (round + 1));
    }
    expect(bench.sent(ANSWER).length).toBe(9);
  });

  it("is limited in all: 250 a second, however many sources are forged", () => {
    const bench = new DiscoveryBench({ announce: true });
    for (let i = 0; i < 5000; i += 1) {
      bench.receive(queryOf(i, { direct: i % 2 === 0 }), `10.${i >> 8}.0.${i & 255}`);
    }
    bench.runUntil(900);
    expect(bench.sent(ANSWER).length).toBe(250);
    expect(bench.count("answersSuppressed")).toBe(4750);
  });

  it("is dropped when we slept while it was held", () => {
    const bench = new DiscoveryBench({ announce: true });
    bench.receive(queryOf(1), ASKER);
    bench.nowMs = 60_000;
    bench.runUntil(60_000);
    expect(bench.sent(ANSWER)).toEqual([]);
  });
});
