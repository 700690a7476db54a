import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, signal, stderr } = context;
  const lines = await withDaemon(context, (api) => api.call("groups", {}, { signal }));
  const groups = lines.filter((line) => line.type === "group");
  await printer.groups(groups);
  if (groups.length === 0 && !printer.forScripts) await stderr.line("in no group");
  for (const line of lines) if (line.type === "invitation") await printer.line(line);
  return EXIT.done;
}
