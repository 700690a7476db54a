/** What service managers are asked for, in which order. Systemd is asked for real elsewhere. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Launchd } from "../../../src/service/launchd.js";
import type { ServiceProgram } from "../../../src/service/program.js";
import { UserService } from "../../../src/service/service.js";
import { Systemd } from "../../../src/service/systemd.js";
import { TaskScheduler } from "../../../src/service/taskScheduler.js";
import { runTool, type Tool } from "../../../src/service/tool.js";

let folder: string;
/** Command lines, in order. */
let asked: string[];
/** Answers by the beginning of the command line; else success, and nothing said. */
let answers: Record<string, { code?: number; stdout?: string; stderr?: string }>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-service-"));
  asked = [];
  answers = {};
});
afterEach(() => rmSync(folder, { recursive: true }));

const tool: Tool = async (command, args) => {
  const line = [command, ...args].join(" ").replaceAll(folder, "F");
  asked.push(line);
  const [, answer = {}] = Object.entries(answers).find(([start]) => line.startsWith(start)) ?? [];
  return { code: 0, stdout: "", stderr: "", ...answer };
};

const program: ServiceProgram = {
  name: "udpchat",
  executable: process.execPath,
  args: [join(tmpdir(), "no such program.js"), "daemon"],
  reloadArgs: ["reload"],
  environment: {},
};

/** What was asked since the last call. */
const questions = (): string[] => asked.splice(0);

describe("systemd", () => {
  const service = (): UserService => new UserService(new Systemd("udpchat", folder, 501, tool));
  const file = "F/systemd/user/udpchat.service";

  it("is told once of a definition, and again of another one", async () => {
    expect(await service().install(program)).toEqual({ changed: true });
    const enabling = [
      "systemctl --user show-environment",
      "systemctl --user daemon-reload",
      `systemctl --user enable ${file}`,
    ];
    expect(questions()).toEqual([...enabling, "systemctl --user restart udpchat.service"]);
    expect(await service().install(program)).toEqual({ changed: false });
    expect(questions()).toEqual([...enabling, "systemctl --user start udpchat.service"]);
    const other = { ...program, args: [...program.args, "--name=zoe"] };
    expect(await service().install(other)).toEqual({ changed: true });
  });

  it("tells its state, and what is missing of the program", async () => {
    expect(await service().status()).toMatchObject({ installed: false, running: false });
    await service().install(program);
    const stdout = "MainPID=42\nActiveState=active\nUnitFileState=enabled\n";
    answers["systemctl --user show -p"] = { stdout };
    expect(await service().status()).toEqual({
      installed: true,
      enabled: true,
      running: true,
      pid: 42,
      program: [program.executable, ...program.args],
      missing: [program.args[0]],
    });
  });

  it("does nothing where no session answers, in one sentence", async () => {
    const stderr = "Failed to connect to bus: No medium found\nmore\n";
    answers["systemctl --user show-environment"] = { code: 1, stderr };
    const refusal = {
      code: "NO_SERVICE_MANAGER",
      message:
        "no systemd session of this user answers (Failed to connect to bus: No medium found)",
    };
    await expect(service().install(program)).rejects.toMatchObject(refusal);
    await expect(service().start()).rejects.toMatchObject(refusal);
    expect(await service().isInstalled()).toBe(false);
  });

  it("knows whether it runs while nobody is logged in", async () => {
    const { manager } = service();
    const remedy = "loginctl enable-linger";
    expect(await manager.presence()).toEqual({ withoutLogin: false, remedy });
    answers["loginctl show-user --property=Linger 501"] = { stdout: "Linger=yes\n" };
    expect(await manager.presence()).toEqual({ withoutLogin: true, remedy });
  });

  it("says why something failed", async () => {
    answers["systemctl --user restart"] = { code: 1, stderr: "Job failed.\n" };
    await expect(service().install(program)).rejects.toMatchObject({
      code: "SERVICE_FAILED",
      message: "systemctl --user restart udpchat.service failed (Job failed.)",
    });
  });

  it("is rid of it, once", async () => {
    await service().install(program);
    questions();
    expect(await service().remove()).toBe(true);
    expect(questions()).toEqual([
      "systemctl --user disable --now udpchat.service",
      "systemctl --user daemon-reload",
      "systemctl --user reset-failed udpchat.service",
    ]);
    expect(await service().remove()).toBe(false);
    expect(questions()).toEqual([]);
  });
});

describe("launchd", () => {
  const service = (): UserService => new UserService(new Launchd("udpchat", folder, 501, tool));

  it("boots the agent, and boots another one instead of it", async () => {
    answers["launchctl print gui/501/udpchat"] = { code: 113 };
    expect(await service().install(program)).toEqual({ changed: true });
    expect(questions()).toEqual([
      "launchctl print gui/501",
      "launchctl print gui/501/udpchat",
      "launchctl enable gui/501/udpchat",
      "launchctl bootstrap gui/501 F/Library/LaunchAgents/udpchat.plist",
    ]);
    answers = {};
    expect(await service().install(program)).toEqual({ changed: false });
    expect(questions().at(-1)).toBe("launchctl kickstart gui/501/udpchat");
    await service().install({ ...program, args: ["other"] });
    expect(questions().slice(2)).toEqual([
      "launchctl bootout gui/501/udpchat",
      "launchctl enable gui/501/udpchat",
      "launchctl bootstrap gui/501 F/Library/LaunchAgents/udpchat.plist",
    ]);
    expect(await service().remove()).toBe(true);
    expect(questions()).toEqual(["launchctl bootout gui/501/udpchat"]);
  });

  it("tells its state", async () => {
    const stdout = "gui/501/udpchat = {\n\tstate = running\n\tpid = 77\n}\n";
    answers["launchctl print gui/501/udpchat"] = { stdout };
    expect(await service().status()).toMatchObject({ enabled: true, running: true, pid: 77 });
    answers["launchctl print gui/501/udpchat"] = { code: 113 };
    const status = await service().status();
    expect(status).toMatchObject({ enabled: false, running: false, pid: undefined });
  });
});

describe("the Windows scheduler", () => {
  const manager = (): TaskScheduler => new TaskScheduler("udpchat", folder, "OFFICE\\me", tool);
  const service = (): UserService => new UserService(manager());

  it("gets a task in UTF-16, and is rid of it", async () => {
    await service().install(program);
    expect(questions()).toEqual([
      "schtasks /Query /FO LIST",
      "schtasks /End /TN udpchat",
      "schtasks /Create /TN udpchat /XML F/udpchat.task.xml /F",
      "schtasks /Run /TN udpchat",
    ]);
    const bytes = readFileSync(manager().file);
    expect([bytes[0], bytes[1]]).toEqual([0xff, 0xfe]);
    expect(bytes.toString("utf16le").slice(1)).toBe(service().define(program));
    expect(await service().install(program)).toEqual({ changed: false });
    expect(await service().status()).toMatchObject({ installed: true, enabled: true });
    questions();
    await service().remove();
    expect(questions()).toEqual(["schtasks /End /TN udpchat", "schtasks /Delete /TN udpchat /F"]);
  });
});

describe("a program of the system", () => {
  it("is told of as it ended, also if it is not there", async () => {
    expect(await runTool("sh", ["-c", "echo out; echo err >&2; exit 3"])).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect((await runTool(join(folder, "none"), [])).code).toBeUndefined();
  });

  it("is not understood where somebody else wrote the definition", async () => {
    const service = new UserService(new Systemd("udpchat", folder, 501, tool));
    await service.install(program);
    writeFileSync(service.manager.file, "[Service]\nExecStart=/bin/true\n");
    const status = await service.status();
    expect(status).toMatchObject({ installed: true, program: undefined, missing: [] });
  });
});
