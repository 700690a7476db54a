import { toUdpchatError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { reportError } from "./errorReport.js";
import { EXIT, exitCodeOf } from "./exitCodes.js";
import { textLines } from "./textLines.js";

/**
 * Says the lines of standard input one after the other, until its end or the signal, and resolves
 * with the exit code. A line that fails does not end the chat; empty ones are passed over.
 */
export async function sayPiped(
  context: CommandContext,
  signal: AbortSignal,
  say: (text: string) => Promise<void>,
): Promise<number> {
  const { args, printer, stderr } = context;
  let code: number = EXIT.done;
  for await (const text of pipedLines(context, signal)) {
    if (text.trim() === "") continue;
    try {
      await say(text);
    } catch (thrown) {
      const error = toUdpchatError(thrown);
      await reportError(error, { stderr, printer, verbose: args.verbose });
      // A line that nobody can take is left out, and that was said.
      if (error.code !== "MESSAGE_TOO_LARGE") code = exitCodeOf(error.code);
    }
  }
  return code;
}

async function* pipedLines(
  { io, stderr }: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if (signal.aborted) return;
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
