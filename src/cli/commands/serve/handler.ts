import type { RequestLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { toUdpchatError, UdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { errorSentence } from "../../errorReport.js";
import { EXIT } from "../../exitCodes.js";
import { remarkWhereWeAre } from "../../whereWeAre.js";
import { runAnswerer } from "./answerer.js";

export interface ServeArgs {
  readonly exec: string;
}

/** One request at a time, until we are interrupted. */
export async function handle({ exec }: ServeArgs, context: CommandContext): Promise<number> {
  if (exec.trim() === "") {
    throw new UdpchatError("INVALID_ARGUMENT", "--exec is empty", {
      remedy: "udpchat serve --exec 'uptime'",
    });
  }
  const { printer, settings, signal } = context;
  const { requireVerified = false } = settings;
  return await withApi(context, { receives: true }, async (api) => {
    for await (const line of api.stream("requests", { requireVerified }, { signal })) {
      if (line.type === "ready") await remarkWhereWeAre("serving", api, context);
      await printer.line(line);
      if (line.type === "request") await answer(line, exec, api, context);
    }
    return EXIT.done;
  });
}

async function answer(
  request: RequestLine,
  exec: string,
  api: Api,
  { io, printer, signal, stderr }: CommandContext,
): Promise<void> {
  const outcome = await runAnswerer(exec, request, { env: io.env, signal });
  if ("error" in outcome) {
    await stderr.line(sanitiseName(`udpchat: request ${request.id}: ${outcome.error}`));
  }
  try {
    await printer.line(await api.call("answer", { id: request.id, ...outcome }));
  } catch (thrown) {
    // Whoever asked has given up, or the command was interrupted: the next request may come.
    if (!signal.aborted) await stderr.line(errorSentence(toUdpchatError(thrown)));
  }
}
