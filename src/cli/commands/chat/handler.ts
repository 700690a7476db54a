import { withApi } from "../../backend.js";
import { notifyKindOf } from "../../chat/notifyKind.js";
import { canBeDrawnOn } from "../../chat/window.js";
import type { CommandContext } from "../../context.js";
import { Partner } from "./partner.js";

export interface ChatArgs {
  readonly target: string;
  readonly notify?: string | undefined;
}

export async function handle(args: ChatArgs, context: CommandContext): Promise<number> {
  const notify = notifyKindOf(args.notify);
  const own = { receives: true, keeps: true, showsWarnings: true };
  return await withApi(context, own, async (api, by) => {
    const partner = await Partner.find(args.target, api, context);
    if (!canBeDrawnOn(context)) {
      const { chatInLines } = await import("./lines.js");
      return await chatInLines({ partner, isByDaemon: by === "daemon" }, api, context);
    }
    const { chatOnTerminal } = await import("./terminal.js");
    return await chatOnTerminal({ partner, notify, isByDaemon: by === "daemon" }, api, context);
  });
}
