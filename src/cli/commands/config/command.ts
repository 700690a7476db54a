import { defineCommand } from "../../command.js";
import type { ConfigArgs } from "./handler.js";

export const config = defineCommand<ConfigArgs>({
  usage: "config <action> [key] [values..]",
  summary: "Settings of this home: list, get KEY, set KEY VALUE, unset KEY, path",
  notes:
    "Flags go before the environment (UDPCHAT_NAME), and that before the config file. A running " +
    "daemon takes over what is set at once; what needs a restart is named.",
  examples: [
    "udpchat config list",
    "udpchat config set name bob",
    "udpchat config set peer 10.0.8.15 lab.example:22400",
    "udpchat config unset retention",
  ],
  withoutSettings: true,
  arguments: {
    action: {
      type: "string",
      demandOption: true,
      choices: ["list", "get", "set", "unset", "path"],
      describe: "list: every setting, and where it is said; path: the file",
    },
    key: {
      type: "string",
      describe: "name, port, retention, ...: as in list",
    },
    values: {
      type: "string",
      array: true,
      describe: "Several for interface, broadcast and peer",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
