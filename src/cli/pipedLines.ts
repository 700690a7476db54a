import { toUdpchatError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { reportError } from "./errorReport.js";
import { EXIT, exitCodeOf } from "./exitCodes.js";
import { type TextLine, textLines } from "./textLines.js";

/**
 * Says the lines of standard input one after the other, until its end or the signal, and resolves
 * with the exit code: that of the last line that failed, or `leftOut` for one that nobody could take
 * (undefined: that is no failure). Such a line does not end the chat; empty ones are passed over.
 */
export async function sayPiped(
  context: CommandContext,
  signal: AbortSignal,
  say: (text: string) => Promise<void>,
  leftOut: number | undefined,
): Promise<number> {
  const { args, printer, stderr } = context;
  let code: number = EXIT.done;
  for await (const line of pipedLines(context, signal)) {
    if ("error" in line) {
      await stderr.line(`udpchat: ${line.error}`);
      code = leftOut ?? code;
      continue;
    }
    if (line.text.trim() === "") continue;
    try {
      await say(line.text);
    } catch (thrown) {
      const error = toUdpchatError(thrown);
      await reportError(error, { stderr, printer, verbose: args.verbose });
      code = error.code === "MESSAGE_TOO_LARGE" ? (leftOut ?? code) : exitCodeOf(error.code);
    }
  }
  return code;
}

async function* pipedLines(
  { io }: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<TextLine, void, undefined> {
  if (signal.aborted) return;
  const input = io.stdin;
  const abort = (): unknown => input.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    yield* textLines(input);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
