import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface LeaveArgs {
  readonly group: string;
}

export async function handle({ group }: LeaveArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  await printer.line(await withDaemon(context, (api) => api.call("leave", { group }, { signal })));
  return EXIT.done;
}
