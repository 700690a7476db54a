import { basename } from "node:path";
import { UdpchatError } from "../../../errors.js";
import { COMPLETION_SCRIPTS, SHELLS } from "../../completion/scripts.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface CompletionArgs {
  readonly shell?: string | undefined;
}

export async function handle(
  { shell }: CompletionArgs,
  { io, stdout }: CommandContext,
): Promise<number> {
  const wanted = shell ?? basename(io.env["SHELL"] ?? "");
  const known = SHELLS.find((one) => one === wanted);
  if (known === undefined) {
    throw new UdpchatError("INVALID_ARGUMENT", "$SHELL names no shell that has a script", {
      remedy: `name one: udpchat completion ${SHELLS.join(", ")}`,
    });
  }
  await stdout.write(COMPLETION_SCRIPTS[known]);
  return EXIT.done;
}
