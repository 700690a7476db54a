import { createInterface } from "node:readline";
import type { CommandContext } from "../../context.js";

/** Asks on the terminal; anything but `y` or `yes` is a no, and so is the end of the input. */
export async function answersYes(question: string, context: CommandContext): Promise<boolean> {
  const { interruption, io, signal } = context;
  const lines = createInterface({ input: io.stdin, output: io.stdout, terminal: true, signal });
  // The terminal is in raw mode: Ctrl-C comes as a key, not as a signal.
  lines.on("SIGINT", () => interruption.interrupt());
  try {
    return await new Promise<boolean>((resolve) => {
      lines.once("close", () => resolve(false));
      lines.question(question, (answer) => resolve(/^\s*y(es)?\s*$/i.test(answer)));
    });
  } finally {
    lines.close();
  }
}
