/** The examples at the end of every help, and the lines of the README, work as they stand there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
  /** What stands for something that nobody can know beforehand, and what is typed instead. */
  readonly instead?: readonly [string, () => string];
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

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

/** Each section's lines to type, without the remarks behind them. */
function readmeLines(): { readonly section: string; readonly line: string }[] {
  let section = "";
  let isFenced = false;
  return README.split("\n").flatMap((text) => {
    if (text.startsWith("```")) isFenced = !isFenced;
    else if (text.startsWith("#") && !isFenced) section = text.replace(/^#+ /, "");
    const [, line] = /^ {4,}(?:\$ )?((?:udpchat|curl|printf|if) .*?)(?: +# .*)?$/.exec(text) ?? [];
    return isFenced || line === undefined ? [] : [{ section, line }];
  });
}

/** Played by `npm run test:pack` and `service.test.ts`. */
function isPlayedElsewhere(line: string, section: string): boolean {
  return section === "First use" || line.startsWith("udpchat service ");
}

const socketOf = (user: string): string => pathsOf(shell.world.home(user)).socket;
const addressOfBob = `$(udpchat peers --json | jq -r 'select(.name == "bob") | .address')`;
const portOfBob = `$(udpchat peers --json | jq -r 'select(.name == "bob") | .port')`;
const SOCKET = "~/.local/share/udpchat/run/udpchat.sock";

/** What lines of the README need beyond those of the help. */
const README_SCENES: Readonly<Record<string, Scene>> = {
  "udpchat discover": { prints: /bob/ },
  "udpchat send host:port msg": {
    instead: ["host:port", () => `"${addressOfBob}:${portOfBob}"`],
    prints: /delivered to bob/,
  },
  "udpchat completion fish > ~/.config/fish/completions/udpchat.fish": {
    before: ["mkdir -p ~/.config/fish/completions"],
  },
  "udpchat outbox drop 001c": {
    before: ["udpchat send carol hello --queue --timeout 300ms"],
    instead: ["001c", () => "$(udpchat outbox --json | head -n 1 | jq -r '.id[-6:]')"],
    prints: /is dropped/,
  },
  "udpchat logs --json | jq -r 'select(.level == \"error\") | .message'": {},
  'if udpchat send bob "backup finished"; then echo told; fi': { prints: /told/ },
  [`curl --unix-socket ${SOCKET} http://udpchat/v1/status`]: {
    instead: [SOCKET, () => socketOf("alice")],
    prints: /"type":"status"/,
  },
  [`curl --no-buffer --unix-socket ${SOCKET} http://udpchat/v1/events`]: {
    instead: [SOCKET, () => socketOf("alice")],
    until: /ready/,
  },
  "udpchat join '#ops' --secret": { before: [JOIN_OPS], until: /#ops/ },
  "udpchat join '#ops' --secret --passphrase-file ops.txt": { until: /#ops/ },
  "udpchat invite bob '#ops'": { before: [JOIN_OPS], prints: /invited bob/ },
  "printf hello | nc -u -w1 bob 22400": {
    instead: ["bob 22400", () => `${addressOfBob} ${portOfBob}`],
  },
  "udpchat doctor --watch 5m": { until: /no problem found|\bok\b/ },
};

it("every help has two examples", async () => {
  for (const { name } of COMMANDS) {
    expect((await examplesOf(name)).length, name).toBeGreaterThanOrEqual(2);
  }
});

const isPossible = hasShellWith("the examples", "jq", "xargs", "df", "curl", "nc");
if (isPossible) {
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
}

describe.skipIf(!isPossible).concurrent("the examples in the help", () => {
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

describe.skipIf(!isPossible)("the lines of the README", () => {
  const lines = readmeLines().filter(({ line, section }) => !isPlayedElsewhere(line, section));
  it.each([...new Set(lines.map(({ section }) => section))])(
    "of %s work",
    async (wanted) => {
      let played = 0;
      for (const { line } of lines.filter(({ section }) => section === wanted)) {
        const [, command = ""] = line.split(" ");
        await play(line, README_SCENES[line] ?? SCENES[line] ?? SCENES[command] ?? {});
        played += 1;
      }
      expect(played).toBeGreaterThan(0);
    },
    120_000,
  );

  it("are found", () => {
    expect(lines.length).toBeGreaterThan(45);
    const known = new Set(lines.map(({ line }) => line));
    expect(Object.keys(README_SCENES).filter((line) => !known.has(line))).toEqual([]);
  });
});

async function play(example: string, scene: Scene): Promise<void> {
  const { user = "alice", before = [], until, meanwhile, prints, instead } = scene;
  for (const text of before) await typed(user, text);
  const words = instead === undefined ? example : example.replace(instead[0], instead[1]);
  const line = shell.type(user, words);
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
