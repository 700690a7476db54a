import { networkInterfaces } from "node:os";
import { UdpchatError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { errorSentence } from "./errorReport.js";

/** The error about the first of these interfaces that this machine does not have. */
export function absentInterface(wanted: readonly string[] | undefined): UdpchatError | undefined {
  const present = Object.keys(networkInterfaces());
  const absent = wanted?.find((name) => !present.includes(name));
  if (absent === undefined) return undefined;
  return new UdpchatError("INVALID_ARGUMENT", `there is no interface ${absent}`, {
    remedy: `this machine has ${present.length === 0 ? "none that is up" : present.join(", ")}`,
  });
}

/** For a daemon: it uses an interface from when it comes, so that its absence is no error. */
export async function remarkAbsentInterface({ settings, stderr }: CommandContext): Promise<void> {
  const error = absentInterface(settings.interface);
  if (error !== undefined) await stderr.line(errorSentence(error));
}
