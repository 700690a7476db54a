import { AbortLink } from "../../../abortLink.js";
import type { RequestLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { toUdpchatError } from "../../../errors.js";
import { WorkQueue } from "../../../programs/workQueue.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { errorSentence } from "../../errorReport.js";
import { checkedCommand, type ExecArgs, type ExecOptions, execOptions } from "../../execOptions.js";
import { EXIT } from "../../exitCodes.js";
import { remarkWhereWeAre } from "../../whereWeAre.js";
import { type Outcome, runAnswerer } from "./answerer.js";

export interface ServeArgs extends ExecArgs {
  readonly exec: string;
}

/** Requests that wait for their turn; who asks when so many do is told at once. */
const MAX_WAITING = 1000;

/** Answers requests until we are interrupted, or a newer `serve` gets them. */
export async function handle(args: ServeArgs, context: CommandContext): Promise<number> {
  const command = checkedCommand(args.exec, "udpchat serve --exec 'uptime'");
  const options = execOptions(args, context);
  const { printer, settings } = context;
  const { requireVerified = false } = settings;
  return await withApi(context, { receives: true }, async (api) => {
    const ending = new AbortLink(context.signal);
    const { signal } = ending;
    const desk = new Desk(command, options, api, { ...context, signal });
    try {
      for await (const line of api.stream("requests", { requireVerified }, { signal })) {
        if (line.type === "ready") await remarkWhereWeAre("serving", api, context);
        await printer.line(line);
        if (line.type === "request") await desk.take(line);
      }
    } finally {
      // Whoever still waits for an answer was told that none comes.
      ending.abort();
      await desk.close();
    }
    return EXIT.done;
  });
}

/** Answers requests by running the command. */
class Desk {
  readonly #command: string;
  readonly #options: ExecOptions;
  readonly #api: Api;
  readonly #context: CommandContext;
  readonly #queue: WorkQueue;

  constructor(command: string, options: ExecOptions, api: Api, context: CommandContext) {
    this.#command = command;
    this.#options = options;
    this.#api = api;
    this.#context = context;
    this.#queue = new WorkQueue({ concurrency: options.concurrency, maxWaiting: MAX_WAITING });
  }

  async take(request: RequestLine): Promise<void> {
    if (this.#queue.offer(() => this.#answer(request))) return;
    await this.#reply(request, { error: `${MAX_WAITING} requests wait already: ask again later` });
  }

  /** Resolves when nothing runs any more. */
  close(): Promise<void> {
    return this.#queue.idle();
  }

  async #answer(request: RequestLine): Promise<void> {
    const { signal } = this.#context;
    const { env, timeLimitMs } = this.#options;
    const outcome = await runAnswerer(this.#command, request, { env, signal, timeLimitMs });
    await this.#reply(request, outcome);
  }

  async #reply({ id }: RequestLine, outcome: Outcome): Promise<void> {
    const { printer, signal, stderr } = this.#context;
    if (signal.aborted) return;
    if ("error" in outcome) {
      await stderr.line(sanitiseName(`udpchat: request ${id}: ${outcome.error}`));
    }
    try {
      await printer.line(await this.#api.call("answer", { id, ...outcome }));
    } catch (thrown) {
      // Whoever asked has given up: the next request may come.
      if (!signal.aborted) await stderr.line(errorSentence(toUdpchatError(thrown)));
    }
  }
}
