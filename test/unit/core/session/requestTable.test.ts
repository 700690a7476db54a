import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { RequestTable } from "../../../../src/core/session/requestTable.js";
import { ReplyStatus } from "../../../../src/wire/record.js";

const { ok, expired } = ReplyStatus;

function table(limits: { repliesPerPeer?: number; replyLifetimeMs?: number } = {}): RequestTable {
  return new RequestTable({ ...DEFAULT_LIMITS, ...limits });
}

/** A request that ran from beginning to end. */
function execute(requests: RequestTable, nowMs: number, sequence: number, sizeBytes = 1): void {
  expect(requests.begin(sequence)).toBe(true);
  expect(requests.finish(nowMs, sequence, ok, new Uint8Array(sizeBytes))).toBe(true);
}

describe("the states of a request", () => {
  it("are running, then done, and the reply is kept", () => {
    const requests = table();
    requests.begin(1);
    expect(requests.repeated(0, 1)).toEqual({ kind: "running" });
    requests.finish(0, 1, ok, new Uint8Array([7]));
    const done = { kind: "done", status: ok, body: new Uint8Array([7]) };
    expect(requests.repeated(0, 1)).toEqual(done);
    expect(requests.repeated(299_999, 1)).toEqual(done);
  });

  it("allow one reply", () => {
    const requests = table();
    expect(requests.finish(0, 1, ok, new Uint8Array(1))).toBe(false);
    execute(requests, 0, 1);
    expect(requests.finish(0, 1, ReplyStatus.failed, new Uint8Array(2))).toBe(false);
    expect(requests.repeated(0, 1)).toMatchObject({ status: ok });
  });

  it("end in expired after 300 s", () => {
    const requests = table();
    execute(requests, 0, 1);
    expect(requests.repeated(300_001, 1)).toMatchObject({ kind: "done", status: expired });
  });

  it("end in expired when there are too many: the oldest", () => {
    const requests = table({ repliesPerPeer: 3 });
    for (let sequence = 1; sequence <= 4; sequence += 1) execute(requests, 0, sequence);
    const statuses = [1, 2, 3, 4].map((sequence) => requests.repeated(0, sequence));
    expect(statuses).toMatchObject([{ status: expired }, { status: ok }, { status: ok }, {}]);
  });

  it("end in expired, the oldest first, also when all before were long gone", () => {
    const requests = table({ repliesPerPeer: 2 });
    for (let first = 1; first < 40; first += 4) {
      const nowMs = first * 300_000;
      const sequences = [first, first + 1, first + 2, first + 3];
      for (const sequence of sequences) {
        execute(requests, nowMs, sequence);
        if (sequence % 2 === 0) requests.delivered(sequence);
      }
      const kept = sequences.filter((sequence) => {
        const repeat = requests.repeated(nowMs, sequence);
        return repeat.kind === "done" && repeat.status === ok;
      });
      expect(kept).toEqual([first + 2, first + 3]);
    }
  });

  it("end in expired when the bodies take more than 4 MiB", () => {
    const requests = table();
    for (let sequence = 1; sequence <= 65; sequence += 1) {
      execute(requests, 0, sequence, 65_536);
      requests.delivered(sequence);
    }
    execute(requests, 0, 66);
    expect(requests.repeated(0, 1)).toMatchObject({ status: expired });
    expect(requests.repeated(0, 3)).toMatchObject({ status: ok });
  });

  it("are kept beyond 4 MiB while the peer does not have them, and nothing new is begun", () => {
    const requests = table();
    const sequences = Array.from({ length: 200 }, (_, i) => i + 1);
    for (const sequence of sequences) requests.begin(sequence);
    for (const sequence of sequences) requests.finish(0, sequence, ok, new Uint8Array(65_536));
    for (const sequence of sequences) {
      expect(requests.repeated(0, sequence)).toMatchObject({ status: ok });
    }
    expect(requests.begin(201)).toBe(false);
    for (const sequence of sequences) requests.delivered(sequence);
    expect(requests.begin(201)).toBe(true);
  });

  it("end in expired when what nobody fetched takes more than 16 MiB", () => {
    const requests = table();
    const sequences = Array.from({ length: 257 }, (_, i) => i + 1);
    for (const sequence of sequences) requests.begin(sequence);
    for (const sequence of sequences) requests.finish(0, sequence, ok, new Uint8Array(65_536));
    expect(requests.repeated(0, 1)).toMatchObject({ status: expired });
    expect(requests.repeated(0, 2)).toMatchObject({ status: ok });
  });

  it("never expire while running", () => {
    const requests = table({ repliesPerPeer: 2 });
    requests.begin(1);
    for (let sequence = 2; sequence <= 9; sequence += 1) execute(requests, 1e9, sequence);
    expect(requests.repeated(1e9, 1)).toEqual({ kind: "running" });
  });

  it("refuse to run more than the limit", () => {
    const requests = table({ repliesPerPeer: 2 });
    expect([1, 2, 3].map((sequence) => requests.begin(sequence))).toEqual([true, true, false]);
    requests.finish(0, 1, ok, new Uint8Array(0));
    expect(requests.begin(4)).toBe(true);
  });
});
