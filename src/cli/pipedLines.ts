import type { CommandContext } from "./context.js";
import { textLines } from "./textLines.js";

/** Lines of standard input as they come, until its end or the signal. */
export async function* pipedLines(
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
