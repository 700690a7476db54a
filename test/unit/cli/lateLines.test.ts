import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MessageLine } from "../../../src/api/lines.js";
import { LateLines, MAX_LATE_LINES } from "../../../src/cli/lateLines.js";

const LINE: MessageLine = {
  type: "message",
  id: "a",
  scope: "group",
  from: { id: "ab12", name: "alice", address: "10.77.0.1", port: 22400, trust: "known" },
  group: "#ops",
  text: "",
  sentAt: "2026-11-20T12:00:00.000Z",
  receivedAt: "2026-11-20T12:05:00.000Z",
  verified: true,
  late: true,
};

let printed: string[];
let late: LateLines;
beforeEach(() => {
  vi.useFakeTimers();
  printed = [];
  late = new LateLines({
    show: async ({ text }) => void printed.push(text),
    remark: async (text) => void printed.push(text),
  });
});
afterEach(() => vi.useRealTimers());

const hold = (from: number, to: number, group = "#ops"): void => {
  for (let n = from; n <= to; n += 1)
    expect(late.holds({ ...LINE, text: `${n}`, group })).toBe(true);
};

describe("LateLines", () => {
  it("lets lines pass that are not late", () => {
    expect(late.holds({ ...LINE, late: false })).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("shows few lines all, when no more come", async () => {
    hold(1, 3);
    await vi.advanceTimersByTimeAsync(200);
    hold(4, 4);
    await vi.advanceTimersByTimeAsync(200);
    expect(printed).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(printed).toEqual(["1", "2", "3", "4"]);
    await late.close();
    expect(printed).toHaveLength(4);
  });

  it("shows the last of many, and says how to see the others", async () => {
    hold(1, 10_000);
    await vi.advanceTimersByTimeAsync(300);
    expect(printed).toHaveLength(1 + MAX_LATE_LINES);
    expect(printed[0]).toBe(
      "9950 earlier lines are not shown here: udpchat history --group '#ops' --limit 10000",
    );
    expect(printed.slice(1, 2)).toEqual(["9951"]);
    expect(printed.at(-1)).toBe("10000");
  });

  it("counts for each group", async () => {
    hold(1, MAX_LATE_LINES + 1, "#one");
    hold(1, MAX_LATE_LINES, "#two");
    await vi.advanceTimersByTimeAsync(300);
    const remarks = printed.filter((text) => text.includes("earlier"));
    expect(remarks).toEqual([
      "1 earlier line is not shown here: udpchat history --group '#one' --limit 51",
    ]);
  });

  it("shows what is left when it is closed", async () => {
    hold(1, 2);
    await late.close();
    expect(printed).toEqual(["1", "2"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
