import type { EventLine, ResyncLine, WarningLine } from "../../../api/lines.js";
import { UdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { checkedCommand, type ExecArgs, execOptions } from "../../execOptions.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { LateLines } from "../../lateLines.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";
import { remarkWhereWeAre } from "../../whereWeAre.js";
import { MessageRunner } from "./messageRunner.js";

export interface ListenArgs extends ExecArgs, FormatArgs {
  readonly exec?: string | undefined;
  readonly stdin?: string | undefined;
}

export async function handle(args: ListenArgs, given: CommandContext): Promise<number> {
  assertFit(args);
  const context = await withFormat(args, "listen", given);
  const runner = runnerOf(args, context);
  const { printer, signal } = context;
  const own = { receives: true, keeps: true, showsWarnings: true };
  return await withApi(context, own, async (api) => {
    const shown = new Shown(ReadMarks.of(api, context), LateLines.of(context), context);
    try {
      for await (const line of api.stream("events", {}, { signal })) {
        if (!isWanted(line, context)) continue;
        if (line.type === "ready") await remarkWhereWeAre("listening", api, context);
        if (line.type === "message") await runner?.take(line);
        // Where programs print, we print JSON lines only; people are told what they must know.
        if (runner === undefined || printer.forScripts) await shown.line(line);
        else if (isRemark(line)) await remark(line, context);
      }
    } finally {
      await runner?.close();
      await shown.close();
    }
    return EXIT.done;
  });
}

/** What goes to the screen or the pipe. */
class Shown {
  readonly #marks: ReadMarks;
  readonly #late: LateLines | undefined;
  readonly #context: CommandContext;

  constructor(marks: ReadMarks, late: LateLines | undefined, context: CommandContext) {
    this.#marks = marks;
    this.#late = late;
    this.#context = context;
  }

  async line(line: EventLine): Promise<void> {
    const { printer } = this.#context;
    if (line.type === "warning" && !printer.forScripts) {
      await remark(line, this.#context);
    } else if (line.type === "delivery") {
      await printer.progress(line);
    } else if (line.type !== "message" || this.#late?.holds(line) !== true) {
      await printer.line(line);
      if (line.type === "message") this.#marks.shown(line);
    }
  }

  async close(): Promise<void> {
    await this.#late?.close();
    await this.#marks.close();
  }
}

/** What whoever listens should know of the listening itself. */
function isRemark(line: EventLine): line is WarningLine | ResyncLine {
  return line.type === "warning" || line.type === "resync";
}

async function remark(
  { message }: WarningLine | ResyncLine,
  { stderr }: CommandContext,
): Promise<void> {
  await stderr.line(sanitiseName(`udpchat: ${message}`));
}

/** @throws UdpchatError INVALID_ARGUMENT, INVALID_DURATION */
function runnerOf(
  { exec, stdin, ...args }: ListenArgs,
  context: CommandContext,
): MessageRunner | undefined {
  if (exec === undefined) return undefined;
  const command = checkedCommand(exec, EXAMPLE);
  return new MessageRunner(
    { command, json: stdin === "json" },
    execOptions(args, context),
    context,
  );
}

const EXAMPLE = "udpchat listen --exec 'cat >> messages.txt'";

/** @throws UdpchatError INVALID_ARGUMENT for options that do not go together */
function assertFit({ exec, format, ...args }: ListenArgs): void {
  const option = exec === undefined ? execOnly(args) : undefined;
  if (option !== undefined) {
    throw new UdpchatError("INVALID_ARGUMENT", `${option} goes with --exec alone`, {
      remedy: EXAMPLE,
    });
  }
  if (exec !== undefined && format !== undefined) {
    throw new UdpchatError("INVALID_ARGUMENT", "--format does not go with --exec", {
      remedy: "print what you want from the command itself",
    });
  }
}

function execOnly({ stdin, concurrency, timeLimit }: ListenArgs): string | undefined {
  if (stdin !== undefined) return "--stdin";
  if (concurrency !== undefined) return "--concurrency";
  return timeLimit === undefined ? undefined : "--time-limit";
}
