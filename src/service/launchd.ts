import { join } from "node:path";
import { noManager, serviceFailed } from "./failure.js";
import { launchAgent, programOfLaunchAgent } from "./launchAgent.js";
import type { ServiceManager, ServiceState } from "./manager.js";
import type { ProgramWords, ServiceProgram } from "./program.js";
import type { Tool, ToolResult } from "./tool.js";

/** An agent of the user's own launchd, by launchctl(1). */
export class Launchd implements ServiceManager {
  readonly kind = "launchd";
  readonly encoding = "utf8";
  readonly file: string;
  /** The session of a user at the screen. */
  readonly #domain: string;
  readonly #target: string;
  readonly #tool: Tool;

  constructor(name: string, userFolder: string, uid: number, tool: Tool) {
    this.file = join(userFolder, "Library", "LaunchAgents", `${name}.plist`);
    this.#domain = `gui/${uid}`;
    this.#target = `${this.#domain}/${name}`;
    this.#tool = tool;
  }

  define(program: ServiceProgram): string {
    return launchAgent(program);
  }

  programOf(definition: string): ProgramWords | undefined {
    return programOfLaunchAgent(definition);
  }

  async assertUsable(): Promise<void> {
    const said = await this.#launchctl("print", this.#domain);
    if (said.code === 0) return;
    throw noManager("no launchd session of this user answers", said, "log in at the screen");
  }

  async enable(changed: boolean): Promise<void> {
    const isLoaded = (await this.#launchctl("print", this.#target)).code === 0;
    if (isLoaded && !changed) return await this.start();
    if (isLoaded) await this.#launchctl("bootout", this.#target);
    await this.#launchctl("enable", this.#target);
    // RunAtLoad starts it.
    await this.#must("bootstrap", this.#domain, this.file);
  }

  async disable(): Promise<void> {
    await this.#launchctl("bootout", this.#target);
  }

  async forget(): Promise<void> {
    // Nothing but the file was ever there.
  }

  async start(): Promise<void> {
    await this.#must("kickstart", this.#target);
  }

  async state(): Promise<ServiceState> {
    const { code, stdout } = await this.#launchctl("print", this.#target);
    const [, pid] = /^\s*pid = (\d+)$/m.exec(stdout) ?? [];
    return {
      enabled: code === 0,
      running: /^\s*state = running$/m.test(stdout),
      pid: pid === undefined ? undefined : Number(pid),
    };
  }

  async presence(): Promise<undefined> {
    // Agents live as long as their user's session; there is nothing to switch.
  }

  async #must(...args: string[]): Promise<void> {
    const said = await this.#launchctl(...args);
    if (said.code === 0) return;
    throw serviceFailed(`launchctl ${args.join(" ")} failed`, said, "read: udpchat logs");
  }

  #launchctl(...args: string[]): Promise<ToolResult> {
    return this.#tool("launchctl", args);
  }
}
