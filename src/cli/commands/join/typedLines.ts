import { clearLine, createInterface, cursorTo, type Interface } from "node:readline";
import type { CommandContext } from "../../context.js";

const PROMPT = "> ";

/** Lines of standard input until its end or the signal. On a terminal they can be edited. */
export async function* typedLines(
  context: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if (signal.aborted) return;
  const { io, printer, stdout, stderr } = context;
  const isEditor = io.isTTY.stdin && io.isTTY.stdout && !printer.forScripts;
  const lines = createInterface({
    input: io.stdin,
    crlfDelay: Number.POSITIVE_INFINITY,
    signal,
    terminal: isEditor,
    ...(isEditor ? { output: io.stdout, prompt: PROMPT } : {}),
  });
  if (isEditor) keepPromptBelow(lines, context);
  try {
    for await (const line of lines) {
      yield line;
      if (isEditor) lines.prompt();
    }
  } finally {
    stdout.keepBelow(undefined);
    stderr.keepBelow(undefined);
    lines.close();
    if (isEditor) clearPrompt(context);
  }
}

function keepPromptBelow(lines: Interface, context: CommandContext): void {
  const { interruption, stdout, stderr } = context;
  const bottom = { hide: () => clearPrompt(context), show: () => lines.prompt(true) };
  stdout.keepBelow(bottom);
  stderr.keepBelow(bottom);
  // The terminal is in raw mode: Ctrl-C comes as a key, not as a signal.
  lines.on("SIGINT", () => interruption.interrupt());
  lines.prompt();
}

function clearPrompt({ io }: CommandContext): void {
  cursorTo(io.stdout, 0);
  clearLine(io.stdout, 0);
}
