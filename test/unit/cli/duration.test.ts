import { describe, expect, it } from "vitest";
import { parseDurationMs } from "../../../src/cli/duration.js";

describe("parseDurationMs", () => {
  it.each([
    ["500ms", 500],
    ["2s", 2000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["250", 250],
    ["0", 0],
    [" 3s ", 3000],
  ])("reads %s as %i ms", (text, expectedMs) => {
    expect(parseDurationMs(text)).toBe(expectedMs);
  });

  it.each(["", "s", "2 s", "2sec", "-1s", "1e3", "Infinity", "2S", "1.s", "0x10", "1s2"])(
    "refuses %j",
    (text) => {
      expect(() => parseDurationMs(text)).toThrow(
        expect.objectContaining({ code: "INVALID_DURATION" }),
      );
    },
  );
});
