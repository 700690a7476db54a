/** The log of a daemon in the background: where it lies, what `logs` shows of it, how it ends. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LogLineSchema } from "../../src/api/lines.js";
import { pathsOf } from "../../src/store/paths.js";
import { runCli } from "../support/cliInProcess.js";
import { buildBin, CliWorld } from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";
import { describeOnSmallDisk, OWN_MOUNTS } from "../support/smallDisk.js";

describe("logs", () => {
  const world = new CliWorld();
  beforeAll(() => buildBin());
  afterAll(() => world.dispose());

  it("shows what a daemon in the background recorded, while it runs and afterwards", async () => {
    const nothing = await world.run("alice", "logs");
    const { logFile } = pathsOf(world.home("alice"));
    expect(nothing).toEqual({ code: 0, stdout: "", stderr: `nothing is recorded in ${logFile}\n` });
    const follower = world.spawn("alice", "logs", "--follow", "--json");
    await world.run("alice", "start");
    await follower.prints(/"message":"ready"/);
    expect(statSync(logFile).mode & 0o777).toBe(0o600);

    // As they were recorded.
    const piped = await world.run("alice", "logs");
    expect(piped.stdout).toBe(readFileSync(logFile, "utf8"));
    await world.run("alice", "stop");
    await follower.prints(/"message":"stopped"/);
    follower.kill("SIGINT");
    expect(await follower.ended()).toBe(130);

    const { stdout } = await world.run("alice", "logs", "--json");
    expect(follower.stdout).toBe(stdout);
    const lines = parseLines(LogLineSchema, stdout);
    expect(lines.at(-1)).toMatchObject({ level: "info", message: "stopped", fields: {} });
    expect((await world.run("alice", "logs", "--lines", "1")).stdout).toContain("stopped");
    expect((await world.run("alice", "logs", "--lines", "0")).stdout).toBe("");
    expect((await world.run("alice", "logs", "--since", "1h", "--json")).stdout).toBe(stdout);
    expect((await world.run("alice", "logs", "--since", "2999-01-01")).stdout).toBe("");
  });

  it("is for people on a terminal", async () => {
    const home = world.home("bob");
    const { logFile } = pathsOf(home);
    mkdirSync(home, { recursive: true });
    const time = new Date(2026, 0, 31, 8, 15, 2).toJSON();
    const record = { level: 40, time, pid: 1, port: 9, list: ["a b"], msg: "taken \u001b[2J" };
    writeFileSync(logFile, `${JSON.stringify(record)}\nNode ended \u001b[2J\n`);
    const shown: string[] = [];
    const typing = {
      keyboard: new PassThrough(),
      onShown: (text: string) => void shown.push(text),
    };
    await runCli(["logs", "--home", home], { env: { NO_COLOR: "1" }, typing });
    expect(shown.join("")).toBe(
      '2026-01-31 08:15:02 warn: taken ␛[2J port=9 list=["a b"]\n' +
        "2026-01-31 08:15:02 error: Node ended ␛[2J\n",
    );
  });

  it("works where the settings are wrong, and refuses what it cannot understand", async () => {
    const home = world.home("carol");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "config.json"), "{");
    expect((await runCli(["logs", "--home", home])).code).toBe(0);
    for (const words of [["--lines", "many"], ["--lines=-1"], ["--since", "yesterday"]]) {
      const { code, stderr } = await runCli(["logs", "--home", home, ...words]);
      expect(code, words.join(" ")).toBe(2);
      expect(stderr).toMatch(/^udpchat: --(lines|since): .*: write it as .*\n$/);
    }
  });
});

describeOnSmallDisk("a log on a small disk", () => {
  it("has no torn lines when there is room again, and says how many are missing", () => {
    const folder = mkdtempSync(join(tmpdir(), "udpchat-logdisk-"));
    const program = fileURLToPath(new URL("../support/logProcess.js", import.meta.url));
    const script = `mount -t tmpfs -o size=64k udpchat ${folder} && ${process.execPath} ${program} ${folder}`;
    try {
      const text = execFileSync("unshare", [...OWN_MOUNTS, "sh", "-c", script]).toString();
      const lines = text.trimEnd().split("\n");
      const [torn, missing = "", last] = lines.slice(-3);
      expect(new Set(lines.slice(0, -3))).toEqual(new Set(["y".repeat(1000)]));
      expect(torn).toMatch(/^y{1,999}$/);
      const code = "ENOSPC";
      expect(JSON.parse(missing)).toMatchObject({ lines: 5, code, msg: "log lines were lost" });
      expect(last).toBe("z".repeat(1000));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
