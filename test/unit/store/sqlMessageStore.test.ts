import { describe, expect, it } from "vitest";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import type {
  HistoryQuery,
  MessageStore,
  OwnState,
  StoredMessage,
} from "../../../src/store/messageStore.js";
import { SqlMessageStore } from "../../../src/store/sqlMessageStore.js";
import fc from "../../support/fastCheck.js";
import { databaseKinds } from "../../support/messageDatabases.js";
import {
  deviceOf,
  idOf,
  incoming,
  line,
  ME,
  MY_INCARNATION,
  OPS,
  outgoing,
  ownLine,
  partyOf,
  queued,
} from "../../support/storedMessages.js";

describe.each(await databaseKinds())("a store in $engine", ({ open }) => {
  it("reads no table from end to end", () => {
    const database = open();
    const store = new SqlMessageStore(database);
    askEverything(store);
    const plans = [...database.statements].flatMap((sql) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...Array.from({ length: sql.split("?").length - 1 }, () => null))
        .map(({ detail }) => ({ sql, detail: String(detail) })),
    );
    // All texts for a short word, which no index knows; as many rows as go; and a table that has a
    // row for each member and start of ours.
    const allowed = [
      /instr\(folded, \?\) > 0 LIMIT/,
      /ORDER BY row LIMIT \?\)\s+WHERE state/,
      /^DELETE FROM group_receipts/,
    ];
    const scans = plans.filter(
      ({ sql, detail }) =>
        /^SCAN (?!.*USING|.*VIRTUAL|\(|CONSTANT)/.test(detail) &&
        !allowed.some((pattern) => pattern.test(sql)),
    );
    expect(scans).toEqual([]);
    // Enough was asked for it to mean something.
    expect(plans.length).toBeGreaterThan(40);
    const walks = plans.filter(({ detail }) => /^SCAN m\b/.test(detail));
    expect(new Set(walks.map(({ detail }) => detail))).toEqual(
      new Set(["SCAN m USING INDEX messages_by_hlc"]),
    );
    store.close();
  });

  it("finds the same, whichever way it takes", () => {
    const sql = new SqlMessageStore(open());
    const memory = new MemoryMessageStore({ messages: 20_000 });
    for (const store of [sql, memory]) {
      store.batch("soon", () => {
        for (let n = 1; n <= 6_000; n += 1) {
          const text = n % 50 === 0 ? `rare ${n} 天气很好` : `common ${n % 7}`;
          store.add(n % 3 === 0 ? line(n, text) : incoming(n, text, { hlc: (n * 7_919) % 6_007 }));
        }
      });
    }
    const queries: HistoryQuery[] = [
      {},
      { limit: 7 },
      { words: ["common"], limit: 7 },
      { words: ["common"] },
      { words: ["rare"], limit: 7 },
      { words: ["rare", "天气", "0"] },
      { words: ["common", "天"] },
      { words: ["天气很"], device: deviceOf("b"), limit: 9 },
      { words: ["on 3"], groupLabel: "#ops", limit: 9 },
      { sinceMs: 5_900_000, words: ["co"] },
      { sinceMs: 100, words: ["co"], limit: 9 },
      { afterRow: 5_990 },
      { afterRow: 10 },
      { afterRow: 10, limit: 5 },
    ];
    const rowsOf = (messages: Iterable<StoredMessage>) =>
      Array.from(messages, ({ row }) => row).join(" ");
    for (const query of queries) {
      const expected = rowsOf(memory.history(query));
      expect(rowsOf(sql.history(query))).toBe(expected);
      expect(rowsOf(sql.export(query))).toBe(expected);
    }
    expect(sql.history({ words: ["common"] })).toHaveLength(5_880);
  });

  it("does what the memory does, whatever is asked of it", () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 40, size: "max" }),
        fc.array(anyQuery, { minLength: 3, maxLength: 6 }),
        (steps, queries) => {
          const sql = new SqlMessageStore(open());
          const memory = new MemoryMessageStore();
          for (const step of steps) expect(rowless(step(sql))).toEqual(rowless(step(memory)));
          for (const query of queries) {
            const [expected, found] = [memory.history(query), sql.history(query)];
            expect(found.map(rowless)).toEqual(expected.map(rowless));
            expect([...sql.export(query)]).toEqual(found);
            expect(found.map((one) => sql.receipts(one))).toEqual(
              expected.map((one) => memory.receipts(one)),
            );
          }
          expect(sql.outbox().map(rowless)).toEqual(memory.outbox().map(rowless));
          expect(sql.recipients()).toEqual(memory.recipients());
          expect(sql.nextExpiryMs()).toEqual(memory.nextExpiryMs());
          expect(sql.log.streams(OPS.groupId)).toEqual(memory.log.streams(OPS.groupId));
          sql.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it("takes over from the memory", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40, size: "max" }), (steps) => {
        const sql = new SqlMessageStore(open());
        const [memory, same] = [new MemoryMessageStore(), new MemoryMessageStore()];
        for (const step of steps) expect(step(memory)).toEqual(step(same));
        memory.moveTo(sql);
        expect(memory.history({})).toEqual([]);
        const contentOf = (store: MessageStore) =>
          store.history({}).map((one) => [rowless(one), store.receipts(one)]);
        expect(contentOf(sql)).toEqual(contentOf(same));
        for (const digit of "abc") {
          expect(sql.receiptsOwed(deviceOf(digit), 99)).toEqual(
            same.receiptsOwed(deviceOf(digit), 99),
          );
        }
        expect(sql.log.streams(OPS.groupId)).toEqual(same.log.streams(OPS.groupId));
        sql.close();
      }),
      { numRuns: 40 },
    );
  });

  it("lowers nothing when it takes over what it knows", () => {
    const sql = new SqlMessageStore(open());
    const memory = new MemoryMessageStore();
    for (const store of [sql, memory]) {
      store.add(queued(1, "arrived"));
      store.add(queued(2, "given up"));
      store.add(incoming(3, "read"));
    }
    sql.setState(ME.device, idOf(1), "read");
    memory.setState(ME.device, idOf(2), "undelivered");
    memory.markRead(deviceOf("b"), [idOf(3)], true);
    memory.moveTo(sql);
    expect(sql.history({}).map(({ state }) => state)).toEqual(["read", "undelivered", "read"]);
    expect(sql.receiptsOwed(deviceOf("b"), 9)).toEqual([idOf(3)]);
  });

  it("leaves everything in the memory if it fails to take over", () => {
    const database = open();
    const sql = new SqlMessageStore(database);
    const memory = new MemoryMessageStore();
    for (const n of [1, 2]) memory.add(incoming(n, `${n}`));
    database.prepare("DROP TABLE streams").run();
    memory.log.append(OPS.groupId, { device: ME.device, incarnation: MY_INCARNATION }, 1, {
      sequence: 1,
      bytes: new Uint8Array(1),
      keyId: undefined,
    });
    // Its schema fits no more.
    expect(() => memory.moveTo(sql)).toThrow(expect.objectContaining({ kind: "damaged" }));
    expect(memory.history({})).toHaveLength(2);
    expect(sql.history({})).toEqual([]);
  });
});

/** Every statement at least once. */
function askEverything(store: MessageStore): void {
  store.add(queued(1, "x", { clientId: "job" }));
  store.add(ownLine(2, "y"));
  store.findByClientId("job");
  for (const device of [undefined, deviceOf("b")]) {
    for (const groupLabel of [undefined, "#ops"]) {
      for (const words of [undefined, ["short", "天气"], ["天"], "abcdef".split("")]) {
        for (const sinceMs of [undefined, 1]) {
          const query = { device, groupLabel, words, sinceMs, afterRow: undefined };
          store.history(query);
          Array.from(store.export({ ...query, limit: 1 }));
        }
      }
    }
  }
  store.history({ afterRow: 1 });
  store.addReceipt(ME.device, idOf(1), { party: partyOf("b"), status: "read", atMs: 1 });
  store.addGroupReceipt(OPS.groupId, MY_INCARNATION, partyOf("c"), 2);
  for (const message of store.history({})) store.receipts(message);
  store.requeue(ME.device, idOf(1), { expiresAtMs: 1, requireVerified: false });
  for (const to of [undefined, deviceOf("b"), "10.0.0.1:1"]) store.outbox(to);
  store.recipients();
  store.expired(1);
  store.nextExpiryMs();
  store.unread([idOf(1)]);
  store.markRead(deviceOf("b"), [idOf(1)], true);
  store.receiptsOwed(deviceOf("b"), 1);
  store.receiptsPaid(deviceOf("b"), [idOf(1)]);
  const of = { device: ME.device, incarnation: MY_INCARNATION };
  store.log.append(OPS.groupId, of, 1, { sequence: 1, bytes: new Uint8Array(1), keyId: undefined });
  store.log.streams(OPS.groupId);
  store.log.read(OPS.groupId, of, { first: 1, last: 1 });
  store.log.forget(OPS.groupId, of, 1);
  store.prune(1_000_000, 0);
}

type Step = (store: MessageStore) => unknown;
const PIECES = ["a", "B", "ß", "天", "气", "ｶﾞ", "é", " ", '"', "%", "🎉", "\0", "\ud800", "abc"];
const anyText = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 8 })
  .map((parts) => parts.join(""));
const anyNumber = fc.integer({ min: 1, max: 8 });
const anyParty = fc.constantFrom(
  ...["b", "c"].map((digit) => partyOf(digit)),
  ...[partyOf("b", "robert"), { device: "", name: "", address: "10.0.0.98", port: 22400 }],
);
const anyState = fc.constantFrom<OwnState>("queued", "sent", "delivered", "read", "undelivered");

/** With a name that says what failed. */
function step<T>(
  name: string,
  values: fc.Arbitrary<T>,
  act: (store: MessageStore, value: T) => unknown,
) {
  return values.map((value): Step => {
    const one: Step = (store) => act(store, value);
    return Object.assign(one, { toString: () => `${name} ${fc.stringify(value)}` });
  });
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  ...[incoming, outgoing, queued, line].map((make) =>
    step(
      make.name,
      fc.record({ n: anyNumber, text: anyText, hlc: fc.integer({ min: 1, max: 3 }) }),
      (store, { n, text, hlc }) => store.add(make(n, text, { hlc })),
    ),
  ),
  step(
    "queued to",
    fc.tuple(anyNumber, anyParty, fc.option(fc.constantFrom("x", "y"))),
    (store, [n, to, id]) => store.add(queued(n, "to", { to, clientId: id ?? undefined })),
  ),
  step("ownLine", anyNumber, (store, n) => store.add(ownLine(n, "mine"))),
  step("setState", fc.tuple(anyNumber, anyState), (store, [n, state]) =>
    store.setState(ME.device, idOf(n), state),
  ),
  step("requeue", anyNumber, (store, n) =>
    store.requeue(ME.device, idOf(n), { expiresAtMs: n, requireVerified: true }),
  ),
  step("addReceipt", fc.tuple(anyNumber, anyParty, fc.boolean()), (store, [n, party, isRead]) =>
    store.addReceipt(ME.device, idOf(n), { party, status: isRead ? "read" : "delivered", atMs: n }),
  ),
  step("addGroupReceipt", fc.tuple(anyNumber, anyParty), (store, [n, party]) =>
    store.addGroupReceipt(OPS.groupId, MY_INCARNATION, party, n, n),
  ),
  step("markRead", fc.tuple(anyNumber, fc.boolean()), (store, [n, owed]) =>
    store.markRead(deviceOf("b"), [idOf(n)], owed),
  ),
  step("receiptsPaid", anyNumber, (store, n) => store.receiptsPaid(deviceOf("b"), [idOf(n)])),
  step("expired", anyNumber, (store, n) => store.expired(n)),
  step("append", fc.tuple(anyNumber, fc.integer({ min: 1, max: 9 })), (store, [sequence, hlc]) =>
    store.log.append(OPS.groupId, { device: ME.device, incarnation: MY_INCARNATION }, hlc, {
      sequence,
      bytes: new Uint8Array(1),
      keyId: undefined,
    }),
  ),
  step("forget", anyNumber, (store, n) =>
    store.log.forget(OPS.groupId, { device: ME.device, incarnation: MY_INCARNATION }, n),
  ),
  step("failed batch", fc.tuple(anyNumber, anyText), (store, [n, text]) => {
    const failing = (): void =>
      store.batch("promise", () => {
        store.add(incoming(n, text));
        store.setState(ME.device, idOf(n), "read");
        store.markRead(deviceOf("b"), [idOf(n)], true);
        store.prune(undefined, 2);
        throw new Error("boom");
      });
    expect(failing).toThrow("boom");
  }),
  step(
    "prune",
    fc.tuple(fc.option(anyNumber), fc.integer({ min: 3, max: 9 })),
    (store, [n, keep]) => store.prune(n === null ? undefined : 1_000 * n, keep),
  ),
);

const anyQuery: fc.Arbitrary<HistoryQuery> = fc
  .record({
    words: fc.option(fc.array(anyText, { maxLength: 6 })),
    device: fc.option(fc.constantFrom(...["a", "b", "c"].map(deviceOf))),
    groupLabel: fc.option(fc.constantFrom("#ops", "#dev")),
    sinceMs: fc.option(anyNumber.map((n) => 1_000 * n)),
    limit: fc.option(fc.integer({ min: 0, max: 5 })),
  })
  .map(({ words, device, groupLabel, sinceMs, limit }) => ({
    words: words ?? undefined,
    device: device ?? undefined,
    groupLabel: groupLabel ?? undefined,
    sinceMs: sinceMs ?? undefined,
    limit: limit ?? undefined,
  }));

/** Without the numbers of rows: how far they are apart is up to a store. */
function rowless(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(rowless);
  return typeof result === "object" && result !== null ? { ...result, row: undefined } : result;
}
