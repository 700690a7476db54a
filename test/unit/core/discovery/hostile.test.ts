import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../../src/errors.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { DiscoveryBench, FakePeer, queryOf } from "./discoveryBench.js";

/** True if it was taken for malformed; anything else that is thrown fails the test. */
function isMalformed(receive: () => void): boolean {
  try {
    receive();
    return false;
  } catch (error) {
    if (error instanceof UdpchatError && error.code === "MALFORMED_DATAGRAM") return true;
    throw error;
  }
}

function samples(bench: DiscoveryBench): Record<string, Uint8Array> {
  const peer = new FakePeer(1);
  return {
    beacon: peer.beacon(),
    leave: peer.leave(),
    query: queryOf(1, { known: new Uint8Array(40) }),
    answer: peer.answer(bench.query()),
  };
}

describe("hostile datagrams", () => {
  it.each(["beacon", "leave", "query", "answer"])(
    "a truncated %s is malformed or nothing",
    (name) => {
      const bench = new DiscoveryBench({ announce: true });
      const whole = samples(bench)[name] ?? new Uint8Array();
      let malformedCount = 0;
      for (let length = 0; length < whole.length; length += 1) {
        const cut = Uint8Array.from(whole.subarray(0, length));
        if (isMalformed(() => bench.receive(cut, "10.0.0.1"))) malformedCount += 1;
      }
      expect(malformedCount).toBeGreaterThan(whole.length / 2);
      expect(bench.discovery.peers()).toEqual([]);
      expect(isMalformed(() => bench.receive(whole, "10.0.0.1"))).toBe(false);
    },
  );

  it("random damage never makes a peer", () => {
    const bench = new DiscoveryBench({ announce: true });
    const random = new SeededRandom(99);
    for (const name of ["beacon", "leave", "answer"]) {
      const whole = samples(bench)[name] ?? new Uint8Array();
      for (let i = 0; i < 1000; i += 1) {
        const damaged = Uint8Array.from(whole);
        const at = 4 + Math.floor(random.uniform() * (whole.length - 4));
        // The nonce and the holding time of an answer are not signed.
        if (name === "answer" && at < 16) continue;
        damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random.uniform() * 8));
        isMalformed(() => bench.receive(damaged, "10.0.0.1"));
      }
    }
    expect(bench.discovery.peers()).toEqual([]);
  });
});
