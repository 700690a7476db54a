import type { VerificationLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName, shellWord } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { answersYes } from "./question.js";

export interface VerifyArgs {
  readonly target: string;
  readonly code?: string[] | undefined;
}

/** @throws UdpchatError CODE_MISMATCH and what naming a peer can end in */
export async function handle(
  { target, code = [] }: VerifyArgs,
  context: CommandContext,
): Promise<number> {
  const { printer } = context;
  const given = code.join(" ");
  return await withApi(context, { receives: false }, async (api) => {
    if (given.trim() !== "") {
      const input = { target, code: given };
      await printer.line(await api.call("verify", input, { signal: context.signal }));
      return EXIT.done;
    }
    return await compare(target, api, context);
  });
}

/** Shows the code, and where somebody sits in front of it, asks. */
async function compare(target: string, api: Api, context: CommandContext): Promise<number> {
  const { io, printer, signal, stderr } = context;
  const line = await api.call("verificationCode", { target }, { signal });
  await printer.line(line);
  if (printer.forScripts) return EXIT.done;
  if (!io.isTTY.stdin || !io.isTTY.stdout) {
    await stderr.line(`nothing is decided: ${howToDecide(line)}`);
    return EXIT.done;
  }
  if (await answersYes(`Does ${nameOf(line)} see the same code? [y/N] `, context)) {
    // By its key: whoever has the name by now was not compared.
    const compared = { target: line.peer.id ?? target, code: line.code };
    await printer.line(await api.call("verify", compared, { signal }));
    return EXIT.done;
  }
  if (signal.aborted) return EXIT.done;
  await stderr.line(
    "not verified: if the other side sees another code, somebody may stand between you",
  );
  return EXIT.refused;
}

function howToDecide(line: VerificationLine): string {
  const peer = shellWord(nameOf(line));
  return `compare, and say what the other side sees: udpchat verify ${peer} CODE`;
}

function nameOf({ peer }: VerificationLine): string {
  return sanitiseName(`${peer.name}~${peer.id?.slice(0, 4) ?? ""}`);
}
