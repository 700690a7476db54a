import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { remarkWhereWeAre } from "../../whereWeAre.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  return await withApi(context, { receives: true }, async (api) => {
    for await (const line of api.stream("events", {}, { signal })) {
      if (line.type === "ready") await remarkWhereWeAre("listening", api, context);
      await printer.line(line);
    }
    return EXIT.done;
  });
}
