import { describe, expect, it } from "vitest";
import { toIdLine, toPeerLine } from "../../../src/api/toLines.js";

it("a fingerprint is the id in 16 groups of four", () => {
  const { fingerprint } = toIdLine({ id: "0123456789abcdef".repeat(4), name: "alice" });
  expect(fingerprint.split(" ")).toEqual(
    Array.from({ length: 4 }, () => ["0123", "4567", "89ab", "cdef"]).flat(),
  );
});

describe("rttMs", () => {
  const peer = {
    id: "ab",
    name: "alice",
    address: "10.0.0.2",
    port: 22400,
    trust: "known",
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
