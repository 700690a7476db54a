import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { qrCode } from "./qrCode.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { io, printer, signal, stdout } = context;
  const line = await withApi(context, { receives: false }, (api) => api.call("id", {}, { signal }));
  await printer.line(line);
  if (printer.forScripts || !io.isTTY.stdout) return EXIT.done;
  await stdout.line(line.fingerprint);
  await stdout.line(await qrCode(`udpchat:${line.id}`, io.env));
  return EXIT.done;
}
