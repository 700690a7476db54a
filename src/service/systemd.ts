import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { noManager, serviceFailed } from "./failure.js";
import type { ServiceManager, ServiceState } from "./manager.js";
import type { ProgramWords, ServiceProgram } from "./program.js";
import { programOfUnit, systemdUnit } from "./systemdUnit.js";
import type { Tool, ToolResult } from "./tool.js";

/** A unit of the user's own systemd, by systemctl(1). */
export class Systemd implements ServiceManager {
  readonly kind = "systemd";
  readonly encoding = "utf8";
  readonly file: string;
  readonly #unit: string;
  readonly #uid: number;
  readonly #tool: Tool;

  /** @param configFolder `~/.config`, as XDG_CONFIG_HOME says */
  constructor(name: string, configFolder: string, uid: number, tool: Tool) {
    this.#unit = `${name}.service`;
    this.file = join(configFolder, "systemd", "user", this.#unit);
    this.#uid = uid;
    this.#tool = tool;
  }

  define(program: ServiceProgram): string {
    return systemdUnit(program);
  }

  programOf(definition: string): ProgramWords | undefined {
    return programOfUnit(definition);
  }

  async assertUsable(): Promise<void> {
    const said = await this.#systemctl("show-environment");
    if (said.code === 0) return;
    const remedy =
      "log in as this user, not by su or sudo; without a service: udpchat service remove, udpchat start";
    throw noManager("no systemd session of this user answers", said, remedy);
  }

  async enable(changed: boolean): Promise<void> {
    await this.#must("daemon-reload");
    // By its path: the manager may look for units elsewhere than this shell says.
    await this.#must("enable", this.file);
    await this.#must(changed ? "restart" : "start", this.#unit);
  }

  async disable(): Promise<void> {
    await this.#systemctl("disable", "--now", this.#unit);
    // Where no session answers, what `disable` does is done by hand.
    const wants = join(dirname(this.file), "default.target.wants", this.#unit);
    await rm(wants, { force: true });
  }

  async forget(): Promise<void> {
    await this.#systemctl("daemon-reload");
    await this.#systemctl("reset-failed", this.#unit);
  }

  async start(): Promise<void> {
    await this.#must("start", this.#unit);
  }

  async state(): Promise<ServiceState> {
    const properties = ["ActiveState", "UnitFileState", "MainPID"];
    const { stdout } = await this.#systemctl("show", `-p${properties.join(",")}`, this.#unit);
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1];
    const pid = Number(value("MainPID") ?? 0);
    return {
      enabled: value("UnitFileState") === "enabled",
      running: value("ActiveState") === "active" || value("ActiveState") === "reloading",
      pid: pid === 0 ? undefined : pid,
    };
  }

  async presence(): Promise<{ readonly withoutLogin: boolean; readonly remedy: string }> {
    const args = ["show-user", "--property=Linger", String(this.#uid)];
    const { code, stdout } = await this.#tool("loginctl", args);
    const withoutLogin = code === 0 && stdout.trim() === "Linger=yes";
    return { withoutLogin, remedy: "loginctl enable-linger" };
  }

  async #must(...args: string[]): Promise<void> {
    const said = await this.#systemctl(...args);
    if (said.code === 0) return;
    const remedy = `read: udpchat logs, and journalctl --user -u ${this.#unit}`;
    throw serviceFailed(`systemctl --user ${args.join(" ")} failed`, said, remedy);
  }

  #systemctl(...args: string[]): Promise<ToolResult> {
    return this.#tool("systemctl", ["--user", ...args]);
  }
}
