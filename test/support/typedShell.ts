import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe } from "vitest";
import { BIN, eventually, RunningCommand } from "./cliWorld.js";

export type ShellName = "bash" | "zsh" | "fish";

/** Instead of the program it tells the words that it was given, which is what a shell made of a line. */
const TELL_WORDS = `#!/bin/sh
printf '%s\\n' "$@" > "$WORDS_FILE.partial" && mv "$WORDS_FILE.partial" "$WORDS_FILE"
`;

/** What each shell reads when it starts: the completion as its help says, for `words` as well. */
const START_FILES: Readonly<Record<ShellName, { readonly file: string; readonly text: string }>> = {
  bash: {
    file: ".bashrc",
    text: 'stty cols 200 rows 50; PS1="> "; eval "$(udpchat completion bash)"; complete -F _udpchat words',
  },
  zsh: {
    file: ".zshrc",
    text: 'stty cols 200 rows 50; PS1="> "; eval "$(udpchat completion zsh)"; compdef _udpchat words',
  },
  fish: {
    file: ".config/fish/config.fish",
    text: "stty cols 200 rows 50; set -g fish_greeting; complete -c words --wraps udpchat",
  },
};

/** An interactive shell on a terminal, with our completion; somebody types. */
export class TypedShell {
  readonly #wordsFile: string;
  readonly #shell: RunningCommand;

  /** @param folder the home of whoever types; the shell starts there */
  constructor(name: ShellName, folder: string, env: Readonly<Record<string, string>>) {
    this.#wordsFile = join(folder, "words.json");
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    const program = `#!/bin/sh\nexec ${process.execPath} ${BIN} "$@"\n`;
    writeFileSync(join(bin, "udpchat"), program, { mode: 0o755 });
    writeFileSync(join(bin, "words"), TELL_WORDS, { mode: 0o755 });
    const all = {
      ...env,
      HOME: folder,
      XDG_CONFIG_HOME: join(folder, ".config"),
      XDG_DATA_HOME: join(folder, ".local/share"),
      ZDOTDIR: folder,
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
      TERM: "xterm",
      LANG: "C.UTF-8",
      LC_ALL: "C.UTF-8",
      WORDS_FILE: this.#wordsFile,
    };
    const { file, text } = START_FILES[name];
    mkdirSync(join(folder, ".config/fish/completions"), { recursive: true });
    writeFileSync(join(folder, file), `cd ${folder}\n${text}\n`);
    if (name === "fish") {
      // Where they are missing, fish makes them of all man pages.
      mkdirSync(join(folder, ".local/share/fish/generated_completions"), { recursive: true });
      const completions = execFileSync(process.execPath, [BIN, "completion", "fish"]);
      writeFileSync(join(folder, ".config/fish/completions/udpchat.fish"), completions);
    }
    this.#shell = new RunningCommand(["-qec", `${name} -i`, "/dev/null"], all, "script");
  }

  /** The words of a command line, typed as `words LINE` with TAB where there is one, and entered. */
  async words(line: string): Promise<readonly string[]> {
    rmSync(this.#wordsFile, { force: true });
    this.#shell.type(`words ${line}\r`);
    await eventually(
      () => existsSync(this.#wordsFile),
      () => `the words of ${JSON.stringify(line)} in\n${this.#shell.stdout}`,
    );
    return readFileSync(this.#wordsFile, "utf8").trimEnd().split("\n");
  }

  async dispose(): Promise<void> {
    this.#shell.kill("SIGKILL");
    await this.#shell.ended();
  }
}

/** A suite for each shell; where one is missing it is skipped, and says so. */
export function describeOnShells(name: string, suite: (shell: ShellName) => void): void {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const missing = [shell, "script"].filter((program) => !isInstalled(program));
    const title = `${name} ${shell}`;
    const skipped = missing.length === 0 ? "" : ` (SKIPPED: no ${missing.join(", ")})`;
    if (skipped !== "") process.stderr.write(`${title}${skipped}\n`);
    describe.skipIf(skipped !== "")(title + skipped, () => suite(shell));
  }
}

function isInstalled(program: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.some((folder) => existsSync(join(folder, program)));
}
