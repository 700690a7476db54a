import { inspect } from "node:util";
import { toErrorLine } from "../api/toLines.js";
import type { UdpchatError } from "../errors.js";
import { sanitiseName } from "../sanitise.js";
import type { Output } from "./output.js";
import { body } from "./printers/conversation.js";
import type { Printer } from "./printers/printer.js";

/** `udpchat: what went wrong: what to do about it`. */
export function errorSentence(error: UdpchatError): string {
  return sanitiseName(`udpchat: ${error.message}: ${error.remedy}`);
}

/** Tells people on standard error and scripts on standard output. */
export async function reportError(
  error: UdpchatError,
  to: { readonly stderr: Output; readonly printer: Printer; readonly verbose: boolean },
): Promise<void> {
  if (to.printer.forScripts) await to.printer.line(toErrorLine(error));
  await to.stderr.line(errorSentence(error));
  if (!to.verbose) return;
  await to.stderr.line(body(error.stack ?? ""));
  if (error.cause !== undefined) {
    await to.stderr.line(`cause: ${body(inspect(error.cause))}`);
  }
}
