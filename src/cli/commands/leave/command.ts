import { defineCommand } from "../../command.js";
import type { LeaveArgs } from "./handler.js";

export const leave = defineCommand<LeaveArgs>({
  usage: "leave <group>",
  summary: "End the daemon's membership of a group, and forget its key",
  examples: ["udpchat leave '#ops'"],
  arguments: {
    group: {
      type: "string",
      demandOption: true,
      describe: "224.0.1.100, address:port or '#name'",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
