import { type LogEntry, LogReader } from "../../../daemon/logReader.js";
import { UdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { sinceTime } from "../../historyFilter.js";

export interface LogsArgs {
  readonly follow: boolean;
  readonly lines?: string | undefined;
  readonly since?: string | undefined;
}

const DEFAULT_LINES = 100;

/** @throws UdpchatError INVALID_ARGUMENT, HOME_UNUSABLE */
export async function handle(
  { follow, lines, since }: GlobalArgs & LogsArgs,
  context: CommandContext,
): Promise<number> {
  const { paths, printer, signal, stderr } = context;
  const sinceMs = since === undefined ? undefined : sinceTime(since, new Date()).getTime();
  const count = lines === undefined ? undefined : lineCount(lines);
  const reader = await LogReader.open(paths.logFile);
  try {
    const last = await reader.last({
      lines: count ?? (sinceMs === undefined ? DEFAULT_LINES : Number.POSITIVE_INFINITY),
      ...(sinceMs === undefined ? {} : { sinceMs }),
    });
    for (const entry of last) await print(entry, context);
    if (follow) {
      for await (const entry of reader.follow(signal)) await print(entry, context);
    } else if (last.length === 0 && !printer.forScripts) {
      await stderr.line(sanitiseName(`nothing is recorded in ${paths.logFile}`));
    }
  } finally {
    await reader.close();
  }
  return EXIT.done;
}

async function print({ line, recorded }: LogEntry, context: CommandContext): Promise<void> {
  const { io, printer, stdout } = context;
  if (printer.forScripts || io.isTTY.stdout) await printer.line(line);
  else await stdout.line(recorded);
}

function lineCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UdpchatError("INVALID_ARGUMENT", `--lines: "${text}" is not a number of lines`, {
    remedy: "write it as 50",
  });
}
