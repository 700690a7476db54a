import { AbortLink } from "../../../abortLink.js";
import type { ChatLine, GroupLine, InvitationLine } from "../../../api/lines.js";
import type { Api, Output } from "../../../api/operations.js";
import { toUdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi, withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { reportError } from "../../errorReport.js";
import { EXIT, exitCodeOf } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { LateLines } from "../../lateLines.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";
import { askedInput, type SecretInput, secretInput } from "./passphrase.js";
import { isTyped, typedLines } from "./typedLines.js";

export interface JoinArgs extends FormatArgs {
  readonly group: string;
  readonly detach: boolean;
  readonly secret: boolean;
  readonly passphraseFile?: string | undefined;
}

const OPEN_GROUP = "anyone on this network can read this group";
const SECRET_GROUP =
  "only who has the key can read this group; that you use it, anyone on this network can see";

export async function handle(args: JoinArgs, given: CommandContext): Promise<number> {
  const context = await withFormat(args, "join", given);
  const input = { group: args.group, ...(await secretInput(args, context)) };
  if (args.detach) return await withDaemon(context, (api) => stand(input, api, context));
  const own = { receives: false, keeps: true };
  return await withApi(context, own, (api) => chat(input, api, context));
}

type JoinInput = SecretInput & { readonly group: string };

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
  const { printer } = context;
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
        await remarkWhoReads(line, isTyped(context) ? "; Ctrl-D leaves" : "", context);
        await remarkInvitations(pending, line, api, context);
        saying = sayTyped(label, api, context, signal).finally(() => leaving.abort());
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

/** Asks for the passphrase if it is that which is missing. */
async function* chatLines(
  input: JoinInput,
  api: Api,
  context: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<ChatLine, void, undefined> {
  let asked: SecretInput;
  try {
    yield* api.stream("chat", input, { signal });
    return;
  } catch (thrown) {
    asked = await askedInput(thrown, input.group, input, context);
  }
  yield* api.stream("chat", { ...input, ...asked }, { signal });
}

function remarkWhoReads(
  { secret }: GroupLine,
  more: string,
  { stderr }: CommandContext,
): Promise<void> {
  return stderr.line(`${secret ? SECRET_GROUP : OPEN_GROUP}${more}`);
}

async function pendingInvitations(
  { secret, passphrase }: JoinInput,
  api: Api,
): Promise<InvitationLine[]> {
  if (secret !== true || passphrase !== undefined) return [];
  const lines = await api.call("groups", {});
  return lines.filter((line) => line.type === "invitation");
}

/** Anybody can invite to a group of any name: whose key it is, is to be seen. */
async function remarkInvitations(
  pending: readonly InvitationLine[],
  { group }: GroupLine,
  api: Api,
  { stderr }: CommandContext,
): Promise<void> {
  const ours = pending.filter((line) => line.group === group);
  if (ours.length === 0) return;
  const left = await api.call("groups", {});
  if (left.some((line) => line.type === "invitation" && line.group === group)) return;
  const names = ours.map(({ from }) => `${from.name} (${from.address}:${from.port})`);
  await stderr.line(sanitiseName(`invited by ${names.join(", ")}`));
}

/** One after the other, in the order of typing; a line that fails does not end the chat. */
async function sayTyped(
  group: string,
  api: Api,
  context: CommandContext,
  signal: AbortSignal,
): Promise<number> {
  const { args, printer, stderr } = context;
  let code: number = EXIT.done;
  for await (const text of typedLines(context, signal)) {
    if (text.trim() === "") continue;
    try {
      await api.call("say", { group, text });
    } catch (thrown) {
      const error = toUdpchatError(thrown);
      await reportError(error, { stderr, printer, verbose: args.verbose });
      // A line that no group can take is left out, and that was said.
      if (error.code !== "MESSAGE_TOO_LARGE") code = exitCodeOf(error.code);
    }
  }
  return code;
}
