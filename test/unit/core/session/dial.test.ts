import { describe, expect, it } from "vitest";
import { Dial } from "../../../../src/core/session/dial.js";
import { Outgoing } from "../../../../src/core/session/outgoing.js";
import { MIN_HANDSHAKE_INIT_BYTES } from "../../../../src/wire/constants.js";
import { clearSuite } from "../../../support/clearSuite.js";
import { SeededRandom } from "../../../support/seededRandom.js";

function dial(): Dial {
  return new Dial(0, {
    to: { address: "10.0.0.1", port: 1 },
    localIndex: 5,
    suite: clearSuite.id,
    handshake: clearSuite.initiate(new Uint8Array(80), new SeededRandom(1)),
  });
}

describe("a dial", () => {
  it("repeats quickly at first, and patiently after 5 s", () => {
    const attempt = dial();
    const times: number[] = [];
    while (attempt.retryAtMs < 30_000) {
      times.push(attempt.retryAtMs);
      attempt.repeated(attempt.retryAtMs);
    }
    expect(times.slice(0, 6)).toEqual([0, 50, 150, 350, 600, 850]);
    const gaps = times.slice(1).map((atMs, i) => atMs - (times[i] ?? 0));
    expect(gaps.slice(-3)).toEqual([3_000, 3_000, 3_000]);
    expect(Math.max(...gaps.slice(0, 20))).toBe(250);
  });

  it("repeats a datagram that is padded against amplification", () => {
    expect(dial().init.length).toBeGreaterThanOrEqual(MIN_HANDSHAKE_INIT_BYTES);
  });

  it("is wanted while a message waits, however long", () => {
    const attempt = dial();
    expect(attempt.isWanted(0)).toBe(false);
    attempt.waiting.add(
      new Outgoing({
        lane: 0,
        record: new Uint8Array(1),
        purpose: { kind: "text", token: 1, target: { kind: "address", to: attempt.to } },
        createdAtMs: 0,
      }),
    );
    expect(attempt.isWanted(3_600_000)).toBe(true);
  });
});
