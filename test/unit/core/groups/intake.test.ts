import { expect, it } from "vitest";
import { Counters } from "../../../../src/core/counters.js";
import { Archive } from "../../../../src/core/groups/archive.js";
import type { GroupLog } from "../../../../src/core/groups/groupLog.js";
import { HybridClock } from "../../../../src/core/groups/hybridClock.js";
import { Intake } from "../../../../src/core/groups/intake.js";
import { Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { type Alarm, TimerQueue } from "../../../../src/core/timers.js";
import { decodeUtf8, encodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData, encodeGroupData } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { readingAt } from "../../../../src/wire/hybridReading.js";
import { KeptLog } from "../../../support/keptLog.js";

const GROUP_ID = "aa".repeat(8);
const WALL_MS = 1_700_000_000_000;

function arrivals(log: GroupLog = new KeptLog()) {
  const outputs = new Outputs();
  const archive = new Archive({ outputs, limits: DEFAULT_LIMITS }, log, GROUP_ID);
  const context = {
    clock: new HybridClock(),
    counters: new Counters(),
    outputs,
    wallMs: () => WALL_MS,
    oldestHlc: () => 0,
    addressOf: () => undefined,
    timers: new TimerQueue<Alarm>(),
  };
  const nobody = { find: () => undefined, peer: () => undefined };
  const intake = new Intake(context, GROUP_ID, archive, nobody);
  return {
    /** The first line of a start of the author; ">end": the second datagram, and the end of it. */
    take(incarnation: string, text: string, saidAtMs: number): void {
      const continued = text.startsWith(">");
      const entry = { sentAtMs: saidAtMs, hlc: readingAt(saidAtMs), body: encodeUtf8(text) };
      const unsigned = encodeGroupData({
        groupId: GROUP_ID,
        device: "d1".repeat(32),
        incarnation,
        sequence: continued ? 2 : 1,
        name: "ada",
        entries: [{ ...entry, messageSequence: 1, continues: false, continued }],
      });
      const bytes = withSignature(unsigned, new Uint8Array(64));
      intake.take(0, decodeGroupData(bytes), { bytes, keyId: undefined, late: false });
    },
    /** Texts, and whether they are late; and gaps. */
    told: () =>
      outputs.drain().events.flatMap((event): readonly unknown[] => {
        if (event.kind === "gap") return [event.count];
        return event.kind === "groupMessage" ? [[decodeUtf8(event.body), event.late]] : [];
      }),
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

it("puts off 64 datagrams whose lines begin where nobody can read, and tells a gap for more", () => {
  const starts = Array.from({ length: 65 }, (_, index) => (16 + index).toString(16).repeat(8));
  const blind: GroupLog = {
    streams: () =>
      starts.map((incarnation) => ({
        device: "d1".repeat(32),
        incarnation,
        ranges: [{ first: 1, last: 1 }],
        latestHlc: readingAt(WALL_MS),
      })),
    read: () => undefined,
    saidBefore: () => undefined,
  };
  const group = arrivals(blind);
  const takeAll = () => {
    for (const incarnation of starts) group.take(incarnation, ">end", WALL_MS);
  };
  takeAll();
  expect(group.told()).toEqual([1]);
  takeAll();
  expect(group.told()).toEqual([]);
});
