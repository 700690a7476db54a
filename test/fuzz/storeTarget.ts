/** Two stores, in memory and in SQLite, that are told the same strange things and must agree. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { UdpchatError } from "../../src/errors.js";
import { Database } from "../../src/store/database.js";
import { MemoryMessageStore } from "../../src/store/memoryMessageStore.js";
import type { HistoryQuery, MessageStore, NewMessage } from "../../src/store/messageStore.js";
import { MIGRATIONS } from "../../src/store/schema.js";
import { loadEngine } from "../../src/store/sqliteEngine.js";
import { SqlMessageStore } from "../../src/store/sqlMessageStore.js";
import { toHex } from "../../src/wire/cursor.js";
import type { SeededRandom } from "../support/seededRandom.js";
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
} from "../support/storedMessages.js";
import { plain } from "../unit/wire/plain.js";
import { below, chance, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

const LIFETIME_INPUTS = 1_000;
/** Ids repeat: most of what is said is about what is there. */
const MESSAGES = 60;
const MOST = Number.MAX_SAFE_INTEGER;
const STATES = ["queued", "sent", "delivered", "read", "undelivered"] as const;
const PARTS = [
  "",
  " ",
  "a",
  "ab",
  "hello world",
  "%",
  "_",
  "\\",
  "'",
  '"',
  '"" OR 1=1 --',
  "NEAR(a b)",
  "a*",
  "^a",
  "-a",
  "AND",
  "{col} : x",
  "\0",
  "a\0b",
  "\ud800",
  "\udc00",
  "\ufffd",
  "\ufeff",
  "ß",
  "ẞ",
  "İ",
  "ı",
  "ς",
  "Σ",
  "ﬁ",
  "e\u0301",
  "é",
  "\u00ad",
  "\u200b",
  "\u202e",
  "👩‍👩‍👧",
  "天",
  "天気",
  "ｶﾞ",
  "1\u2044" + "2",
  "\u{10ffff}",
  "\u{e0041}",
];
const OPERATIONS = [
  ...Array<string>(12).fill("add"),
  ...Array<string>(8).fill("history"),
  "export",
  "find",
  "client",
  "receipts",
  "setState",
  "setState",
  "addReceipt",
  "addReceipt",
  "addGroupReceipt",
  "outbox",
  "recipients",
  "requeue",
  "expired",
  "nextExpiry",
  "unread",
  "markRead",
  "receiptsOwed",
  "receiptsPaid",
  "prune",
  "append",
  "append",
  "log",
  "forget",
  "undone",
] as const;

export const storeTarget: FuzzTarget = {
  name: "store",
  weight: 0.8,
  lifetimeInputs: LIFETIME_INPUTS,
  async open() {
    const openEngine = await loadEngine();
    const folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-store-"));
    const database = Database.open(openEngine, join(folder, "messages.db"), MIGRATIONS);
    return new StoreSubject(new SqlMessageStore(database), folder);
  },
};

/** What goes with an operation. */
interface Terms {
  readonly number: number;
  readonly other: number;
  readonly texts: readonly string[];
}

class StoreSubject implements FuzzSubject {
  readonly #memory = new MemoryMessageStore();
  readonly #sql: SqlMessageStore;
  readonly #folder: string;

  constructor(sql: SqlMessageStore, folder: string) {
    this.#sql = sql;
    this.#folder = folder;
  }

  draw(random: SeededRandom): FuzzInput {
    const texts = Array.from({ length: 1 + below(random, 4) }, () => textOf(random));
    const number = below(random, MESSAGES);
    const other = chance(random, 0.8)
      ? below(random, MESSAGES)
      : pick(random, [0, 2 ** 31, 2 ** 32, MOST]);
    return { kind: pick(random, OPERATIONS), texts, with: { number, other } };
  }

  feed({ kind, texts = [], with: terms = {} }: FuzzInput): FuzzVerdict {
    const number = Number(terms["number"] ?? 0);
    const other = Number(terms["other"] ?? 0);
    const said = { number, other, texts };
    const inMemory = outcome(() => operate(this.#memory, kind, said));
    const inSql = outcome(() => operate(this.#sql, kind, said));
    assertSame(kind, inMemory, inSql);
    return isEmpty(inSql) ? "refused" : "accepted";
  }

  /** All of it, and in the same order. */
  check(): void {
    const all = (store: MessageStore): unknown => [
      store.history({}),
      store.outbox(),
      store.recipients(),
      store.log.groupIds().map((groupId) => sorted(store.log.streams(groupId))),
    ];
    assertSame("everything", all(this.#memory), all(this.#sql));
  }

  close(): void {
    this.#sql.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function textOf(random: SeededRandom): string {
  if (chance(random, 0.02)) return pick(random, PARTS).repeat(below(random, 65_536 / 4));
  return Array.from({ length: below(random, 4) }, () => pick(random, PARTS)).join("");
}

/** What it gives back, or its error. Errors other than ours fail. */
function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof UdpchatError) return { code: error.code };
    throw error;
  }
}

function assertSame(what: string, inMemory: unknown, inSql: unknown): void {
  const [memory, sql] = [wrapped(inMemory), wrapped(inSql)];
  if (isDeepStrictEqual(memory, sql)) return;
  const show = (value: unknown): string => JSON.stringify(value).slice(0, 2_000);
  throw new Error(`${what}: in memory and in SQL it differs\n${show(memory)}\n${show(sql)}`);
}

/** Rows grow in both; how is their own business. */
function wrapped(value: unknown): unknown {
  return plain({ value: withoutRows(value) });
}

function withoutRows(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRows);
  if (typeof value !== "object" || value === null || !("row" in value)) return value;
  return { ...value, row: undefined };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

/** The text whose length or content decides about something. */
function messageOf({ number, other, texts }: Terms): NewMessage {
  const [text = "", name = "", label = ""] = texts;
  const change = {
    sentAtMs: other,
    storedAtMs: 1_000 * number,
    hlc: other === MOST ? MOST : 1_024 * (other % 7),
  };
  switch (number % 6) {
    case 0:
    case 1:
      return incoming(number, text, { ...change, author: partyOf("b", name) });
    case 2:
      return queued(number, text, { ...change, ...clientIdOf(label) });
    case 3:
      return outgoing(number, text, { ...change, ...clientIdOf(label) });
    case 4:
      return line(number, text, {
        ...change,
        author: partyOf("c", name),
        group: { ...OPS, label: labelOf(label) },
      });
    default:
      return ownLine(number, text);
  }
}

/** As whoever reads them lets them pass: printable ASCII. */
function clientIdOf(text: string): { clientId?: string } {
  return /^[!-~]{1,64}$/.test(text) ? { clientId: text } : {};
}

/** As it is read from what users type: no halves of characters. */
function labelOf(text: string): string {
  return text === "" || /[\p{Cs}\p{Cc}]/u.test(text) ? OPS.label : text;
}

function queryOf(store: MessageStore, { number, other, texts }: Terms): HistoryQuery {
  const [label = "", ...words] = texts;
  const afterRow = store.find(ME.device, idOf(number + 2))?.row;
  return {
    ...(number % 3 === 0 ? {} : { words }),
    ...(number % 5 === 0 ? { device: deviceOf(number % 2 === 0 ? "b" : "c") } : {}),
    ...(number % 7 === 0 ? { groupLabel: labelOf(label) } : {}),
    ...(number % 11 === 0 ? { sinceMs: 1_000 * other } : {}),
    ...(number % 4 === 0 ? { limit: other } : {}),
    ...(number % 13 === 0 ? { afterRow } : {}),
    ...(number % 6 === 0 ? { textBytes: other } : {}),
  };
}

function operate(store: MessageStore, kind: string, terms: Terms): unknown {
  const { number, other, texts } = terms;
  const id = idOf(number);
  const text = texts[0] ?? "";
  const to = number % 2 === 0 ? partyOf("b", text) : { ...partyOf("c", text), device: "" };
  const author = number % 6 < 2 ? deviceOf("b") : ME.device;
  const of = { device: deviceOf(number % 2 === 0 ? "b" : "c"), incarnation: MY_INCARNATION };
  const ids = [id, idOf(other % MESSAGES), idOf(number + 1)];
  const outbox = { expiresAtMs: 1_000 * other, requireVerified: number % 2 === 0 };
  switch (kind) {
    case "add":
      return store.add(messageOf(terms));
    case "history":
      return store.history(queryOf(store, terms));
    case "export":
      return [...store.export(queryOf(store, terms))];
    case "find":
      return store.find(author, id);
    case "client":
      return store.findByClientId(text);
    case "receipts": {
      const found = store.find(ME.device, id);
      return found === undefined ? undefined : store.receipts(found);
    }
    case "setState":
      return store.setState(author, id, STATES[other % STATES.length] ?? "sent");
    case "addReceipt": {
      const status = other % 2 === 0 ? "delivered" : "read";
      return store.addReceipt(author, id, { party: to, status, atMs: other });
    }
    case "addGroupReceipt":
      return store.addGroupReceipt(OPS.groupId, MY_INCARNATION, partyOf("b", text), other, number);
    case "outbox":
      return number % 2 === 0 ? store.outbox(undefined, other) : store.outbox(deviceOf("b"), other);
    case "recipients":
      return store.recipients();
    case "requeue":
      return store.requeue(author, id, outbox);
    case "expired":
      return store.expired(Math.min(1_000 * other, MOST - 1));
    case "nextExpiry":
      return store.nextExpiryMs();
    case "unread":
      return store.unread(ids);
    case "markRead":
      return store.markRead(deviceOf("b"), ids, number % 2 === 0);
    case "receiptsOwed":
      return store.receiptsOwed(deviceOf("b"), other);
    case "receiptsPaid":
      return store.receiptsPaid(deviceOf("b"), ids);
    case "prune":
      return number % 10 === 0 ? store.prune(1_000 * number, other, MESSAGES) : undefined;
    case "append": {
      const datagram = { sequence: 1 + (other % 20), bytes: Buffer.from(text), keyId: undefined };
      return store.log.append(OPS.groupId, of, 1_024 * other, datagram);
    }
    case "log": {
      const range = { first: 1, last: other };
      const said = store.log.saidBefore(OPS.groupId, of, other);
      const read = store.log.read(OPS.groupId, of, range) ?? [];
      return [read.map(({ sequence, bytes }) => ({ sequence, hex: toHex(bytes) })), said ?? "none"];
    }
    case "forget":
      return store.log.forget(OPS.groupId, of, other % 20);
    case "undone":
      return undone(store, terms);
    default:
      throw new Error(`no such operation: ${kind}`);
  }
}

const UNDONE = new Error("not to be kept");

/** A batch that fails in the end: nothing of it has happened. */
function undone(store: MessageStore, terms: Terms): void {
  try {
    store.batch("soon", () => {
      operate(store, "add", terms);
      operate(store, "setState", terms);
      operate(store, "append", terms);
      throw UNDONE;
    });
  } catch (error) {
    if (error !== UNDONE) throw error;
  }
}

/** A store tells streams in any order. */
function sorted<Stream extends { device: string; incarnation: string }>(
  streams: readonly Stream[],
): Stream[] {
  const key = ({ device, incarnation }: Stream): string => device + incarnation;
  return streams.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
