import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { LateLines } from "../../lateLines.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";
import { remarkWhereWeAre } from "../../whereWeAre.js";

export async function handle(_args: GlobalArgs, context: CommandContext): Promise<number> {
  const { printer, signal, stderr } = context;
  const own = { receives: true, keeps: true, showsWarnings: true };
  return await withApi(context, own, async (api) => {
    const marks = ReadMarks.of(api, context);
    const late = LateLines.of(context);
    try {
      for await (const line of api.stream("events", {}, { signal })) {
        if (!isWanted(line, context)) continue;
        if (line.type === "ready") await remarkWhereWeAre("listening", api, context);
        if (line.type === "warning" && !printer.forScripts) {
          await stderr.line(sanitiseName(`udpchat: ${line.message}`));
        } else if (line.type === "delivery") {
          await printer.progress(line);
        } else if (line.type !== "message" || late?.holds(line) !== true) {
          await printer.line(line);
          if (line.type === "message") marks.shown(line);
        }
      }
    } finally {
      await late?.close();
      await marks.close();
    }
    return EXIT.done;
  });
}
