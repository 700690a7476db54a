import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

/** @throws UdpchatError DAEMON_NOT_RUNNING, and what the daemon finds wrong */
export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  await printer.line(await withDaemon(context, (api) => api.call("reload", {}, { signal })));
  return EXIT.done;
}
