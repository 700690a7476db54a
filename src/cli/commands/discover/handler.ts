import { UdpchatError } from "../../../errors.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { timeoutInput } from "../../timeoutInput.js";

/** @throws UdpchatError NOBODY */
export async function handle(args: FormatArgs, given: CommandContext): Promise<number> {
  const context = await withFormat(args, "discover", given);
  const { printer, signal } = context;
  return await withApi(context, { receives: false }, async (api) => {
    let answers = 0;
    for await (const peer of api.stream("discover", timeoutInput(context), { signal })) {
      answers += 1;
      await printer.line(peer);
    }
    if (answers === 0 && !signal.aborted) {
      throw new UdpchatError("NOBODY", "nobody answered", {
        remedy:
          "check that udpchat runs on other hosts of this network with the same " +
          "--discovery-port; `udpchat doctor` looks for what keeps them away",
      });
    }
    return EXIT.done;
  });
}
