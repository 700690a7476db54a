import { NOTIFY_OPTION } from "../../chat/notifyKind.js";
import { defineCommand } from "../../command.js";
import { PEER_PLACE } from "../../options.js";
import type { ChatArgs } from "./handler.js";

export const chat = defineCommand<ChatArgs>({
  usage: "chat <target>",
  summary: "Talk with one person: shows what was said, and what is said now",
  examples: ["udpchat chat bob", "udpchat chat bob --notify desktop"],
  arguments: { target: PEER_PLACE, notify: NOTIFY_OPTION },
  load: async () => (await import("./handler.js")).handle,
});
