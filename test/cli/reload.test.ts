/** Daemons take over changed settings in the middle of a conversation. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  LogLineSchema,
  PeerLineSchema,
  ReloadedLineSchema,
  SettingLineSchema,
  StatusLineSchema,
} from "../../src/api/lines.js";
import { pathsOf } from "../../src/store/paths.js";
import { BIN, buildBin, CliWorld, eventually, RunningCommand } from "../support/cliWorld.js";
import { describeUnless, missing } from "../support/describeUnless.js";
import { parseLines } from "../support/jsonLines.js";

// Names come from the config files.
const world = new CliWorld({ UDPCHAT_NAME: "" });
const configOf = (user: string): string => join(world.home(user), "config.json");

beforeAll(async () => {
  await buildBin();
  for (const user of ["alice", "bob"]) {
    await world.run(user, "config", "set", "name", user);
    expect((await world.run(user, "start")).code).toBe(0);
  }
});
afterAll(() => world.dispose());

async function statusOf(user: string) {
  const { stdout } = await world.run(user, "status", "--json");
  const [status] = parseLines(StatusLineSchema, stdout);
  if (status === undefined) throw new Error(`${user} has no status`);
  return status;
}

async function namesSeenBy(user: string): Promise<string[]> {
  const { stdout } = await world.run(user, "peers", "--json");
  return parseLines(PeerLineSchema, stdout).map(({ name }) => name);
}

it("goes on with the same session under another name", async () => {
  const listener = world.spawn("bob", "listen");
  await listener.prints(/listening/);
  expect((await world.run("alice", "send", "bob", "before")).code).toBe(0);
  const before = await statusOf("alice");

  const set = await world.run("alice", "config", "set", "name", "zoe");
  expect(set.stdout).toBe("name = zoe (config file)\nthe daemon goes on with another name\n");
  await eventually(
    async () => (await namesSeenBy("bob")).includes("zoe"),
    () => "the new name at bob's",
  );
  expect((await world.run("bob", "send", "zoe", "to you")).code).toBe(0);
  expect((await world.run("alice", "send", "bob", "after")).code).toBe(0);
  await listener.prints(/after/);

  const after = await statusOf("alice");
  expect([after.name, after.pid, after.id]).toEqual(["zoe", before.pid, before.id]);
  const sessions = ({ counters, usage }: typeof before) => [
    counters["handshakesStarted"],
    counters["handshakesCompleted"],
    usage["sessions"],
  ];
  expect(sessions(before)).toEqual([expect.any(Number), expect.any(Number), 1]);
  expect(sessions(after)).toEqual(sessions(before));
});

it("reads a file again that was written by hand, on SIGHUP", async () => {
  const { pid } = await statusOf("bob");
  writeFileSync(configOf("bob"), JSON.stringify({ name: "robert", requireVerified: true }));
  process.kill(pid, "SIGHUP");
  await eventually(
    async () => (await statusOf("bob")).name === "robert",
    () => "bob's new name",
  );
  const { code, stderr } = await world.run("bob", "send", "zoe", "not verified");
  expect(code).toBe(5);
  expect(stderr).toContain("verif");
  writeFileSync(configOf("bob"), JSON.stringify({ name: "robert" }));
  const reloaded = await world.run("bob", "reload", "--json");
  expect(parseLines(ReloadedLineSchema, reloaded.stdout)).toEqual([
    { type: "reloaded", changed: ["requireVerified"], restart: [] },
  ]);
  expect((await world.run("bob", "send", "zoe", "to anybody")).code).toBe(0);
});

it("names what needs a restart", async () => {
  const { port } = await statusOf("bob");
  // What the environment of the daemon says stays.
  expect((await world.run("bob", "config", "set", "port", "4711")).stdout).toBe(
    "port = 0 (UDPCHAT_PORT)\nthe daemon goes on as before (what it was started with goes before the file)\n",
  );
  const { stdout } = await world.run("bob", "config", "set", "store", "memory", "--json");
  const [setting = "", reloaded = ""] = stdout.trimEnd().split("\n");
  const key = { key: "store", value: "memory", source: "file" };
  expect(parseLines(SettingLineSchema, setting)).toMatchObject([key]);
  expect(parseLines(ReloadedLineSchema, reloaded)).toMatchObject([{ restart: ["store"] }]);
  expect((await world.run("bob", "reload")).stdout).toBe(
    "store changes when it is started again: udpchat stop, udpchat start\n",
  );
  expect((await statusOf("bob")).port).toBe(port);
});

it("stays as it was where the file is broken, and says so in the answer and the log", async () => {
  const { name, pid } = await statusOf("alice");
  const wrong = { '{"name":': "is not JSON", '{"nmae":"x"}': "did you mean name?" };
  for (const [text, sentence] of Object.entries(wrong)) {
    writeFileSync(configOf("alice"), text);
    const { code, stderr } = await world.run("alice", "reload");
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
    process.kill(pid, "SIGHUP");
  }
  const errors = () => {
    const log = readFileSync(pathsOf(world.home("alice")).logFile, "utf8");
    return log.split("\n").filter((line) => line.includes("settings not reloaded"));
  };
  await eventually(
    () => errors().length === 4,
    () => `four errors, not ${errors().length}`,
  );
  const { stdout } = await world.run("alice", "logs", "--lines", "1", "--json");
  expect(parseLines(LogLineSchema, stdout)).toMatchObject([
    { level: "error", fields: { code: "INVALID_ARGUMENT" } },
  ]);
  writeFileSync(configOf("alice"), JSON.stringify({ name }));
  expect((await world.run("alice", "reload")).stdout).toBe(
    "the daemon goes on as before (what it was started with goes before the file)\n",
  );
  expect(await statusOf("alice")).toMatchObject({ name, pid });
});

/** Runs a command on a terminal of its own, until its input ends: then the terminal closes. */
const ON_A_TERMINAL = `
import os, pty, sys
child, terminal = pty.fork()
if child == 0: os.execvp(sys.argv[1], sys.argv[1:])
os.read(terminal, 1)
print("shown", flush=True)
sys.stdin.read()
os.close(terminal)
print("closed", flush=True)
os.waitpid(child, 0)
`;

describeUnless(missing("python3"), "a daemon in the foreground", () => {
  it("goes on as it was when its terminal closes, and still reads its settings", async () => {
    const env = { UDPCHAT_HOME: world.home("dave"), UDPCHAT_INTERFACE: "lo", UDPCHAT_PORT: "0" };
    const port = { UDPCHAT_DISCOVERY_PORT: String(world.discoveryPort) };
    const daemon = [process.execPath, BIN, "daemon"];
    const argv = ["-c", ON_A_TERMINAL, ...daemon];
    const terminal = new RunningCommand(argv, { ...env, ...port }, "python3");
    await terminal.prints(/shown/);
    const { pid } = await statusOf("dave");
    terminal.endInput("");
    await terminal.prints(/closed/);
    expect(await statusOf("dave")).toMatchObject({ pid });
    writeFileSync(configOf("dave"), JSON.stringify({ name: "dave" }));
    process.kill(pid, "SIGHUP");
    await eventually(
      async () => (await statusOf("dave")).name === "dave",
      () => "dave's name",
    );
    expect((await world.run("dave", "stop")).code).toBe(0);
    await terminal.ended();
  });
});

it("needs a daemon", async () => {
  const { code, stderr } = await world.run("carol", "reload");
  expect(code).toBe(6);
  expect(stderr).toContain("no daemon runs");
});
