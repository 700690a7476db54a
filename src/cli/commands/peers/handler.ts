import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";

export async function handle(args: FormatArgs, given: CommandContext): Promise<number> {
  const context = await withFormat(args, "peers", given);
  const { printer, signal, stderr } = context;
  const peers = await withDaemon(context, (api) => api.call("peers", {}, { signal }));
  await printer.peers(peers);
  if (peers.length === 0 && !printer.forScripts) await stderr.line("nobody is known yet");
  return EXIT.done;
}
