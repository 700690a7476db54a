import { describe, expect, it } from "vitest";
import { Shares } from "../../../../src/core/discovery/shares.js";
import fc from "../../../support/fastCheck.js";

const step = fc.record({
  adds: fc.boolean(),
  address: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3"),
  item: fc.integer({ min: 0, max: 9 }),
});

describe("shares of addresses", () => {
  it("are counted as a plain list counts them, whatever comes and goes, also what was not there", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const shares = new Shares<number>();
        const held: { address: string; item: number }[] = [];
        for (const { adds, address, item } of steps) {
          const at = held.findIndex((one) => one.address === address && one.item === item);
          if (adds) {
            shares.add(address, item);
            if (at < 0) held.push({ address, item });
          } else {
            shares.delete(address, item);
            if (at >= 0) held.splice(at, 1);
          }
          const of = (address: string) => held.filter((one) => one.address === address);
          const largest = Math.max(0, ...held.map((one) => of(one.address).length));
          expect(shares.largestSize).toBe(largest);
          expect(shares.sizeOf(address)).toBe(of(address).length);
          const oldest = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
            .filter((address) => largest > 0 && of(address).length === largest)
            .map((address) => of(address)[0]?.item);
          if (largest === 0) expect(shares.oldestOfLargest).toBeUndefined();
          else expect(oldest).toContain(shares.oldestOfLargest);
        }
      }),
    );
  });
});
