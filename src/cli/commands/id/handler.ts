import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  await printer.line(
    await withApi(context, { receives: false }, (api) => api.call("id", {}, { signal })),
  );
  return EXIT.done;
}
