import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe } from "vitest";
import { eventually } from "./cliWorld.js";

/** A suite that needs tmux; where there is none it is skipped, and says so. */
export function describeOnTmux(name: string, suite: () => void): void {
  const isThere = hasTmux();
  const skipped = isThere ? "" : " (SKIPPED: there is no tmux)";
  if (!isThere) process.stderr.write(`${name}${skipped}\n`);
  describe.skipIf(!isThere)(name + skipped, suite);
}

function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Terminals of a tmux server of our own, which nobody's settings reach. */
export class Tmux {
  readonly #folder = mkdtempSync(join(tmpdir(), "udpchat-tmux-"));
  #count = 0;

  /** Runs a program, with nothing in its environment but this and what every program needs. */
  open(argv: readonly string[], env: Record<string, string>, size: TerminalSize): TmuxTerminal {
    this.#count += 1;
    const name = `t${this.#count}`;
    const files = { output: join(this.#folder, name), code: join(this.#folder, `${name}.code`) };
    const words = Object.entries({ TERM: "tmux-256color", LC_ALL: "C.UTF-8", ...env });
    const surroundings = [
      "-i",
      `PATH=${process.env["PATH"] ?? ""}`,
      ...words.map((pair) => pair.join("=")),
    ];
    const { columns, rows } = size;
    const sized = ["-x", `${columns}`, "-y", `${rows}`];
    // It begins when its output is caught. That it has ended tmux does not always notice (3.3a).
    const script = 'read _; code=$1; shift; "$@"; echo $? > "$code"; exec cat';
    const started = ["sh", "-c", script, "sh", files.code, "env", ...surroundings, ...argv];
    this.run("new-session", "-d", "-s", name, ...sized, ...started);
    this.run("set-option", "-t", name, "status", "off");
    this.run("resize-window", "-t", name, ...sized);
    this.run("pipe-pane", "-t", name, `cat > '${files.output}'`);
    this.run("send-keys", "-t", name, "Enter");
    return new TmuxTerminal(this, name, files);
  }

  run(...argv: string[]): string {
    const server = ["-u", "-f", "/dev/null", "-S", join(this.#folder, "socket")];
    return execFileSync("tmux", [...server, ...argv], { encoding: "utf8", stdio: "pipe" });
  }

  dispose(): void {
    // Without a terminal there was no server, and with the last one it ends.
    try {
      this.run("kill-server");
    } catch {
      // There is none.
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

interface TerminalFiles {
  /** What was written to the terminal. */
  readonly output: string;
  /** How its program ended, once it has. */
  readonly code: string;
}

export class TmuxTerminal {
  readonly #tmux: Tmux;
  readonly #name: string;
  readonly #files: TerminalFiles;

  constructor(tmux: Tmux, name: string, files: TerminalFiles) {
    this.#tmux = tmux;
    this.#name = name;
    this.#files = files;
  }

  /** What is to be seen, without blanks at the ends of its rows and empty rows below. */
  get screen(): string {
    return this.#tmux.run("capture-pane", "-p", "-t", this.#name).trimEnd();
  }

  /** What has scrolled away as well. */
  get scrollback(): string {
    return this.#tmux.run("capture-pane", "-p", "-S", "-", "-t", this.#name).trimEnd();
  }

  /** Every byte that was written to it. */
  get output(): string {
    return readFileSync(this.#files.output, "utf8");
  }

  get cursor(): { column: number; row: number } {
    const [column = 0, row = 0] = this.#tell("#{cursor_x} #{cursor_y}").split(" ").map(Number);
    return { column, row };
  }

  type(text: string): void {
    this.#tmux.run("send-keys", "-t", this.#name, "-l", text);
  }

  /** Keys as tmux calls them: `Enter`, `C-c`, `Left`. */
  press(...keys: string[]): void {
    this.#tmux.run("send-keys", "-t", this.#name, ...keys);
  }

  /** In brackets, if the program asked for them. */
  paste(text: string): void {
    this.#tmux.run("set-buffer", "--", text);
    this.#tmux.run("paste-buffer", "-p", "-r", "-t", this.#name);
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#tmux.run("resize-window", "-t", this.#name, "-x", `${columns}`, "-y", `${rows}`);
  }

  /** It goes away, as when its window is closed. */
  close(): void {
    this.#tmux.run("kill-session", "-t", this.#name);
  }

  /** Waits until it is to be seen. */
  async shows(sought: string | RegExp): Promise<void> {
    const isThere = (): boolean =>
      typeof sought === "string" ? this.screen.includes(sought) : sought.test(this.screen);
    await eventually(isThere, () => `${String(sought)} in\n${this.screen}\n---`);
  }

  /** The exit code of the program, when it has ended. */
  async ended(): Promise<number> {
    const { code } = this.#files;
    await eventually(
      () => existsSync(code) && readFileSync(code, "utf8").endsWith("\n"),
      () => `the end of the program in\n${this.screen}\n---`,
    );
    return Number(readFileSync(code, "utf8"));
  }

  /** Process id of what runs in it, or in the shell that does. */
  get pid(): number {
    let pid = Number(this.#tell("#{pane_pid}"));
    for (let child = childOf(pid); child !== undefined; child = childOf(pid)) pid = child;
    return pid;
  }

  #tell(format: string): string {
    return this.#tmux.run("display-message", "-p", "-t", this.#name, format).trim();
  }
}

/** The one child of a process. */
function childOf(pid: number): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  const [child] = readFileSync(path, "utf8").trim().split(" ");
  return child === undefined || child === "" ? undefined : Number(child);
}
