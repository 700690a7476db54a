import type { MessageLine } from "../../../api/lines.js";
import { lineEnvironment } from "../../../programs/environment.js";
import { runProgram } from "../../../programs/program.js";
import { WorkQueue } from "../../../programs/workQueue.js";
import { sanitiseName, toJson } from "../../../sanitise.js";
import type { CommandContext } from "../../context.js";
import type { ExecOptions } from "../../execOptions.js";

/** What is run for each message. */
export interface MessageCommand {
  /** For the shell. */
  readonly command: string;
  /** It reads the whole line as JSON instead of the text. */
  readonly json: boolean;
}

/** Messages that wait for their turn; while there are more, no event is read. */
const MAX_WAITING = 100;

/**
 * Runs the command for messages, in the order in which they came. What it prints goes where our own
 * lines would go: with `--json`, where these are of another kind, to standard error.
 */
export class MessageRunner {
  readonly #command: MessageCommand;
  readonly #options: ExecOptions;
  readonly #context: CommandContext;
  readonly #queue: WorkQueue;

  constructor(command: MessageCommand, options: ExecOptions, context: CommandContext) {
    this.#command = command;
    this.#options = options;
    this.#context = context;
    this.#queue = new WorkQueue({ concurrency: options.concurrency, maxWaiting: MAX_WAITING });
  }

  /** Resolves once it runs or has a place in the queue. */
  async take(message: MessageLine): Promise<void> {
    await this.#queue.add(() => this.#run(message));
  }

  /** Resolves when the command has ended for all that were taken. */
  close(): Promise<void> {
    return this.#queue.idle();
  }

  async #run(message: MessageLine): Promise<void> {
    const { printer, signal, stderr, stdout } = this.#context;
    const { env, timeLimitMs } = this.#options;
    const { command, json } = this.#command;
    const prints = printer.forScripts ? stderr : stdout;
    const end = await runProgram(
      { shell: command },
      {
        input: json ? `${toJson(message)}\n` : message.text,
        env: { ...env, ...lineEnvironment(message) },
        signal,
        timeLimitMs,
        stdout: (bytes) => prints.write(bytes),
        stderr: (bytes) => stderr.write(bytes),
      },
    );
    if (end.kind === "done" || signal.aborted) return;
    const which = message.id === null ? "plain message" : `message ${message.id}`;
    await stderr.line(sanitiseName(`udpchat: ${which}: ${end.reason}`));
  }
}
