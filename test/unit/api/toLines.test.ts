import { describe, expect, it } from "vitest";
import { toPeerLine } from "../../../src/api/toLines.js";

describe("rttMs", () => {
  const peer = {
    id: "ab",
    name: "alice",
    address: "10.0.0.2",
    port: 22400,
    state: "online",
    via: "broadcast",
    addresses: [],
  } as const;

  it.each([
    [0.123456789, 0.123],
    [12.0004999, 12],
    [null, null],
  ])("is rounded to the microsecond: %s", (rttMs, shown) => {
    expect(toPeerLine({ ...peer, rttMs }).rttMs).toBe(shown);
  });
});
