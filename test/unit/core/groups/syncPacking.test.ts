import { describe, expect, it } from "vitest";
import { packFairly } from "../../../../src/core/groups/syncPacking.js";
import type { SyncStream } from "../../../../src/wire/groupSync.js";
import { SeededRandom } from "../../../support/seededRandom.js";

function streamsOf(count: number): SyncStream[] {
  return Array.from({ length: count }, (_, i) => ({
    device: i.toString(16).padStart(64, "0"),
    incarnation: "0d".repeat(8),
    latestHlc: 1,
    ranges: [{ first: 1, last: 3 }],
  }));
}

describe("streams that one record says", () => {
  it("are all of them if they fit", () => {
    const streams = streamsOf(10);
    expect(packFairly(streams, new SeededRandom(1))).toEqual({ streams, partial: false });
  });

  it("are others each time if they do not, so that none is left unsaid for ever", () => {
    const streams = streamsOf(3_000);
    const random = new SeededRandom(1);
    const said = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const packed = packFairly(streams, random);
      expect(packed.partial).toBe(true);
      expect(packed.streams.length).toBeGreaterThan(500);
      for (const { device } of packed.streams) said.add(device);
    }
    expect(said.size).toBe(streams.length);
  });
});
