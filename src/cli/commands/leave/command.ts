import { defineCommand } from "../../command.js";
import { GROUP_PLACE } from "../../options.js";
import type { LeaveArgs } from "./handler.js";

export const leave = defineCommand<LeaveArgs>({
  usage: "leave <group>",
  summary: "End the daemon's membership of a group, and forget its key",
  examples: ["udpchat leave '#ops'", "udpchat leave 224.0.1.100"],
  arguments: {
    group: GROUP_PLACE,
  },
  load: async () => (await import("./handler.js")).handle,
});
