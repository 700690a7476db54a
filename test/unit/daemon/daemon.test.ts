import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectApi } from "../../../src/api/client.js";
import { type DaemonOptions, runDaemon } from "../../../src/daemon/daemon.js";
import type { DaemonSettings } from "../../../src/daemon/reloading.js";
import { stopDaemon } from "../../../src/daemon/stop.js";
import { UdpchatError } from "../../../src/errors.js";
import { pathsOf } from "../../../src/store/paths.js";
import { textSink } from "../../support/textSink.js";
import { FakeMessenger, messageEvent, until } from "../api/fakeMessenger.js";

let home: string;
let log: ReturnType<typeof textSink>;
let messengers: FakeMessenger[];

function options(): DaemonOptions {
  return {
    paths: pathsOf(home),
    settings: { atStart: {}, read: async () => ({ values: {}, messengerOptions: {} }) },
    messengerOptions: {},
    log: { destination: log.stream, level: "debug" },
    openMessenger: async () => {
      const messenger = new FakeMessenger();
      messengers.push(messenger);
      return messenger;
    },
  };
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-daemon-"));
  log = textSink();
  messengers = [];
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

describe("runDaemon", () => {
  it("answers when ready, and leaves nothing behind when stopped", async () => {
    const daemon = await runDaemon(options());
    const { socket } = pathsOf(home);
    const modes: Record<string, number> = { [home]: 0o700, [join(home, "run")]: 0o700 };
    for (const path of [socket, pathsOf(home).pidFile]) modes[path] = 0o600;
    for (const [path, mode] of Object.entries(modes)) {
      expect([path, (await stat(path)).mode & 0o777]).toEqual([path, mode]);
    }
    expect(await connectApi(socket).call("status", {})).toEqual(daemon.status);
    expect(await stopDaemon({ socket })).toEqual({ type: "stopping", pid: process.pid });
    await daemon.stopped;
    expect(messengers[0]?.closed).toBe(true);
    expect(await readdir(home, { recursive: true })).toEqual(["run"]);
  });

  it("is waited for by who stops it, not for ever, and not beyond its interruption", async () => {
    const deaf = createServer((client) => void client.resume());
    const { socket } = pathsOf(home);
    await mkdir(join(home, "run"), { mode: 0o700 });
    await new Promise<void>((resolve) => deaf.listen(socket, resolve));
    try {
      await expect(stopDaemon({ socket, timeoutMs: 50 })).rejects.toMatchObject({
        code: "TIMEOUT",
        message: "the daemon still runs after 50 ms",
      });
      const interruption = new AbortController();
      const stopping = stopDaemon({ socket, signal: interruption.signal });
      interruption.abort();
      await expect(stopping).rejects.toMatchObject({ code: "ABORTED" });
    } finally {
      await new Promise((resolve) => deaf.close(resolve));
    }
  });

  it("refuses a second one, which opens nothing", async () => {
    const daemon = await runDaemon(options());
    await expect(runDaemon(options())).rejects.toMatchObject({
      code: "DAEMON_RUNNING",
      message: `a daemon with process id ${process.pid} already uses ${home}`,
    });
    expect(messengers).toHaveLength(1);
    expect(await connectApi(pathsOf(home).socket).call("id", {})).toMatchObject({ type: "id" });
    await daemon.stop();
  });

  it("recovers the socket and pid file of a process that was killed", async () => {
    const { pidFile, socket } = pathsOf(home);
    await mkdir(join(home, "run"), { mode: 0o700 });
    const script = `
      require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, process.pid + "\\n");
      require("node:net").createServer().listen(${JSON.stringify(socket)}, () => {
        process.kill(process.pid, "SIGKILL");
      });`;
    expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
    expect(await readdir(home)).toEqual(["run", "udpchat.pid"]);
    const daemon = await runDaemon(options());
    await daemon.stop();
  });

  it("rejoins standing groups", async () => {
    const first = await runDaemon(options());
    await connectApi(pathsOf(home).socket).call("join", { group: "#ops" });
    await first.stop();
    const second = await runDaemon(options());
    expect(await connectApi(pathsOf(home).socket).call("groups", {})).toMatchObject([
      { group: "#ops", standing: true },
    ]);
    await second.stop();
  });

  it("gives everything back when a part fails, and rejects with the reason", async () => {
    const failing = {
      ...options(),
      openMessenger: () => Promise.reject(new UdpchatError("INVALID_NAME", "too long")),
    };
    await expect(runDaemon(failing)).rejects.toMatchObject({ code: "INVALID_NAME" });
    expect(await readdir(home, { recursive: true })).toEqual(["run"]);
    // A pid file that can't be written.
    await mkdir(pathsOf(home).pidFile);
    await expect(runDaemon(options())).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
    expect(messengers).toEqual([]);
  });

  it("says goodbye on SIGTERM; a second signal forces", async () => {
    const exits: number[] = [];
    const daemon = await runDaemon({ ...options(), exit: (code) => void exits.push(code) });
    process.emit("SIGTERM", "SIGTERM");
    process.emit("SIGINT", "SIGINT");
    await daemon.stopped;
    expect(exits).toEqual([1]);
    expect(process.listenerCount("SIGTERM")).toBe(0);
    expect(messengers[0]?.closed).toBe(true);
  });

  it("reads its settings again on SIGHUP and when asked to, and goes on", async () => {
    let name = "zoe";
    const read = async (): Promise<DaemonSettings> => {
      if (name === "") throw new UdpchatError("INVALID_NAME", "config.json: too short");
      return { values: { name, port: 9 }, messengerOptions: { name } };
    };
    const settings = { atStart: { name: "alice", port: 22400 }, read };
    const daemon = await runDaemon({ ...options(), settings });
    const api = connectApi(pathsOf(home).socket);
    expect(await api.call("reload", {})).toEqual({
      type: "reloaded",
      changed: ["name"],
      restart: ["port"],
    });
    name = "";
    await expect(api.call("reload", {})).rejects.toMatchObject({ code: "INVALID_NAME" });
    process.emit("SIGHUP", "SIGHUP");
    await until(() => log.text().split("settings not reloaded").length === 3);
    expect(log.text()).toContain('"code":"INVALID_NAME","reason":"config.json: too short"');
    name = "yves";
    process.emit("SIGHUP", "SIGHUP");
    await until(() => messengers[0]?.configured.length === 2);
    expect(messengers[0]?.configured).toEqual([{ name: "zoe" }, { name: "yves" }]);
    await daemon.stop();
    expect(process.listenerCount("SIGHUP")).toBe(0);
  });

  it("logs what happens without what was said or by what name", async () => {
    const daemon = await runDaemon(options());
    const interfaces = messengers[0]?.status().interfaces ?? [];
    messengers[0]?.source.push({ type: "interfaces", interfaces });
    messengers[0]?.source.push(messageEvent("the secret text"));
    await until(() => log.text().includes('"message"'));
    await daemon.stop();
    expect(log.text()).toContain('"msg":"ready"');
    expect(log.text()).toContain('"interfaces":["lo 127.0.0.1"],"msg":"interfaces changed"');
    expect(log.text()).toContain('"msg":"stopped"');
    expect(log.text()).not.toContain("secret");
    expect(log.text()).not.toContain("alice");
  });
});
