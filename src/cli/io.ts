import process from "node:process";
import type { Readable, Writable } from "node:stream";

export type InterruptSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a terminal can do beside being read and written. */
export interface TerminalControl {
  /** 80 by 24 where nobody can say. */
  readonly size: () => TerminalSize;
  /** Keys come one by one and are not shown, or lines come as the terminal has edited them. */
  readonly setRawMode: (isRaw: boolean) => void;
  /** Stops the process until it is continued, as Ctrl-Z does; nothing on Windows. */
  readonly suspend: () => void;
  /** These call back until their result is called: it has another size; the process goes on. */
  readonly onResize: (listener: () => void) => () => void;
  readonly onContinue: (listener: () => void) => () => void;
  /** The process ends, however that came: what is written now is the last. */
  readonly onExit: (listener: () => void) => () => void;
}

/** Everything outside that a command touches, so that tests can run one in process. */
export interface CliIo {
  /** A getter: a process whose standard input is never looked at can end at any time. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the program, for starting it again in the background. */
  readonly script: string;
  /** Getters, too: each stream takes its time to be opened. */
  readonly isTTY: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly terminal: TerminalControl;
  /** Calls back for every signal that asks us to end; the result takes the listener away. */
  readonly onSignal: (listener: (signal: InterruptSignal) => void) => () => void;
  /** Ends the process at once. */
  readonly forceExit: (code: number) => void;
}

const SIGNALS: readonly InterruptSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The streams, environment and signals of this process. */
export function processIo(): CliIo {
  return {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    script: process.argv[1] ?? "",
    isTTY: {
      get stdin() {
        return isTerminal(process.stdin);
      },
      get stdout() {
        return isTerminal(process.stdout);
      },
      get stderr() {
        return isTerminal(process.stderr);
      },
    },
    terminal: processTerminal,
    onSignal(listener) {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
    forceExit: (code) => process.exit(code),
  };
}

const processTerminal: TerminalControl = {
  size: () => sizeOf(process.stdout),
  setRawMode(isRaw) {
    if (isTerminal(process.stdin)) process.stdin.setRawMode(isRaw);
  },
  suspend() {
    if (process.platform !== "win32") process.kill(process.pid, "SIGTSTP");
  },
  onResize(listener) {
    process.stdout.on("resize", listener);
    return () => process.stdout.off("resize", listener);
  },
  onContinue(listener) {
    process.on("SIGCONT", listener);
    return () => process.off("SIGCONT", listener);
  },
  onExit(listener) {
    process.on("exit", listener);
    return () => process.off("exit", listener);
  },
};

/** Streams that are no terminal have neither, and some terminals say 0. */
function sizeOf({ columns, rows }: Partial<TerminalSize>): TerminalSize {
  return { columns: columns || 80, rows: rows || 24 };
}

/** Streams that are no terminal have no `isTTY`, whatever their type says. */
function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY ?? false;
}
