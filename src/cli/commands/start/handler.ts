import type { StatusLine } from "../../../api/lines.js";
import { startDaemon } from "../../../daemon/start.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { remarkAbsentInterface } from "../../interfaces.js";
import { flagWords, readFlags } from "../../settings.js";

export async function handle(args: GlobalArgs, context: CommandContext): Promise<number> {
  const { io, paths, printer, stdout } = context;
  await remarkAbsentInterface(context);
  const status = await startDaemon({
    script: io.script,
    args: ["daemon", "--background", ...daemonFlags(args, context.home)],
    logFile: paths.logFile,
  });
  if (printer.forScripts) await printer.line(status);
  else await stdout.line(runningText(status));
  return EXIT.done;
}

function runningText(status: StatusLine): string {
  const taken = status.portTaken ? " (the wanted port was taken)" : "";
  return `running: pid ${status.pid}, port ${status.port}${taken}`;
}

/** What was said on this command line; environment and file reach the daemon by themselves. */
function daemonFlags(args: GlobalArgs, home: string | undefined): string[] {
  return [
    ...(home === undefined ? [] : [`--home=${home}`]),
    ...(args.verbose ? ["--verbose"] : []),
    ...flagWords(readFlags(args)),
  ];
}
