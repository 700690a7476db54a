/** The daemon as a service: under a real systemd, and what else can be tried here. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServiceLineSchema, StatusLineSchema } from "../../src/api/lines.js";
import { COMMANDS } from "../../src/cli/commands/index.js";
import { launchAgent } from "../../src/service/launchAgent.js";
import { systemdUnit } from "../../src/service/systemdUnit.js";
import { BIN, buildBin, eventually, RunningCommand } from "../support/cliWorld.js";
import { describeUnless, missing } from "../support/describeUnless.js";
import { parseLines } from "../support/jsonLines.js";
import { describeOnSystemd, UserSystemd } from "../support/userSystemd.js";

/** What a shell takes for one word. */
const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

describeOnSystemd("a service under systemd", () => {
  let systemd: UserSystemd;
  let home: string;
  /** `--home` and what keeps it from everybody else. */
  let place: string;
  let file: string;
  let unit: string;
  beforeAll(async () => {
    await buildBin();
    systemd = new UserSystemd("udpchat-systemd-");
    // Everything that systemd's own rules could take for something else.
    home = join(systemd.folder, `it's "möin" 100%h \${HOME} \\x`);
    mkdirSync(home);
    place = `--home ${word(home)}`;
    const status = await systemd.run(`udpchat service status --json ${place}`);
    expect(status.code).toBe(6);
    const [line] = parseLines(ServiceLineSchema, status.stdout);
    expect(line).toMatchObject({ manager: "systemd", installed: false, running: false });
    file = line?.file ?? "";
    unit = file.slice(file.lastIndexOf("/") + 1);
    expect(unit).toMatch(/^udpchat-[0-9a-f]{8}\.service$/);
  });
  afterAll(() => systemd.dispose());

  async function service() {
    const { code, stdout } = await systemd.run(`udpchat service status --json ${place}`);
    const [line] = parseLines(ServiceLineSchema, stdout);
    if (line === undefined) throw new Error("there is no status");
    expect(code).toBe(line.running ? 0 : 6);
    return line;
  }

  async function daemon() {
    const { code, stdout } = await systemd.run(`udpchat status --json ${place}`);
    return code === 0 ? parseLines(StatusLineSchema, stdout)[0] : undefined;
  }

  async function property(name: string): Promise<string> {
    const { stdout } = await systemd.run(`systemctl --user show -p ${name} --value ${unit}`);
    return stdout.trim();
  }

  it("prints its unit, and changes nothing", async () => {
    const { code, stdout } = await systemd.run(`udpchat service install --print ${place}`);
    expect(code).toBe(0);
    expect(stdout).toContain("Type=notify\n");
    expect(existsSync(file)).toBe(false);
  });

  it("takes over from a daemon in the background, and is ready when systemd says so", async () => {
    await systemd.run(`udpchat start --interface lo ${place}`);
    const before = await daemon();
    const install = `udpchat service install --interface lo ${place}`;
    const installed = await systemd.run(install);
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.stderr).toContain(`the daemon that ran (pid ${before?.pid}) makes room`);
    expect(installed.stderr).toContain(`take it away with: udpchat service remove --home`);
    expect(installed.stderr).toContain("to have it always: loginctl enable-linger\n");
    const line = await service();
    expect(line).toMatchObject({ installed: true, enabled: true, running: true, problem: null });
    expect(line).toMatchObject({ pid: Number(await property("MainPID")), file });
    expect(line.since).toBe((await daemon())?.startedAt);
    expect(installed.stdout).toContain(`running: pid ${line.pid}, since ${line.since}\n`);
    expect(await property("StatusText")).toContain("port 22400");
    expect(line.program).toEqual([
      process.execPath,
      BIN,
      "daemon",
      "--log-to-file",
      `--home=${home}`,
      "--interface=lo",
    ]);
    // Again is the same.
    const again = await systemd.run(install);
    expect(again.stderr).toContain("nothing had to be changed\n");
    expect((await service()).pid).toBe(line.pid);
  });

  it("is started by `start` and ended by `stop`, and nothing else is", async () => {
    const { pid } = await service();
    const second = await systemd.run(`udpchat start ${place}`);
    expect(second).toMatchObject({ code: 6, stdout: "" });
    expect(second.stderr).toContain(`process id ${pid}`);
    expect((await systemd.run(`udpchat stop ${place}`)).code).toBe(0);
    await eventually(
      async () => (await property("ActiveState")) === "inactive",
      () => "the end of the unit",
    );
    expect(await service()).toMatchObject({ enabled: true, running: false, pid: null });
    const started = await systemd.run(`udpchat start --name zoe ${place}`);
    expect(started.code).toBe(0);
    expect(started.stderr).toContain("--name changes nothing");
    expect(await property("MainPID")).toBe(String((await daemon())?.pid));
  });

  it("starts again when it was killed", async () => {
    // The user's own changes to the unit stay.
    const folder = `${file}.d`;
    mkdirSync(folder);
    writeFileSync(join(folder, "fast.conf"), "[Service]\nRestartSec=100ms\n");
    await systemd.run("systemctl --user daemon-reload");
    const before = await property("MainPID");
    await systemd.run(`systemctl --user kill --signal=KILL ${unit}`);
    await eventually(
      async () => {
        const [pid, state] = [await property("MainPID"), await property("ActiveState")];
        return pid !== before && pid !== "0" && state === "active";
      },
      () => "the next start",
    );
    expect(await property("NRestarts")).toBe("1");
    expect((await daemon())?.pid).toBe(Number(await property("MainPID")));
  });

  it("reads its settings again by systemctl, which tells if they are wrong", async () => {
    const config = join(home, "config.json");
    const before = await service();
    writeFileSync(config, JSON.stringify({ name: "zoe" }));
    expect((await systemd.run(`systemctl --user reload ${unit}`)).code).toBe(0);
    expect((await daemon())?.name).toBe("zoe");
    writeFileSync(config, "{");
    expect((await systemd.run(`systemctl --user reload ${unit}`)).code).not.toBe(0);
    expect(await service()).toEqual(before);
    // Not even a start: that would come to nothing, again and again.
    const install = await systemd.run(`udpchat service install ${place}`);
    expect(install.code).toBe(2);
    expect(install.stderr).toContain("is not JSON");
    rmSync(config);
  });

  it("takes other options, and starts anew with them", async () => {
    const { pid } = await service();
    await systemd.run(`udpchat service install --interface lo --name yves ${place}`);
    expect((await service()).pid).not.toBe(pid);
    expect((await daemon())?.name).toBe("yves");
    const logged = await systemd.run(`udpchat logs --json ${place}`);
    expect(logged.stdout.match(/"message":"ready"/g)?.length).toBeGreaterThan(3);
    expect(logged.stdout).not.toContain("systemd was not told");
  });

  it("says that its program is gone", async () => {
    const link = join(systemd.folder, "link.js");
    symlinkSync(BIN, link);
    const other = `--home ${word(join(systemd.folder, "other"))}`;
    const node = `${process.execPath} ${link}`;
    await systemd.run(`${node} service install --interface lo --port 0 ${other}`);
    rmSync(link);
    const status = await systemd.run(`udpchat service status ${other}`);
    expect(status.code).toBe(0);
    expect(status.stdout).toContain(`problem: ${link} is not there any more: udpchat service`);
    expect((await systemd.run(`udpchat service remove ${other}`)).code).toBe(0);
  });

  it("is taken away, with everything of it", async () => {
    const removed = await systemd.run(`udpchat service remove ${place}`);
    expect(removed).toMatchObject({ code: 0, stdout: "service: not installed (systemd)\n" });
    expect(existsSync(file)).toBe(false);
    expect(await property("UnitFileState")).toBe("");
    expect(await daemon()).toBeUndefined();
    const again = await systemd.run(`udpchat service remove ${place}`);
    expect(again).toMatchObject({ code: 0, stderr: "nothing had to be changed\n" });
    // `start` is on its own again.
    await systemd.run(`udpchat start --interface lo ${place}`);
    expect(await property("ActiveState")).toBe("inactive");
    await systemd.run(`udpchat stop ${place}`);
  });
});

describeOnSystemd("the examples in the help of a service", () => {
  it("work as they stand", async () => {
    await buildBin();
    const systemd = new UserSystemd("udpchat-systemd-");
    try {
      const home = join(systemd.folder, "home");
      mkdirSync(home);
      writeFileSync(join(home, "config.json"), JSON.stringify({ interface: ["lo"], port: 0 }));
      await systemd.run(`export UDPCHAT_HOME=${home}`);
      const examples = COMMANDS.find(({ name }) => name === "service")?.examples ?? [];
      expect(examples.length).toBeGreaterThanOrEqual(2);
      for (const example of examples) {
        expect(await systemd.run(example), example).toMatchObject({ code: 0 });
      }
      await systemd.run("udpchat service remove");
    } finally {
      await systemd.dispose();
    }
  });
});

describe("a definition", () => {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-definition-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  // Both programs look whether it is there.
  const script = join(folder, `it's "möin" 100%h $HOME \\x & <y>`);
  const program = {
    name: "udpchat",
    executable: process.execPath,
    args: [script, "daemon", "--home=a b"],
    reloadArgs: [script, "reload"],
    environment: { MALLOC_ARENA_MAX: "1", HARD: "a\"b'c%d$e\\f" },
  };

  describeUnless(missing("systemd-analyze"), "for systemd", () => {
    it("is without a fault", () => {
      const path = join(folder, "udpchat.service");
      writeFileSync(path, systemdUnit(program));
      // Where nobody is logged in the verifier wants a folder of its own.
      const env = { ...process.env, XDG_RUNTIME_DIR: folder };
      const options = { env, encoding: "utf8" } as const;
      const verified = spawnSync("systemd-analyze", ["verify", "--user", path], options);
      expect(verified.stdout + verified.stderr).toBe("");
      expect(verified.status).toBe(0);
      writeFileSync(path, systemdUnit(program).replace("Type=notify", "Typo=notify"));
      const faulty = spawnSync("systemd-analyze", ["verify", "--user", path], options);
      expect(faulty.stderr).toContain("Typo");
    });
  });

  describeUnless(missing("python3"), "for launchd", () => {
    it("is a property list to a reader of property lists", () => {
      const path = join(folder, "udpchat.plist");
      writeFileSync(path, launchAgent(program));
      const code =
        "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
      const read = spawnSync("python3", ["-c", code, path], { encoding: "utf8" });
      expect(read.stderr).toBe("");
      expect(JSON.parse(read.stdout)).toMatchObject({
        Label: "udpchat",
        ProgramArguments: [program.executable, ...program.args],
        EnvironmentVariables: program.environment,
        KeepAlive: { SuccessfulExit: false },
      });
    });
  });
});

/** Receives what systemd would, and closes the file descriptors that it is asked to let go of. */
const RECEIVER = `
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("listening", flush=True)
while True:
    text, descriptors, _, _ = socket.recv_fds(receiver, 4096, 8)
    for descriptor in descriptors: os.close(descriptor)
    print(text.decode(), flush=True)
`;

describe("a daemon that systemd waits for", () => {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-notify-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const loopback = { UDPCHAT_HOME: folder, UDPCHAT_INTERFACE: "lo", UDPCHAT_PORT: "0" };
  const discoveryPort = String(20_000 + Math.floor(Math.random() * 12_000));
  const env = { ...loopback, UDPCHAT_DISCOVERY_PORT: discoveryPort };

  describeUnless(missing("python3", "systemd-notify"), "by a socket", () => {
    it("says that it is ready, once it answers", async () => {
      await buildBin();
      const socket = join(folder, "notify");
      const receiver = new RunningCommand(["-c", RECEIVER, socket], {}, "python3");
      await receiver.prints(/listening/);
      const command = [BIN, "daemon", "--log-to-file"];
      const daemon = new RunningCommand(command, { ...env, NOTIFY_SOCKET: socket });
      await receiver.prints(/READY=1\n/);
      expect(receiver.stdout).toMatch(/STATUS=port \d+/);
      const status = new RunningCommand([BIN, "status"], env);
      expect(await status.ended()).toBe(0);
      daemon.kill("SIGTERM");
      expect(await daemon.ended()).toBe(0);
      expect(receiver.stdout.match(/READY=1/g)).toHaveLength(1);
      receiver.kill("SIGKILL");
      await receiver.ended();
    });
  });

  it("goes on where nobody can be told, and says so in the log", async () => {
    await buildBin();
    const nowhere = { ...env, NOTIFY_SOCKET: join(folder, "nowhere") };
    const daemon = new RunningCommand([BIN, "daemon", "--log-to-file"], nowhere);
    const log = join(folder, "udpchat.log");
    await eventually(
      () => existsSync(log) && readFileSync(log, "utf8").includes("systemd was not told"),
      () => "the log",
    );
    const status = new RunningCommand([BIN, "status"], env);
    expect(await status.ended()).toBe(0);
    daemon.kill("SIGTERM");
    expect(await daemon.ended()).toBe(0);
  });
});
