import { AbortLink } from "../../../abortLink.js";
import type { Api, Output } from "../../../api/operations.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi, withDaemon } from "../../backend.js";
import { notifyKindOf } from "../../chat/notifyKind.js";
import { canBeDrawnOn } from "../../chat/window.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { LateLines } from "../../lateLines.js";
import { sayPiped } from "../../pipedLines.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";
import {
  chatLines,
  type JoinInput,
  pendingInvitations,
  remarkInvitations,
  remarkWhoReads,
} from "./membership.js";
import { askedInput, type SecretInput, secretInput } from "./passphrase.js";

export interface JoinArgs extends FormatArgs {
  readonly group: string;
  readonly detach: boolean;
  readonly secret: boolean;
  readonly passphraseFile?: string | undefined;
  readonly notify?: string | undefined;
}

export async function handle(args: JoinArgs, given: CommandContext): Promise<number> {
  const context = await withFormat(args, "join", given);
  const notify = notifyKindOf(args.notify);
  const input = { group: args.group, ...(await secretInput(args, context)) };
  if (args.detach) return await withDaemon(context, (api) => stand(input, api, context));
  if (!canBeDrawnOn(context)) {
    const own = { receives: false, keeps: true };
    return await withApi(context, own, (api) => chat(input, api, context));
  }
  const { chatOnTerminal } = await import("./terminal.js");
  // There a person is shown what others say to him alone.
  const own = { receives: true, keeps: true };
  return await withApi(context, own, (api, by) =>
    chatOnTerminal({ input, notify, isByDaemon: by === "daemon" }, api, context),
  );
}

async function stand(input: JoinInput, api: Api, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  const join = (asked: SecretInput): Promise<Output<"join">> =>
    api.call("join", { ...input, ...asked }, { signal });
  const pending = await pendingInvitations(input, api);
  const joined = await join(input).catch(async (thrown: unknown) =>
    join(await askedInput(thrown, input.group, input, context)),
  );
  await remarkWhoReads(joined, "", context);
  await remarkInvitations(pending, joined, api, context);
  await printer.line(joined);
  return EXIT.done;
}

/** Until the end of the input, until we are interrupted, or until somebody removes us. */
async function chat(input: JoinInput, api: Api, context: CommandContext): Promise<number> {
  const { io, printer } = context;
  const leaving = new AbortLink(context.signal);
  const { signal } = leaving;
  const pending = await pendingInvitations(input, api);
  const marks = ReadMarks.of(api, context);
  const late = LateLines.of(context);
  let saying: Promise<number> | undefined;
  let label = "";
  let removed = false;
  try {
    for await (const line of chatLines(input, api, context, signal)) {
      if (line.type === "group" && saying === undefined) {
        label = line.group;
        const isTyped = io.isTTY.stdin && io.isTTY.stdout && !printer.forScripts;
        await remarkWhoReads(line, isTyped ? "; Ctrl-D leaves" : "", context);
        await remarkInvitations(pending, line, api, context);
        const say = async (text: string): Promise<void> => {
          await api.call("say", { group: label, text });
        };
        // What a log held too much of is left out, and that was told.
        saying = sayPiped(context, signal, say, undefined).finally(() => leaving.abort());
        // Awaited below; a rejection before that is not unhandled.
        saying.catch(() => undefined);
      }
      if (!isWanted(line, context)) continue;
      removed ||= line.type === "warning" && line.code === "GROUP_REMOVED" && line.group === label;
      if (line.type === "warning" && !printer.forScripts) {
        await context.stderr.line(sanitiseName(`udpchat: ${line.message}`));
      } else if (line.type !== "message" || late?.holds(line) !== true) {
        await printer.line(line);
        if (line.type === "message") marks.shown(line);
      }
    }
  } finally {
    leaving.abort();
    await late?.close();
    await marks.close();
  }
  const code = (await saying) ?? EXIT.done;
  return removed ? EXIT.refused : code;
}
