import { toErrorLine } from "../../../api/toLines.js";
import { type Daemon, runDaemon } from "../../../daemon/daemon.js";
import { reportToParent } from "../../../daemon/parent.js";
import { messengerOptions } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { remarkAbsentInterface } from "../../interfaces.js";

export interface DaemonArgs {
  readonly background: boolean;
}

export async function handle(
  args: GlobalArgs & DaemonArgs,
  context: CommandContext,
): Promise<number> {
  const { interruption, printer } = context;
  await remarkAbsentInterface(context);
  const daemon = await runOrReport(args, context);
  await reportToParent({ ready: daemon.status });
  // From here on the daemon sees to signals itself: being asked to stop is its normal end.
  if (interruption.interrupted) await daemon.stop();
  else interruption.dispose();
  if (printer.forScripts) await printer.line(daemon.status);
  await daemon.stopped;
  return EXIT.done;
}

async function runOrReport(
  args: GlobalArgs & DaemonArgs,
  context: CommandContext,
): Promise<Daemon> {
  const { io, paths } = context;
  try {
    return await runDaemon({
      paths,
      messengerOptions: messengerOptions(context),
      log: {
        ...(args.background ? { file: paths.logFile } : { pretty: io.isTTY.stderr }),
        level: args.verbose ? "debug" : "info",
      },
    });
  } catch (error) {
    await reportToParent({ error: toErrorLine(error) });
    throw error;
  }
}
