import type { CliResult } from "./cliInProcess.js";
import type { RunningCommand } from "./cliWorld.js";

/** A daemon takes its time to say goodbye. */
const PATIENCE_MS = 20_000;

/** A shell that commands are typed into, one after the other: what they change stays for the next. */
export class ShellSession {
  readonly #shell: RunningCommand;
  #commands = 0;

  constructor(shell: RunningCommand) {
    this.#shell = shell;
  }

  /** What the command prints, and how it ends. */
  async run(command: string): Promise<CliResult> {
    this.#commands += 1;
    const mark = `end of ${this.#commands}: `;
    const errorMark = `errors of ${this.#commands}.`;
    const { stdout, stderr } = this.#shell;
    this.#shell.type(`${command}\necho "${mark}$?"; echo "${errorMark}" >&2\n`);
    await this.#shell.prints(new RegExp(`${mark}\\d+\n`), PATIENCE_MS);
    await this.#shell.prints(new RegExp(`${errorMark}\n`), PATIENCE_MS);
    const [printed = "", code] = this.#shell.stdout.slice(stdout.length).split(mark);
    const [errors = ""] = this.#shell.stderr.slice(stderr.length).split(errorMark);
    return { code: Number(code), stdout: printed, stderr: errors };
  }

  /** Types the last command, and waits for the end of the shell. */
  async end(command: string): Promise<void> {
    this.#shell.type(`${command}\nexit\n`);
    await this.#shell.ended();
  }
}
