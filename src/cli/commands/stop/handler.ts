import type { StoppingLine } from "../../../api/lines.js";
import { stopDaemon } from "../../../daemon/stop.js";
import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { paths, printer, signal } = context;
  const stopping = (): Promise<StoppingLine> => stopDaemon({ socket: paths.socket, signal });
  const { pid } = await withDaemon(context, stopping, { remedy: "there is nothing to stop" });
  await printer.line({ type: "stopped", pid });
  return EXIT.done;
}
