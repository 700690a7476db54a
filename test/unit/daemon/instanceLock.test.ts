import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InstanceLock, type LockPaths } from "../../../src/daemon/instanceLock.js";

/** Above the largest process id of Linux and macOS: never alive. */
const DEAD_PID = 4_999_999;

let paths: LockPaths;
let open: Server[];

function listen(): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  open.push(server);
  return new Promise((resolve) => server.listen(paths.socket, () => resolve(server)));
}

beforeEach(async () => {
  const home = await mkdtemp(join(tmpdir(), "udpchat-lock-"));
  paths = { home, pidFile: join(home, "pid"), socket: join(home, "s"), socketFolder: home };
  open = [];
});

afterEach(async () => {
  for (const server of open) server.close();
  await rm(paths.home, { recursive: true });
});

describe("InstanceLock", () => {
  it("writes our process id and removes it", async () => {
    const lock = await InstanceLock.acquire(paths);
    expect(await readFile(paths.pidFile, "utf8")).toBe(`${process.pid}\n`);
    await lock.assertHeld();
    await lock.release();
    expect(await readdir(paths.home)).toEqual([]);
  });

  it("names the process that runs", async () => {
    await writeFile(paths.pidFile, "1234\n");
    await listen();
    await expect(InstanceLock.acquire(paths)).rejects.toMatchObject({
      code: "DAEMON_RUNNING",
      message: expect.stringContaining("process id 1234"),
    });
    expect(await readFile(paths.pidFile, "utf8")).toBe("1234\n");
  });

  it("respects a daemon whose pid file was deleted, and leaves none of its own", async () => {
    await listen();
    await expect(InstanceLock.acquire(paths)).rejects.toMatchObject({ code: "DAEMON_RUNNING" });
    expect(await readdir(paths.home)).toEqual(["s"]);
  });

  it.each([`${DEAD_PID}\n`, `${process.pid}\n`, "", "rubbish"])(
    "recovers a stale pid file: %j",
    async (content) => {
      await writeFile(paths.pidFile, content);
      const lock = await InstanceLock.acquire(paths);
      expect(await readFile(paths.pidFile, "utf8")).toBe(`${process.pid}\n`);
      await lock.release();
      expect(await readdir(paths.home)).toEqual([]);
    },
  );

  it("leaves a file alone that is no socket", async () => {
    await writeFile(paths.socket, "precious");
    await expect(InstanceLock.acquire(paths)).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
    expect(await readdir(paths.home)).toEqual(["s"]);
  });

  it("notices that somebody else took it", async () => {
    const lock = await InstanceLock.acquire(paths);
    await writeFile(paths.pidFile, "1234\n");
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "DAEMON_RUNNING" });
    await lock.release();
    expect(await readFile(paths.pidFile, "utf8")).toBe("1234\n");
  });
});
