import { expect, it } from "vitest";
import { Counters } from "../../../../src/core/counters.js";
import { Archive } from "../../../../src/core/groups/archive.js";
import { HybridClock } from "../../../../src/core/groups/hybridClock.js";
import { Intake } from "../../../../src/core/groups/intake.js";
import { Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { decodeUtf8, encodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData, encodeGroupData } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { readingAt } from "../../../../src/wire/hybridReading.js";
import { KeptLog } from "../../../support/keptLog.js";

const GROUP_ID = "aa".repeat(8);
const WALL_MS = 1_700_000_000_000;

function arrivals() {
  const outputs = new Outputs();
  const archive = new Archive({ outputs, limits: DEFAULT_LIMITS }, new KeptLog(), GROUP_ID);
  const context = {
    clock: new HybridClock(),
    counters: new Counters(),
    outputs,
    wallMs: () => WALL_MS,
    oldestHlc: () => 0,
    addressOf: () => undefined,
  };
  const nobody = { find: () => undefined, peer: () => undefined };
  const intake = new Intake(context, GROUP_ID, archive, nobody);
  return {
    /** The first line of a start of the author. */
    take(incarnation: string, text: string, saidAtMs: number): void {
      const entry = { sentAtMs: saidAtMs, hlc: readingAt(saidAtMs), body: encodeUtf8(text) };
      const unsigned = encodeGroupData({
        groupId: GROUP_ID,
        device: "d1".repeat(32),
        incarnation,
        sequence: 1,
        name: "ada",
        entries: [{ ...entry, messageSequence: 1, continues: false, continued: false }],
      });
      const bytes = withSignature(unsigned, new Uint8Array(64));
      intake.take(0, decodeGroupData(bytes), { bytes, keyId: undefined, late: false });
    },
    /** Texts, and whether they are late. */
    told: () =>
      outputs
        .drain()
        .events.flatMap((event) =>
          event.kind === "groupMessage" ? [[decodeUtf8(event.body), event.late]] : [],
        ),
  };
}

it("calls late what its author said in an earlier start than what was handed on", () => {
  const group = arrivals();
  group.take("02".repeat(8), "after the crash", WALL_MS);
  group.take("01".repeat(8), "before the crash", WALL_MS - 5000);
  group.take("03".repeat(8), "after the next one", WALL_MS + 5000);
  expect(group.told()).toEqual([
    ["after the crash", false],
    ["before the crash", true],
    ["after the next one", false],
  ]);
});
