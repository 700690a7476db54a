import { describe, expect, it } from "vitest";
import { filterInput, sinceTime } from "../../../src/cli/historyFilter.js";

const NOW = new Date("2026-03-10T12:00:00Z");
const local = (...parts: readonly [number, number, number, number?, number?]): string =>
  new Date(...parts).toISOString();

describe("sinceTime", () => {
  it.each([
    ["2h", "2026-03-10T10:00:00.000Z"],
    ["7d", "2026-03-03T12:00:00.000Z"],
    ["0", "2026-03-10T12:00:00.000Z"],
    ["2026-01-31", local(2026, 0, 31)],
    ["2026-01-31T08:05", local(2026, 0, 31, 8, 5)],
    [" 2026-01-31 08:05 ", local(2026, 0, 31, 8, 5)],
    ["2024-02-29", local(2024, 1, 29)],
    ["2026-01-31T08:05:30.5Z", "2026-01-31T08:05:30.500Z"],
    ["2026-01-31t08:05z", "2026-01-31T08:05:00.000Z"],
    ["2026-01-31T08:05+02:00", "2026-01-31T06:05:00.000Z"],
  ])("reads %s", (text, expected) => {
    expect(sinceTime(text, NOW).toISOString()).toBe(expected);
  });

  it.each([
    "",
    "yesterday",
    "2026-02-29",
    "2026-13-01",
    "2026-1-1",
    "31.01.2026",
    "2026-01-31T25:00",
    "2026-01-31Z",
    "-2h",
    "999999999999d",
  ])("refuses %j", (text) => {
    expect(() => sinceTime(text, NOW)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

describe("filterInput", () => {
  it("is empty where nothing is said", () => {
    expect(filterInput({})).toEqual({});
  });

  it("takes one peer, one group and a time", () => {
    const filter = { peer: ["bob"], group: "#ops", since: "2026-01-31T08:05Z" };
    expect(filterInput(filter)).toEqual({
      peer: "bob",
      group: "#ops",
      since: "2026-01-31T08:05:00.000Z",
    });
  });

  it("refuses two peers, or one without a name", () => {
    for (const peer of [["bob", "carol"], [""]]) {
      expect(() => filterInput({ peer })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
    }
  });
});
