import { UdpchatError } from "../../../errors.js";
import { withHistory } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface OutboxArgs {
  /** `drop` is the only one. */
  readonly action?: string | undefined;
  readonly id?: string | undefined;
}

/** @throws UdpchatError NO_SUCH_MESSAGE */
export async function handle({ action, id }: OutboxArgs, context: CommandContext): Promise<number> {
  const { printer, signal, stderr } = context;
  if (action !== undefined && (id === undefined || id === "")) {
    throw new UdpchatError("INVALID_ARGUMENT", "ID is missing", {
      remedy: "udpchat outbox drop ID",
    });
  }
  return await withHistory(context, async (history) => {
    if (id !== undefined) {
      await printer.dropped(await history.call("dropQueued", { id }, { signal }));
      return EXIT.done;
    }
    const queued = await history.call("outbox", {}, { signal });
    await printer.outbox(queued);
    if (queued.length === 0 && !printer.forScripts) await stderr.line("nothing is queued");
    return EXIT.done;
  });
}
