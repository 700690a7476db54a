/** A chat in plain lines: in a pipe, for a script, or where nothing can be drawn. */
import { AbortLink } from "../../../abortLink.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName } from "../../../sanitise.js";
import { DirectMessages, waitingText } from "../../chat/directMessages.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { sayPiped } from "../../pipedLines.js";
import { ReadMarks } from "../../readMarks.js";
import { undelivered } from "../../undelivered.js";
import { isWanted } from "../../verifiedOnly.js";
import type { Partner } from "./partner.js";

export interface LinesChat {
  readonly partner: Partner;
  readonly isByDaemon: boolean;
}

/** Until the end of the input, or until we are interrupted. */
export async function chatInLines(
  { isByDaemon, partner }: LinesChat,
  api: Api,
  context: CommandContext,
): Promise<number> {
  const { printer, stderr } = context;
  const leaving = new AbortLink(context.signal);
  const { signal } = leaving;
  const marks = ReadMarks.of(api, context);
  const messages = new DirectMessages(api, context, isByDaemon);
  let saying: Promise<number> | undefined;
  try {
    for await (const line of api.stream("events", {}, { signal })) {
      if (line.type === "ready") {
        await printer.line(line);
        const who = sanitiseName(partner.ref.name);
        if (!printer.forScripts) await stderr.line(`talking with ${who}`);
        const sayIt = (text: string): Promise<void> => say(text, partner, messages, context);
        saying ??= sayPiped(context, signal, sayIt, EXIT.usage).finally(() => leaving.abort());
        // Awaited below; a rejection before that is not unhandled.
        saying.catch(() => undefined);
      }
      if (line.type === "delivery") messages.told(line);
      if (!isWanted(line, context)) continue;
      if (line.type === "message" && partner.isFrom(line)) {
        await printer.line(line);
        marks.shown(line);
      } else if (line.type === "presence" && line.group === null && partner.is(line.peer)) {
        await printer.line(line);
      } else if (line.type === "delivery" && printer.forScripts && partner.is(line.to)) {
        await printer.progress(line);
      } else if (line.type === "warning") {
        if (printer.forScripts) await printer.line(line);
        else await stderr.line(sanitiseName(`udpchat: ${line.message}`));
      }
    }
  } finally {
    leaving.abort();
    await marks.close();
  }
  const code = (await saying) ?? EXIT.done;
  const { queued } = messages;
  if (queued > 0 && !isByDaemon) await stderr.line(waitingText(queued));
  return code;
}

async function say(
  text: string,
  partner: Partner,
  messages: DirectMessages,
  { printer }: CommandContext,
): Promise<void> {
  const delivery = await messages.send(partner.target, text);
  partner.answered(delivery.to);
  // That it arrived goes without saying, but to a script.
  const { status } = delivery;
  if (printer.forScripts || status === "queued") await printer.line(delivery);
  if (status !== "undelivered") return;
  throw undelivered(delivery, messages.timeoutMs, "let it wait, with `udpchat start`");
}
