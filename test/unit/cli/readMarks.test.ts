import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Api } from "../../../src/api/operations.js";
import { Service } from "../../../src/api/service.js";
import { ReadMarks } from "../../../src/cli/readMarks.js";
import { FakeMessenger } from "../api/fakeMessenger.js";

const DIRECT = { id: "a", scope: "direct" } as const;

let messenger: FakeMessenger;
let api: Api;
beforeEach(() => {
  vi.useFakeTimers();
  messenger = new FakeMessenger();
  api = new Service(messenger);
});
afterEach(() => vi.useRealTimers());

function marksFor({ terminal = true, forScripts = false } = {}): ReadMarks {
  const isTTY = { stdin: terminal, stdout: terminal, stderr: terminal };
  return new ReadMarks(api, { isTTY, forScripts });
}

describe("ReadMarks", () => {
  it("tells what a person was shown, several at once and a little later", async () => {
    const read = vi.spyOn(api, "call");
    const marks = marksFor();
    for (const id of ["a", "b", "c"]) marks.shown({ ...DIRECT, id });
    expect(read).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(read.mock.calls).toEqual([["read", { ids: ["a", "b", "c"] }]]);
    expect(messenger.read).toEqual(["a", "b", "c"]);
  });

  it("tells the rest when it is closed", async () => {
    const marks = marksFor();
    marks.shown(DIRECT);
    await marks.close();
    expect(messenger.read).toEqual(["a"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("never tells more than fit into one call", async () => {
    const read = vi.spyOn(api, "call");
    const marks = marksFor();
    for (let count = 0; count < 1001; count += 1) marks.shown({ ...DIRECT, id: `id${count}` });
    await marks.close();
    expect(read).toHaveBeenCalledTimes(2);
    expect(messenger.read).toHaveLength(1001);
  });

  it.each([
    ["in a group", { ...DIRECT, scope: "group" }],
    ["plain", { ...DIRECT, id: null }],
    ["of ours", { ...DIRECT, own: true }],
    ["that was read before", { ...DIRECT, state: "read" }],
  ] as const)("passes over a message %s", async (_which, line) => {
    const marks = marksFor();
    marks.shown(line);
    await marks.close();
    expect(messenger.read).toEqual([]);
  });

  it.each([
    ["a pipe", { terminal: false }],
    ["a script", { forScripts: true }],
  ])("marks nothing for %s", async (_reader, reader) => {
    const marks = marksFor(reader);
    marks.shown(DIRECT);
    await marks.close();
    expect(messenger.read).toEqual([]);
  });

  it("does not mind that the daemon is gone", async () => {
    await api.close();
    const marks = marksFor();
    marks.shown(DIRECT);
    await marks.close();
    expect(messenger.read).toEqual([]);
  });
});
