import { NOTIFY_OPTION } from "../../chat/notifyKind.js";
import { defineCommand } from "../../command.js";
import { formatOptions } from "../../format/options.js";
import { GROUP_PLACE } from "../../options.js";
import type { JoinArgs } from "./handler.js";

export const join = defineCommand<JoinArgs>({
  usage: "join <group>",
  summary: "Chat in a group: prints what arrives, sends what is typed",
  examples: [
    "udpchat join 224.0.1.100",
    "tail -f app.log | udpchat join '#ops'",
    "udpchat join '#ops' --secret --detach --passphrase-file ops.txt",
  ],
  arguments: {
    group: GROUP_PLACE,
    detach: {
      type: "boolean",
      default: false,
      describe: "The daemon stays a member, across restarts, until leave",
    },
    secret: {
      type: "boolean",
      default: false,
      describe: "The secret group of this name: its passphrase is asked for if need be",
    },
    notify: NOTIFY_OPTION,
    passphraseFile: {
      type: "string",
      requiresArg: true,
      completes: "file",
      describe: "With --secret: its first line is the passphrase (or UDPCHAT_PASSPHRASE)",
    },
    ...formatOptions("{from.name}: {text}"),
  },
  load: async () => (await import("./handler.js")).handle,
});
