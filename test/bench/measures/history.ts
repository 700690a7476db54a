import { connectApi } from "../../../src/api/client.js";
import type { Api, Input } from "../../../src/api/operations.js";
import { openKeptMessages } from "../../../src/messenger/keptMessages.js";
import type { NewMessage } from "../../../src/store/messageStore.js";
import { pathsOf } from "../../../src/store/paths.js";
import { openStore } from "../../../src/store/store.js";
import { CliWorld } from "../../support/cliWorld.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { residentMiB } from "../resident.js";
import { type Result, resultOf } from "../result.js";
import { repeated, timed } from "../timing.js";

/** Users and how long their histories are. */
const HISTORIES = [
  ["short", 1_000],
  ["long", 100_000],
] as const;
const BATCH = 1_000;
const SEARCHES = 100;
const GROUP = "#bench";
const HOUR_MS = 3_600_000;
const WORDS = [
  ..."the a to of and meeting build server lunch today tomorrow report please check log disk".split(
    " ",
  ),
  ..."資料 会議 明日 昼食 東京 网络 服务器 你好 再见 文件 テスト ありがとう".split(" "),
];
/** In every thousandth message, wherever the others are. */
const RARE_WORD = "heliotrope";
const RARE_EVERY = 1_000;

/** What is asked for, in words. */
const QUERIES: readonly (readonly [string, Input<"history">])[] = [
  ["a rare word", { query: RARE_WORD }],
  ["a word of every second message", { query: "the" }],
  ["two words", { query: "meeting server" }],
  ["two Japanese characters", { query: "会議" }],
  ["part of a word", { query: "omorro" }],
  ["a word that never occurs", { query: "xylophone" }],
  ["a rare word in a group", { query: RARE_WORD, group: GROUP }],
  ["the latest 100 of a group", { group: GROUP }],
  ["the latest 100", {}],
];

/** A daemon with a long history, and one with a short one beside it. */
export async function measureHistory(): Promise<Result[]> {
  const world = new CliWorld();
  try {
    const results: Result[] = [];
    for (const [user, count] of HISTORIES) {
      const api = await daemonWith(world, user, count);
      const before = process.platform === "linux" ? [await memoryOf(api)] : [];
      for (const [what, input] of QUERIES) {
        results.push(await measureQuery(api, `history of ${count}: ${what}`, input));
      }
      const after = process.platform === "linux" ? [await memoryOf(api)] : [];
      const searches = QUERIES.length * SEARCHES;
      const of = `daemon with ${count} messages`;
      results.push(resultOf(`${of}: resident memory`, before, { unit: "MiB" }));
      results.push(resultOf(`the same, after ${searches} searches`, after, { unit: "MiB" }));
    }
    return results;
  } finally {
    await world.dispose();
  }
}

async function measureQuery(api: Api, what: string, input: Input<"history">): Promise<Result> {
  let found = 0;
  const samples = await repeated(SEARCHES, () =>
    timed(async () => (found = (await api.call("history", input)).length)),
  );
  return resultOf(what, samples, { facts: { found } });
}

/** Resident, in MiB. */
async function memoryOf(api: Api): Promise<number> {
  return await residentMiB((await api.call("status", {})).pid);
}

async function daemonWith(world: CliWorld, user: string, count: number): Promise<Api> {
  await fill(world.home(user), count);
  const { code, stderr } = await world.run(user, "start");
  if (code !== 0) throw new Error(`the daemon of ${user} did not start: ${stderr}`);
  return connectApi(pathsOf(world.home(user)).socket);
}

/** Half of them direct, half in a group. */
async function fill(home: string, count: number): Promise<void> {
  const paths = pathsOf(home);
  const self = (await openStore(paths)).identity().device;
  const complain = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const kept = await openKeptMessages({ store: "disk" }, paths, complain);
  const random = new SeededRandom(1);
  const startMs = Date.now() - 24 * HOUR_MS;
  try {
    for (let first = 0; first < count; first += BATCH) {
      kept.store.batch("soon", () => {
        for (let i = first; i < first + BATCH; i += 1) {
          kept.store.add(messageNumber(i, self, startMs + i, random));
        }
      });
    }
  } finally {
    kept.close();
  }
}

function messageNumber(i: number, self: string, atMs: number, random: SeededRandom): NewMessage {
  const other = { device: "ab".repeat(32), name: "bob", address: "127.0.0.1", port: 22400 };
  const me = { ...other, device: self, name: "me" };
  const own = i % 4 < 2;
  const group = { groupId: "5e".repeat(8), label: GROUP };
  const words = Array.from(
    { length: 3 + Math.floor(random.uniform() * 12) },
    () => WORDS[Math.floor(random.uniform() * WORDS.length)],
  );
  if (i % RARE_EVERY === 0) words.push(RARE_WORD);
  return {
    id: i.toString(16).padStart(32, "0"),
    author: own ? me : other,
    own,
    text: words.join(" "),
    sentAtMs: atMs,
    storedAtMs: atMs,
    hlc: atMs * 1024,
    state: own ? "delivered" : "unread",
    ...(i % 2 === 0 ? { group } : { to: own ? other : me }),
  };
}
