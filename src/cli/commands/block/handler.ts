import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface BlockArgs {
  readonly target?: string | undefined;
}

export async function handle({ target }: BlockArgs, context: CommandContext): Promise<number> {
  const { printer, signal, stderr } = context;
  return await withApi(context, { receives: false }, async (api) => {
    if (target !== undefined) {
      await printer.line(await api.call("block", { target }, { signal }));
      return EXIT.done;
    }
    const blocked = await api.call("blocked", {}, { signal });
    for (const line of blocked) await printer.line(line);
    if (blocked.length === 0 && !printer.forScripts) await stderr.line("nobody is blocked");
    return EXIT.done;
  });
}
