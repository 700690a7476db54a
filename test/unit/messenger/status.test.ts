import { describe, expect, it } from "vitest";
import { toStatusLine } from "../../../src/api/toLines.js";
import { PeoplePrinter } from "../../../src/cli/printers/peoplePrinter.js";
import { styleFor } from "../../../src/cli/printers/style.js";
import { Counters } from "../../../src/core/counters.js";
import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

async function statusLine() {
  const clock = new ManualClock();
  const messenger = await Messenger.open(
    { name: "alice", ephemeral: true },
    { openLan: new MemorySegment().open, clock, random: new SeededRandom(1) },
  );
  const line = toStatusLine(messenger.status(), 1);
  await clock.until(messenger.close());
  return line;
}

describe("a status", () => {
  it("tells scripts every bound in force, what is in use and every counter", async () => {
    const { limits, usage, counters } = await statusLine();
    expect(limits).toEqual(DEFAULT_LIMITS);
    expect(Object.keys(usage)).toEqual(expect.arrayContaining(["peers", "halfOpenHandshakes"]));
    for (const count of Object.values(usage)) expect(Number.isSafeInteger(count)).toBe(true);
    const ofTheCore = Object.keys(new Counters().snapshot());
    expect(Object.keys(counters)).toEqual(expect.arrayContaining([...ofTheCore, "plainDropped"]));
  });

  it("is short for people", async () => {
    let text = "";
    const write = async (part: string): Promise<void> => {
      text += part;
    };
    const printer = new PeoplePrinter(write, { style: styleFor(false, {}), tables: false });
    await printer.line(await statusLine());
    expect(text.split("\n").length).toBeLessThanOrEqual(12);
    expect(text).not.toMatch(/halfOpen|datagramsReceived/);
  });
});
