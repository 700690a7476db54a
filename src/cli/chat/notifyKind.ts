import { UdpchatError } from "../../errors.js";
import type { TextSpec } from "../options.js";

/** How somebody who looks away is told. */
export type NotifyKind = "bell" | "desktop";

/** Its option. */
export const NOTIFY_OPTION: TextSpec = {
  type: "string",
  describe: "When somebody names you, or writes to you alone: bell (if none is said) or desktop",
};

/**
 * What `--notify` says; alone it is a bell. Undefined: nobody is told.
 * @throws UdpchatError INVALID_ARGUMENT
 */
export function notifyKindOf(option: string | undefined): NotifyKind | undefined {
  switch (option) {
    case undefined:
      return undefined;
    case "":
    case "bell":
      return "bell";
    case "desktop":
      return "desktop";
    default:
      throw new UdpchatError("INVALID_ARGUMENT", `--notify: "${option}" is not possible`, {
        remedy: "use bell or desktop",
      });
  }
}
