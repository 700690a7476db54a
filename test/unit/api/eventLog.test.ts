import { describe, expect, it } from "vitest";
import { EventLog } from "../../../src/api/eventLog.js";
import type { EventLine } from "../../../src/api/lines.js";

const never = new AbortController().signal;

function gap(count: number): EventLine {
  const from = { id: null, name: "", address: "10.0.0.1", port: 1, trust: null };
  return { type: "gap", group: "#g", from, count };
}

async function read(log: EventLog, lastEventId: string | undefined): Promise<string[]> {
  log.end();
  const seen: string[] = [];
  for await (const { id, type } of log.follow(lastEventId, never)) {
    seen.push(`${id ?? "-"} ${type}`);
  }
  return seen;
}

describe("EventLog", () => {
  it("begins now without an id", async () => {
    const log = new EventLog("aa");
    log.append(gap(1));
    expect(await read(log, undefined)).toEqual(["aa-1 ready"]);
  });

  it("resumes behind an id", async () => {
    const log = new EventLog("aa");
    for (let count = 0; count < 4; count += 1) log.append(gap(count));
    expect(await read(log, "aa-2")).toEqual(["aa-2 ready", "aa-3 gap", "aa-4 gap"]);
  });

  it("says so when the place is no longer kept", async () => {
    const log = new EventLog("aa", { maxLines: 2 });
    for (let count = 0; count < 5; count += 1) log.append(gap(count));
    expect(await read(log, "aa-1")).toEqual(["- resync", "aa-3 ready", "aa-4 gap", "aa-5 gap"]);
    expect(await read(log, "aa-3")).toEqual(["aa-3 ready", "aa-4 gap", "aa-5 gap"]);
  });

  it("gives all it has, after a resync, for an id of another start", async () => {
    const log = new EventLog("aa");
    log.append(gap(1));
    for (const id of ["bb-7", "aa-2", "aa-", "aa-x", "rubbish"]) {
      expect(await read(log, id)).toEqual(["- resync", "aa-0 ready", "aa-1 gap"]);
    }
  });

  it("is bounded in characters as well", async () => {
    const log = new EventLog("aa", { maxChars: 250 });
    for (let count = 0; count < 5; count += 1) log.append(gap(count));
    expect(await read(log, "aa-0")).toEqual(["- resync", "aa-3 ready", "aa-4 gap", "aa-5 gap"]);
  });

  it("tells a slow reader that it missed something", async () => {
    const log = new EventLog("aa", { maxLines: 2 });
    const lines = log.follow(undefined, never);
    await lines.next();
    for (let count = 0; count < 5; count += 1) log.append(gap(count));
    log.end();
    const types: string[] = [];
    for await (const { type } of lines) types.push(type);
    expect(types).toEqual(["resync", "gap", "gap"]);
  });

  it("wakes a waiting reader, and lets it go when its signal aborts", async () => {
    const log = new EventLog("aa");
    const controller = new AbortController();
    const lines = log.follow(undefined, controller.signal);
    await lines.next();
    const waiting = lines.next();
    log.append(gap(1));
    expect((await waiting).value?.id).toBe("aa-1");
    const last = lines.next();
    controller.abort();
    expect((await last).done).toBe(true);
  });
});
