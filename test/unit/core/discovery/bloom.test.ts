import { describe, expect, it } from "vitest";
import { bloomHas, bloomOf } from "../../../../src/core/discovery/bloom.js";
import { MAX_BLOOM_BYTES } from "../../../../src/wire/constants.js";
import { toHex } from "../../../../src/wire/cursor.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const random = new SeededRandom(7);
const devices = Array.from({ length: 3000 }, () => toHex(random.bytes(32)));
const NONCE = "0102030405060708";

describe("Bloom filter", () => {
  it("has every device that was put in, and few others", () => {
    const inside = devices.slice(0, 400);
    const filter = bloomOf(NONCE, inside);
    expect(filter.length).toBeLessThanOrEqual(MAX_BLOOM_BYTES);
    expect(inside.every((device) => bloomHas(filter, NONCE, device))).toBe(true);
    const others = devices.slice(400, 2400);
    const falsePositives = others.filter((device) => bloomHas(filter, NONCE, device)).length;
    expect(falsePositives).toBeLessThan(60); // 1 % of 2000 is 20
  });

  it("is empty for nobody, and an empty one has nobody", () => {
    expect(bloomOf(NONCE, []).length).toBe(0);
    expect(bloomHas(new Uint8Array(0), NONCE, devices[0] ?? "")).toBe(false);
  });

  it("does not grow past its bound, nor silence strangers, when too many are known", () => {
    const filter = bloomOf(NONCE, devices.slice(0, 2000));
    expect(filter.length).toBeLessThanOrEqual(MAX_BLOOM_BYTES);
    const strangers = devices.slice(2000);
    const silenced = strangers.filter((device) => bloomHas(filter, NONCE, device)).length;
    expect(silenced).toBeLessThan(40);
  });

  it("depends on the nonce", () => {
    const filter = bloomOf(NONCE, devices.slice(0, 10));
    const other = "ffffffffffffffff";
    expect(devices.slice(0, 10).every((device) => bloomHas(filter, other, device))).toBe(false);
  });

  it("sets the documented bits", () => {
    // Computed once more with Python's hashlib.blake2b.
    const filter = bloomOf("0000000000000000", ["00".repeat(32)]);
    expect(toHex(filter)).toBe("2002400480001001");
  });
});
