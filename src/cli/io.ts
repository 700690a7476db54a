import process from "node:process";
import type { Readable, Writable } from "node:stream";

export type InterruptSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

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
    onSignal(listener) {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
    forceExit: (code) => process.exit(code),
  };
}

/** Streams that are no terminal have no `isTTY`, whatever their type says. */
function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY ?? false;
}
