/** The examples at the end of every help work, as they stand there. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectApi } from "../../src/api/client.js";
import { COMMANDS } from "../../src/cli/commands/index.js";
import { pathsOf } from "../../src/store/paths.js";
import { runCli } from "../support/cliInProcess.js";
import { buildBin, eventually } from "../support/cliWorld.js";
import { hasShellWith, ShellWorld } from "../support/shellWorld.js";

/** What an example needs that others do not, and what it shows. */
interface Scene {
  /** Who types it; default alice. */
  readonly user?: string;
  /** Lines typed before by the same user. */
  readonly before?: readonly string[];
  /** It goes on until it is interrupted; once this was printed, it is ready. */
  readonly until?: RegExp;
  /** Typed by bob when that was printed. */
  readonly meanwhile?: string;
  /** Printed by then. */
  readonly prints?: RegExp;
}

const JOIN_OPS = "udpchat join '#ops' --secret --detach --passphrase-file ops.txt";
const SERVES: Scene = { until: /serving as alice/ };
const LISTENS: Scene = {
  until: /listening as|"ready"/,
  meanwhile: "udpchat send alice 'hi there'",
};

/** Commands and single examples; all others end by themselves with 0. */
const SCENES: Readonly<Record<string, Scene>> = {
  daemon: { user: "dave", until: /"msg":"ready"/ },
  start: { user: "dave", before: ["udpchat stop || true"], prints: /^running: pid/ },
  stop: { user: "dave", before: ["udpchat start || true"], prints: /^stopped: pid/ },
  reload: { prints: /./ },
  "udpchat reload --json | jq -r '.restart[]'": {},
  logs: { prints: /ready/ },
  "udpchat logs --follow": { until: /ready/ },
  // Nobody whose daemon would look for the hosts that are named there.
  config: { user: "frank" },
  discover: { prints: /bob/ },
  doctor: { prints: /no problem found/ },
  "udpchat doctor bob --watch 5m --json": { until: /"type":"finding"/ },
  peers: { prints: /bob/ },
  join: { until: /you joined/ },
  [JOIN_OPS]: { prints: /^(\* you joined )?#ops/ },
  "udpchat leave '#ops'": { before: [JOIN_OPS], prints: /left #ops/ },
  "udpchat leave 224.0.1.100": { before: ["udpchat join 224.0.1.100 --detach"], prints: /left/ },
  groups: { before: ["udpchat join '#lobby' --detach"], prints: /#lobby/ },
  invite: { before: [JOIN_OPS], prints: /invited bob/ },
  remove: { before: [JOIN_OPS, "udpchat invite bob '#ops'"], prints: /bob was removed/ },
  say: { prints: /sent to #ops/ },
  chat: { until: /talking with bob/ },
  send: { prints: /delivered to bob/ },
  ask: { prints: /./ },
  serve: { ...SERVES, meanwhile: "udpchat ask alice x" },
  "udpchat serve --exec 'jq -r .version' --concurrency 4 --time-limit 2s": {
    ...SERVES,
    meanwhile: `test "$(udpchat ask alice '{"version":"1.2"}')" = 1.2`,
  },
  listen: { ...LISTENS, prints: /hi there/ },
  [`udpchat listen --exec 'echo "$UDPCHAT_FROM_NAME wrote $(wc -c) bytes"'`]: {
    ...LISTENS,
    prints: /bob wrote +8 bytes/,
  },
  'udpchat outbox drop "report-$(date +%F)"': {
    before: [`udpchat send carol "hello" --queue --timeout 300ms --id "report-$(date +%F)"`],
    prints: /is dropped/,
  },
  id: { prints: /[0-9a-f]{4}/ },
  verify: { prints: /^(\d{5} ){4}\d{5}/ },
  "udpchat block": { before: ["udpchat block eve"], prints: /eve/ },
  unblock: { before: ["udpchat block eve"], prints: /eve/ },
};

let shell: ShellWorld;
const reading = new AbortController();

/** A person there reads whatever comes, as `listen` on a terminal says it. */
async function readEverything(user: string): Promise<void> {
  const api = connectApi(pathsOf(shell.world.home(user)).socket);
  for await (const line of api.stream("events", {}, { signal: reading.signal })) {
    if (line.type === "message" && line.id !== null && line.scope === "direct") {
      await api.call("read", { ids: [line.id] });
    }
  }
}

/** What a line prints that ends by itself with 0. */
async function typed(user: string, text: string): Promise<string> {
  const line = shell.type(user, text);
  line.endInput("");
  const code = await line.ended();
  expect(`${text}: ${code}\n${line.stderr}`).toMatch(new RegExp(": 0\\n"));
  return line.stdout;
}

async function examplesOf(name: string): Promise<string[]> {
  const { stdout } = await runCli([name, "--help"]);
  const [, block = ""] = /\nExamples:\n((?: {2}.*\n)+)/.exec(stdout) ?? [];
  return block
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.trim());
}

/** What is played at the same time: most of it is waiting. In each, one after the other. */
const SCENERIES: Readonly<Record<string, readonly string[]>> = {
  "the daemon": ["daemon", "start", "stop"],
  peers: ["chat", "send", "ask", "serve", "verify", "block", "unblock", "outbox"],
  groups: ["join", "leave", "groups", "invite", "remove", "say"],
};
/** A service needs a systemd of its own: `service.test.ts`. */
const elsewhere = new Set([...Object.values(SCENERIES).flat(), "service"]);
const others = COMMANDS.map(({ name }) => name).filter((name) => !elsewhere.has(name));

it("every help has two examples", async () => {
  for (const { name } of COMMANDS) {
    expect((await examplesOf(name)).length, name).toBeGreaterThanOrEqual(2);
  }
});

const isPossible = hasShellWith("the examples in the help", "jq", "xargs", "df");
describe.skipIf(!isPossible).concurrent("the examples in the help", () => {
  beforeAll(async () => {
    await buildBin();
    shell = new ShellWorld();
    await Promise.all(["alice", "bob", "eve", "carol"].map((user) => typed(user, "udpchat start")));
    for (const name of ["bob", "eve", "carol"]) {
      await eventually(
        async () => (await typed("alice", "udpchat peers")).includes(name),
        () => `alice to know ${name}`,
      );
    }
    // What is needed of files and friends.
    const folder = shell.folder("alice");
    for (const name of ["app.log", "report.txt"])
      writeFileSync(join(folder, name), "all is well\n");
    writeFileSync(join(folder, "ops.txt"), "correct horse battery staple\n");
    const code = await typed("bob", "udpchat verify alice --json | jq -r .code");
    await typed("alice", `udpchat verify bob ${code}`);
    await typed("alice", "udpchat send carol 'hello' && udpchat send eve 'hello'");
    await typed("carol", "udpchat stop");
    const bob = shell.type("bob", "udpchat serve --exec cat");
    await bob.prints(/serving/);
    void readEverything("bob");
  });
  afterAll(async () => {
    reading.abort();
    await shell.dispose();
  });

  it.each(Object.entries({ ...SCENERIES, others }))(
    "of %s work",
    async (_, names) => {
      let played = 0;
      for (const name of names) {
        for (const example of await examplesOf(name)) {
          await play(example, SCENES[example] ?? SCENES[name] ?? {});
          played += 1;
        }
      }
      expect(played).toBeGreaterThanOrEqual(2 * names.length);
    },
    120_000,
  );
});

async function play(example: string, scene: Scene): Promise<void> {
  const { user = "alice", before = [], until, meanwhile, prints } = scene;
  for (const text of before) await typed(user, text);
  const line = shell.type(user, example);
  if (until === undefined) {
    line.endInput("");
    const code = await line.ended();
    expect(`${example}: ${code}\n${line.stderr}`).toMatch(/: 0\n/);
  } else {
    await line.prints(until);
    if (meanwhile !== undefined) await typed("bob", meanwhile);
  }
  if (prints !== undefined) await line.prints(prints);
  await line.interrupt();
  await line.killAll();
}
