import { join } from "node:path";
import { noManager, serviceFailed } from "./failure.js";
import type { ServiceManager, ServiceState } from "./manager.js";
import type { ProgramWords, ServiceProgram } from "./program.js";
import { programOfTask, scheduledTask } from "./scheduledTask.js";
import type { Tool, ToolResult } from "./tool.js";

/** A task of the Windows scheduler, by schtasks. The scheduler keeps a copy of the definition. */
export class TaskScheduler implements ServiceManager {
  readonly kind = "taskScheduler";
  readonly encoding = "utf16le";
  readonly file: string;
  readonly #task: string;
  readonly #user: string;
  readonly #tool: Tool;

  /** @param user `DOMAIN\user` */
  constructor(name: string, home: string, user: string, tool: Tool) {
    this.file = join(home, `${name}.task.xml`);
    this.#task = name;
    this.#user = user;
    this.#tool = tool;
  }

  define(program: ServiceProgram): string {
    return scheduledTask(program, this.#user);
  }

  programOf(definition: string): ProgramWords | undefined {
    return programOfTask(definition);
  }

  async assertUsable(): Promise<void> {
    const said = await this.#tool("schtasks", ["/Query", "/FO", "LIST"]);
    if (said.code === 0) return;
    throw noManager("the Windows task scheduler does not answer", said, "udpchat start");
  }

  async enable(changed: boolean): Promise<void> {
    if (changed) await this.#schtasks("/End");
    await this.#must("/Create", "/XML", this.file, "/F");
    await this.start();
  }

  async disable(): Promise<void> {
    await this.#schtasks("/End");
    await this.#schtasks("/Delete", "/F");
  }

  async forget(): Promise<void> {
    // `disable` removed its copy.
  }

  async start(): Promise<void> {
    await this.#must("/Run");
  }

  /** Whether it runs is told in the language of the system: who asks looks at the daemon. */
  async state(): Promise<ServiceState> {
    const { code } = await this.#schtasks("/Query");
    return { enabled: code === 0, running: false, pid: undefined };
  }

  async presence(): Promise<undefined> {
    // A task at log-on needs its user; there is nothing to switch.
  }

  async #must(action: string, ...args: string[]): Promise<void> {
    const said = await this.#schtasks(action, ...args);
    if (said.code === 0) return;
    throw serviceFailed(`schtasks ${action} failed`, said, "read: udpchat logs");
  }

  #schtasks(action: string, ...args: string[]): Promise<ToolResult> {
    return this.#tool("schtasks", [action, "/TN", this.#task, ...args]);
  }
}
