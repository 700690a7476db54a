import type { Api } from "../../../api/operations.js";
import { toUdpchatError } from "../../../errors.js";
import { withApi, withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { reportError } from "../../errorReport.js";
import { EXIT, exitCodeOf } from "../../exitCodes.js";
import { isTyped, typedLines } from "./typedLines.js";

export interface JoinArgs {
  readonly group: string;
  readonly detach: boolean;
}

const OPEN_GROUP = "anyone on this network can read this group";

export async function handle(
  { group, detach }: JoinArgs,
  context: CommandContext,
): Promise<number> {
  if (!detach)
    return await withApi(context, { receives: false }, (api) => chat(group, api, context));
  const { printer, signal, stderr } = context;
  const joined = await withDaemon(context, (api) => api.call("join", { group }, { signal }));
  await stderr.line(OPEN_GROUP);
  await printer.line(joined);
  return EXIT.done;
}

/** Until the end of the input, or until we are interrupted. */
async function chat(group: string, api: Api, context: CommandContext): Promise<number> {
  const { printer, stderr } = context;
  const leaving = new AbortController();
  const signal = AbortSignal.any([context.signal, leaving.signal]);
  let saying: Promise<number> | undefined;
  try {
    for await (const line of api.stream("chat", { group }, { signal })) {
      if (line.type === "group" && saying === undefined) {
        await stderr.line(isTyped(context) ? `${OPEN_GROUP}; Ctrl-D leaves` : OPEN_GROUP);
        saying = sayTyped(line.group, api, context, signal).finally(() => leaving.abort());
        // Awaited below; a rejection before that is not unhandled.
        saying.catch(() => undefined);
      }
      await printer.line(line);
    }
  } finally {
    leaving.abort();
  }
  return (await saying) ?? EXIT.done;
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
