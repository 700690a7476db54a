import { describe, expect, it } from "vitest";
import {
  type RandomSource,
  randomHex,
  randomU32,
  uniformBetween,
} from "../../../src/crypto/random.js";
import { systemRandom } from "../../../src/crypto/systemRandom.js";

/** Chance that is none: always the same fraction and the same byte. */
function constantRandom(fraction: number, byte: number): RandomSource {
  return { uniform: () => fraction, bytes: (count) => new Uint8Array(count).fill(byte) };
}

describe("random helpers", () => {
  it("uniformBetween maps [0, 1) to [low, high)", () => {
    expect(uniformBetween(constantRandom(0, 0), 20, 120)).toBe(20);
    expect(uniformBetween(constantRandom(0.5, 0), 20, 120)).toBe(70);
    expect(uniformBetween(constantRandom(1 - 2 ** -32, 0), 20, 120)).toBeLessThan(120);
  });

  it("randomHex and randomU32 use every bit", () => {
    expect(randomHex(constantRandom(0, 0x0f), 8)).toBe("0f".repeat(8));
    expect(randomU32(constantRandom(0, 0xff))).toBe(0xffff_ffff);
    expect(randomU32(constantRandom(0, 0))).toBe(0);
  });
});

describe("systemRandom", () => {
  it("stays in [0, 1)", () => {
    for (let i = 0; i < 1000; i += 1) {
      const drawn = systemRandom.uniform();
      expect(drawn >= 0 && drawn < 1).toBe(true);
    }
  });

  it("gives as many bytes as asked for, and others each time", () => {
    expect(systemRandom.bytes(0)).toHaveLength(0);
    expect(systemRandom.bytes(16)).toHaveLength(16);
    expect(randomHex(systemRandom, 16)).not.toBe(randomHex(systemRandom, 16));
  });
});
