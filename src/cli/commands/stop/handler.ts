import { stopDaemon } from "../../../daemon/stop.js";
import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { paths, printer } = context;
  await printer.line(await withDaemon(context, () => stopDaemon({ socket: paths.socket })));
  return EXIT.done;
}
