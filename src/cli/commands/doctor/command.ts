import { defineCommand } from "../../command.js";
import type { DoctorArgs } from "./handler.js";

const NOTES = `Tests what goes out of this machine and comes back, the firewall, VPNs, ports and buffers, and
with each peer that answers (at most 8) what passes in both directions. It changes nothing.
Exit code: 0 no problem, 3 no problem here but nobody answers, 4 a problem was found.`;

export const doctor = defineCommand<DoctorArgs>({
  usage: "doctor [target]",
  summary: "Examine this network, or the way to one peer, and name what is wrong",
  examples: ["udpchat doctor", "udpchat doctor bob", "udpchat doctor bob --watch 5m --json"],
  arguments: {
    target: {
      type: "string",
      completes: "peer",
      describe: "A peer that can't be reached or heard: host:port, host, or a nickname",
    },
    watch: {
      type: "string",
      requiresArg: true,
      describe: "Go on for so long, and tell when multicast stops: 5m",
    },
  },
  notes: NOTES,
  load: async () => (await import("./handler.js")).handle,
});
