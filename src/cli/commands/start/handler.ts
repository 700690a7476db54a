import { daemonAnswers } from "../../../api/client.js";
import type { StatusLine } from "../../../api/lines.js";
import { startDaemon } from "../../../daemon/start.js";
import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { remarkAbsentInterface } from "../../interfaces.js";
import { flagWords, readFlags } from "../../settings.js";

export async function handle(args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, stdout } = context;
  await remarkAbsentInterface(context);
  const status = (await startService(context)) ?? (await startInBackground(args, context));
  if (printer.forScripts) await printer.line(status);
  else await stdout.line(runningText(status));
  return EXIT.done;
}

/**
 * Where a service is installed there is one way to start the daemon, and it is looked after.
 * Undefined where none is; one that runs already is told of as any other.
 */
async function startService(context: CommandContext): Promise<StatusLine | undefined> {
  const { paths, signal } = context;
  if (await daemonAnswers(paths.socket)) return undefined;
  const [{ serviceOf }, { untilReady }] = await Promise.all([
    import("../service/program.js"),
    import("../service/handler.js"),
  ]);
  const service = serviceOf(context);
  if (service === undefined || !(await service.isInstalled())) return undefined;
  await service.start();
  await untilReady(context);
  return await withDaemon(context, (api) => api.call("status", {}, { signal }));
}

function startInBackground(args: GlobalArgs, { home, io, paths }: CommandContext) {
  return startDaemon({
    script: io.script,
    args: ["daemon", "--log-to-file", ...daemonFlags(args, home)],
    logFile: paths.logFile,
  });
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
