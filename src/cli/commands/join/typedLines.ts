import { clearLine, createInterface, cursorTo, type Interface } from "node:readline";
import type { CommandContext } from "../../context.js";
import { textLines } from "./textLines.js";

const PROMPT = "> ";

/** Whether lines are edited on a terminal; otherwise they come from a file or a program. */
export function isTyped({ io, printer }: CommandContext): boolean {
  return io.isTTY.stdin && io.isTTY.stdout && !printer.forScripts;
}

/** Lines of standard input until its end or the signal. On a terminal they can be edited. */
export async function* typedLines(
  context: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if (signal.aborted) return;
  if (isTyped(context)) yield* editedLines(context, signal);
  else yield* pipedLines(context, signal);
}

async function* pipedLines(
  { io, stderr }: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const input = io.stdin;
  const abort = (): unknown => input.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for await (const line of textLines(input)) {
      if ("text" in line) yield line.text;
      else await stderr.line(`udpchat: ${line.error}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function* editedLines(
  context: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { io, stdout, stderr } = context;
  const lines = createInterface({
    input: io.stdin,
    crlfDelay: Number.POSITIVE_INFINITY,
    signal,
    terminal: true,
    output: io.stdout,
    prompt: PROMPT,
  });
  keepPromptBelow(lines, context);
  try {
    for await (const line of lines) {
      yield line;
      lines.prompt();
    }
  } finally {
    stdout.keepBelow(undefined);
    stderr.keepBelow(undefined);
    lines.close();
    clearPrompt(context);
  }
}

function keepPromptBelow(lines: Interface, context: CommandContext): void {
  const { interruption, stdout, stderr } = context;
  const bottom = { hide: () => clearPrompt(context), show: () => lines.prompt(true) };
  stdout.keepBelow(bottom);
  stderr.keepBelow(bottom);
  // The terminal is in raw mode: Ctrl-C comes as a key, not as a signal.
  lines.on("SIGINT", () => interruption.interrupt());
  // Back from Ctrl-Z it is paused.
  lines.on("SIGCONT", () => lines.prompt(true));
  lines.prompt();
}

function clearPrompt({ io }: CommandContext): void {
  cursorTo(io.stdout, 0);
  clearLine(io.stdout, 0);
}
