import * as v from "valibot";
import { beforeEach, describe, expect, it } from "vitest";
import { HistoryLineSchema } from "../../../src/api/lines.js";
import { MAX_HISTORY_BYTES, OPERATIONS, type OperationName } from "../../../src/api/operations.js";
import { Service } from "../../../src/api/service.js";
import { ALICE, FakeMessenger, historyMessage } from "./fakeMessenger.js";

let messenger: FakeMessenger;
let service: Service;
beforeEach(() => {
  messenger = new FakeMessenger();
  service = new Service(messenger);
});

const LINE = {
  type: "message",
  id: "5a".repeat(16),
  scope: "direct",
  from: { ...ALICE, id: "ff".repeat(32), name: "me" },
  group: null,
  text: "hello",
  sentAt: "1970-01-01T00:00:01.000Z",
  receivedAt: "1970-01-01T00:00:01.000Z",
  verified: true,
  late: false,
  own: true,
  to: ALICE,
  state: "delivered",
  receipts: [{ peer: ALICE, status: "delivered", at: null }],
  clientId: null,
  expiresAt: null,
};

describe("history", () => {
  it("answers with message lines and what is known beside them", async () => {
    const queued = { state: "queued", expiresAt: new Date(9000), clientId: "c1", receipts: [] };
    const ofAlice = { from: ALICE, own: false, to: null, state: "unread", receipts: [] };
    messenger.stored = [
      historyMessage(),
      historyMessage({ ...queued, state: "queued" }),
      historyMessage({ ...ofAlice, state: "unread", scope: "group", group: "#ops", late: true }),
      historyMessage({ receipts: [{ peer: ALICE, status: "read", at: new Date(2000) }] }),
    ];
    const lines = await service.call("history", {});
    expect(lines).toEqual([
      LINE,
      { ...LINE, ...queued, expiresAt: "1970-01-01T00:00:09.000Z" },
      { ...LINE, ...ofAlice, scope: "group", group: "#ops", late: true },
      {
        ...LINE,
        receipts: [{ peer: ALICE, status: "read", at: "1970-01-01T00:00:02.000Z" }],
      },
    ]);
    expect(v.parse(OPERATIONS.history.output, JSON.parse(JSON.stringify(lines)))).toEqual(lines);
  });

  it("keeps a time that no date can hold from breaking the answer", async () => {
    messenger.stored = [historyMessage({ sentAt: new Date(Number.NaN) })];
    const [line] = await service.call("history", {});
    expect(v.parse(HistoryLineSchema, line).sentAt).toBe("1970-01-01T00:00:00.000Z");
  });

  it("hands the filter on, and nothing where nothing was said", async () => {
    const filter = { query: "午饭", peer: "alice", group: "#ops" };
    const since = "2026-01-02T03:04:05+01:00";
    await service.call("history", {});
    await service.call("history", { ...filter, since, limit: 5 });
    await service.stream("export", { since }).next();
    expect(messenger.queries).toEqual([
      { maxBytes: MAX_HISTORY_BYTES },
      {
        ...filter,
        since: new Date("2026-01-02T02:04:05.000Z"),
        limit: 5,
        maxBytes: MAX_HISTORY_BYTES,
      },
      { since: new Date("2026-01-02T02:04:05.000Z") },
    ]);
  });
});

describe("export", () => {
  it("hands out one line after the other, and stops when nobody wants more", async () => {
    messenger.stored = [historyMessage(), historyMessage({ text: "two" }), historyMessage()];
    const controller = new AbortController();
    const texts: string[] = [];
    for await (const line of service.stream("export", {}, { signal: controller.signal })) {
      texts.push(line.text);
      if (line.text === "two") controller.abort();
    }
    expect(texts).toEqual(["hello", "two"]);
  });
});

describe("the outbox", () => {
  it("lists what is queued, and drops one", async () => {
    messenger.stored = [historyMessage(), historyMessage({ id: "77".repeat(16), state: "queued" })];
    expect(await service.call("outbox", {})).toMatchObject([{ id: "77".repeat(16) }]);
    const dropped = await service.call("dropQueued", { id: "77" });
    expect(dropped).toMatchObject({ id: "77".repeat(16), state: "undelivered" });
    await expect(service.call("dropQueued", { id: "99" })).rejects.toMatchObject({
      code: "NO_SUCH_MESSAGE",
    });
  });

  it("marks what was read", async () => {
    expect(await service.call("read", { ids: ["a", "b"] })).toEqual({ type: "marked" });
    expect(messenger.read).toEqual(["a", "b"]);
  });
});

describe("input that is refused", () => {
  it.each<[OperationName, object]>([
    ["history", { limit: 0 }],
    ["history", { limit: 10_001 }],
    ["history", { limit: 1.5 }],
    ["history", { since: "yesterday" }],
    ["history", { since: "2026-13-01T00:00:00Z" }],
    ["history", { peer: "" }],
    ["history", { before: 1 }],
    ["export", { limit: 5 }],
    ["dropQueued", {}],
    ["read", { ids: Array.from({ length: 1001 }, () => "a") }],
    ["send", { target: "a", text: "b", ttlMs: 0 }],
    ["send", { target: "a", text: "b", ttlMs: 366 * 86_400_000 }],
    ["send", { target: "a", text: "b", id: "" }],
    ["send", { target: "a", text: "b", id: "x".repeat(65) }],
    ["send", { target: "a", text: "b", id: "new\nline" }],
  ])("of %s: %j", (name, input) => {
    expect(v.is(OPERATIONS[name].input, input)).toBe(false);
  });

  it("but not what is good", () => {
    const good = { target: "a", text: "b", queue: true, ttlMs: 1, id: "a b~" };
    expect(v.is(OPERATIONS.send.input, good)).toBe(true);
    const filter = { since: "2026-01-02T03:04:05.678Z", limit: 10_000, query: "" };
    expect(v.is(OPERATIONS.history.input, filter)).toBe(true);
  });
});
