import { stopDaemon } from "../../../daemon/stop.js";
import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { paths, printer } = context;
  const { pid } = await withDaemon(context, () => stopDaemon({ socket: paths.socket }), {
    remedy: undefined,
  });
  await printer.line({ type: "stopped", pid });
  return EXIT.done;
}
