import { toErrorLine } from "../../../api/toLines.js";
import type { Daemon } from "../../../daemon/daemon.js";
import { reportToParent } from "../../../daemon/parent.js";
import { messengerOptions } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { remarkAbsentInterface } from "../../interfaces.js";
import { loadSettings, type Settings } from "../../settings.js";

export interface DaemonArgs {
  readonly logToFile: boolean;
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
  const { io, paths, settings } = context;
  try {
    // Not before: whoever started us in the background is told if it cannot even be loaded.
    const { runDaemon } = await import("../../../daemon/daemon.js");
    return await runDaemon({
      paths,
      messengerOptions: messengerOptions(context),
      ...hooksOf(settings),
      settings: {
        atStart: ofTheDaemon(settings),
        read: async () => {
          const latest = await loadSettings(args, io.env, paths.configFile);
          const { home } = context;
          return {
            values: ofTheDaemon(latest),
            messengerOptions: messengerOptions({ home, settings: latest }),
            ...hooksOf(latest),
          };
        },
      },
      log: {
        ...(args.logToFile ? { file: paths.logFile } : { pretty: io.isTTY.stderr }),
        level: args.verbose ? "debug" : "info",
      },
    });
  } catch (error) {
    await reportToParent({ error: toErrorLine(error) });
    throw error;
  }
}

function hooksOf({ hooks }: Settings): Pick<Settings, "hooks"> {
  return hooks === undefined ? {} : { hooks };
}

/** Each command reads for itself how long it waits. */
function ofTheDaemon({ timeout: _timeout, ...values }: Settings): Omit<Settings, "timeout"> {
  return values;
}
