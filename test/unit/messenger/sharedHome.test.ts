import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { MessengerOptions } from "../../../src/messenger/types.js";
import { pathsOf } from "../../../src/store/paths.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";

/** Above the largest process id of Linux and macOS: never alive. */
const DEAD_PID = 4_999_999;

let home: string;
let segment: MemorySegment;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-home-"));
  segment = new MemorySegment();
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

/** A messenger in the home, where the pid file says this. */
async function open(pid: number, options: MessengerOptions = {}): Promise<string> {
  await writeFile(pathsOf(home).pidFile, `${pid}\n`);
  const clock = new ManualClock();
  const parts = { openLan: segment.open, clock };
  const messenger = await Messenger.open({ home, name: "alice", ...options }, parts);
  await clock.until(messenger.close());
  return messenger.id;
}

it("is refused while a daemon in another process announces the same key", async () => {
  await expect(open(process.ppid)).rejects.toMatchObject({
    code: "DAEMON_RUNNING",
    message: `a daemon (process ${process.ppid}) already uses this home`,
    remedy: expect.stringContaining("talk to it, or open with another home"),
  });
  expect(segment.openCount).toBe(0);
});

it("is shared with who does not announce it, and not asked for by who has none", async () => {
  const id = await open(process.ppid, { announce: false });
  expect(await open(process.ppid, { ephemeral: true })).not.toBe(id);
});

it.skipIf(process.platform === "win32")(
  "is free where another process has the number of a killed daemon",
  async () => {
    const { socket, socketFolder = home } = pathsOf(home);
    mkdirSync(socketFolder, { mode: 0o700 });
    const script = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => {
      process.kill(process.pid, "SIGKILL");
    });`;
    expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
    expect(await open(process.ppid)).toMatch(/^[0-9a-f]{64}$/);
  },
);

it("is free for the daemon itself, and after one that was killed", async () => {
  const id = await open(process.pid);
  expect(await open(DEAD_PID)).toBe(id);
});
