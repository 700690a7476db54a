import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../../src/store/database.js";
import type { HistoryQuery, MessageStore, NewMessage } from "../../../src/store/messageStore.js";
import { MIGRATIONS } from "../../../src/store/schema.js";
import { loadEngine } from "../../../src/store/sqliteEngine.js";
import { SqlMessageStore } from "../../../src/store/sqlMessageStore.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { idOf, incoming, line, outgoing, partyOf } from "../../support/storedMessages.js";
import { residentMiB } from "../resident.js";
import { type Result, resultOf } from "../result.js";

const MESSAGES = 100_000;
/** Memory is looked at here for the first time, after the same queries. */
const FIRST_MESSAGES = 10_000;
const QUERY_RUNS = 100;
const WORDS = 8_000;
const CJK_CHARACTERS = 3_000;
const SEED = 20_261_121;

/** What is looked for: it occurs once, in an early message. */
const RARE_WORD = "unrepeatable";
const RARE_CJK = "龠龢";

/** The history of a home on disk, without what is around it. */
export async function measureStore(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), "udpchat-bench-"));
  const path = join(folder, "store.db");
  const store = new SqlMessageStore(Database.open(await loadEngine(), path, MIGRATIONS));
  try {
    const texts = new Texts();
    const before = await residentMiB(process.pid);
    fill(store, texts, 0, FIRST_MESSAGES, 50, "soon");
    queryTimes(store, texts);
    const first = await residentMiB(process.pid);
    const addedMs = fill(store, texts, FIRST_MESSAGES, MESSAGES, 50, "soon");
    const queries = queryTimes(store, texts);
    const exported = exportTime(store);
    const last = await residentMiB(process.pid);
    const facts = {
      before: `${Math.round(before)} MiB`,
      [`with ${FIRST_MESSAGES} messages`]: `${Math.round(first)} MiB`,
      [`with ${MESSAGES}`]: `${Math.round(last)} MiB`,
      "on disk": `${Math.round((await stat(path)).size / 2 ** 20)} MiB`,
    };
    return [
      ...queries,
      exported,
      resultOf("store 50 messages in one step", addedMs),
      resultOf("store a message that survives the process", addTimes(store, texts, "soon")),
      resultOf("store a message that survives a power cut", addTimes(store, texts, "promise")),
      resultOf("resident memory, what the history added", [last - first], { unit: "MiB", facts }),
      pruneTime(store),
    ];
  } finally {
    store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function queryTimes(store: MessageStore, texts: Texts): Result[] {
  const [common, commonCjk] = [texts.word(3), texts.cjk(2)];
  const limit = 100;
  const queries: readonly (readonly [string, HistoryQuery])[] = [
    ["the latest 100", { limit }],
    ["a rare word", { words: [RARE_WORD], limit }],
    ["a common word", { words: [common], limit }],
    ["a common one and a rare one", { words: [common, RARE_WORD], limit }],
    ["two rare Chinese characters", { words: [RARE_CJK], limit }],
    ["a common Chinese character", { words: [commonCjk], limit }],
    ["two letters that do not occur", { words: ["q7"], limit }],
    ["four letters that do not occur", { words: ["q7q7"], limit }],
    ["of one peer", { device: partyOf("b").device, limit }],
    [
      "one peer, characters that do not occur",
      { device: partyOf("b").device, words: ["龘龘"], limit },
    ],
    ["one group, a rare word", { groupLabel: "#ops", words: [RARE_WORD], limit }],
    ["since a while, a common word", { sinceMs: 99_000_000, words: [common], limit }],
  ];
  return queries.map(([what, query]) => {
    const found = store.history(query).length;
    const samples = Array.from({ length: QUERY_RUNS }, () => timedSync(() => store.history(query)));
    return resultOf(`history of ${MESSAGES}: ${what}`, samples, { facts: { found } });
  });
}

function exportTime(store: MessageStore): Result {
  let exported = 0;
  const tookMs = timedSync(() => {
    for (const _ of store.export({})) exported += 1;
  });
  const facts = { messages: exported, "a second": Math.round((1_000 * exported) / tookMs) };
  return resultOf("export all", [tookMs], { facts });
}

/** Of each batch. */
function fill(
  store: MessageStore,
  texts: Texts,
  from: number,
  to: number,
  batch: number,
  durability: "promise" | "soon",
): number[] {
  const samples: number[] = [];
  for (let start = from; start < to; start += batch) {
    const messages = Array.from({ length: batch }, (_, n) => messageOf(start + n + 1, texts));
    samples.push(
      timedSync(() =>
        store.batch(durability, () => {
          for (const message of messages) store.add(message);
        }),
      ),
    );
  }
  return samples;
}

/** One by one; they go again. */
function addTimes(store: MessageStore, texts: Texts, durability: "promise" | "soon"): number[] {
  const samples = fill(store, texts, MESSAGES, MESSAGES + 300, 1, durability);
  store.prune(undefined, MESSAGES - samples.length);
  return samples;
}

function pruneTime(store: MessageStore): Result {
  let pruned = 0;
  const tookMs = timedSync(() => {
    pruned = store.prune(undefined, MESSAGES / 2);
  });
  return resultOf("forget half of it", [tookMs], { facts: { messages: pruned } });
}

function messageOf(n: number, texts: Texts): NewMessage {
  const text = n === 500 ? `${texts.next()} ${RARE_WORD} ${RARE_CJK}` : texts.next();
  const author = partyOf("bcdef0123456789"[n % 15] ?? "b");
  const id = idOf(n);
  if (n % 3 === 0) return line(n, text, { id, author });
  return n % 3 === 1 ? incoming(n, text, { id, author }) : outgoing(n, text, { id, to: author });
}

/** Invented chat: a fifth Chinese, a fifth Japanese, words as often as in languages (Zipf's law). */
class Texts {
  readonly #random = new SeededRandom(SEED);
  readonly #words = Array.from({ length: WORDS }, () => this.#word());

  next(): string {
    const kind = this.#random.uniform();
    const length = Math.floor(3 + this.#random.uniform() ** 3 * 40);
    if (kind < 0.6) return Array.from({ length }, () => this.word(this.#rank(WORDS))).join(" ");
    const kanaShare = kind < 0.8 ? 0 : 0.5;
    return Array.from({ length: 2 * length }, () =>
      this.#random.uniform() < kanaShare
        ? String.fromCodePoint(0x3042 + this.#rank(80))
        : this.cjk(this.#rank(CJK_CHARACTERS)),
    ).join("");
  }

  /** The most common ones first. */
  word(rank: number): string {
    return this.#words[rank] ?? "";
  }

  cjk(rank: number): string {
    return String.fromCodePoint(0x4e00 + 6 * rank);
  }

  #rank(count: number): number {
    return Math.floor(count ** this.#random.uniform()) - 1;
  }

  #word(): string {
    const letters = "etaoinshrdlucmfwypvbgkjxz";
    return Array.from(
      { length: 3 + Math.floor(this.#random.uniform() * 7) },
      () => letters[Math.floor(this.#random.uniform() ** 2 * letters.length)] ?? "",
    ).join("");
  }
}

function timedSync(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}
