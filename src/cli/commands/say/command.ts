import { defineCommand } from "../../command.js";
import { GROUP_PLACE } from "../../options.js";
import type { SayArgs } from "./handler.js";

export const say = defineCommand<SayArgs>({
  usage: "say <group> <text>",
  summary: "One message to a group",
  examples: ["udpchat say '#ops' 'the build is green'", "df -h / | udpchat say '#ops' -"],
  arguments: {
    group: GROUP_PLACE,
    text: {
      type: "string",
      demandOption: true,
      describe: "What to say; - reads standard input",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
