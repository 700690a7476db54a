import { defineCommand } from "../../command.js";
import { SHELLS } from "../../completion/scripts.js";
import type { CompletionArgs } from "./handler.js";

const NOTES = `Peers, groups and queued messages are completed as the running daemon knows them.
bash: eval "$(udpchat completion bash)" in ~/.bashrc
zsh:  eval "$(udpchat completion zsh)" in ~/.zshrc
fish: udpchat completion fish > ~/.config/fish/completions/udpchat.fish`;

export const completion = defineCommand<CompletionArgs>({
  usage: "completion [shell]",
  summary: "A script with which bash, zsh or fish completes command lines",
  notes: NOTES,
  examples: ["udpchat completion bash >> ~/.bashrc", "udpchat completion zsh >> ~/.zshrc"],
  arguments: {
    shell: {
      type: "string",
      choices: SHELLS,
      describe: "Whose script (that of $SHELL)",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
