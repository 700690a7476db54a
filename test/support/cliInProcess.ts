import { PassThrough, Readable, Writable } from "node:stream";
import type { CliIo } from "../../src/cli/io.js";
import { main } from "../../src/cli/main.js";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRunOptions {
  readonly env?: Record<string, string>;
  /** Standard input; default: ended at once. */
  readonly input?: string | Uint8Array;
  /** Somebody sits at a terminal and types into this. */
  readonly typing?: { readonly keyboard: PassThrough; readonly onShown: (text: string) => void };
  /** Called once the command listens to signals, with what raises one. */
  readonly onStart?: (raise: () => void) => void;
  readonly forceExit?: (code: number) => void;
}

/** Runs a command line in this process, with streams of its own and no terminal. */
export async function runCli(
  argv: readonly string[],
  options: CliRunOptions = {},
): Promise<CliResult> {
  const { input, typing } = options;
  const stdout = new Collected(typing?.onShown);
  const stderr = new Collected(typing?.onShown);
  const piped = input === undefined ? new PassThrough().end() : Readable.from([Buffer.from(input)]);
  const isTerminal = typing !== undefined;
  const io: CliIo = {
    stdin: typing?.keyboard ?? piped,
    stdout,
    stderr,
    env: options.env ?? {},
    script: "",
    isTTY: { stdin: isTerminal, stdout: isTerminal, stderr: isTerminal },
    terminal: {
      size: () => ({ columns: 80, rows: 24 }),
      setRawMode: () => undefined,
      suspend: () => undefined,
      onResize: () => () => undefined,
      onContinue: () => () => undefined,
      onExit: () => () => undefined,
    },
    onSignal(listener) {
      options.onStart?.(() => listener("SIGINT"));
      return () => undefined;
    },
    forceExit: options.forceExit ?? (() => undefined),
  };
  const code = await main(argv, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Collected extends Writable {
  text = "";
  readonly #onShown: ((text: string) => void) | undefined;

  constructor(onShown?: (text: string) => void) {
    super();
    this.#onShown = onShown;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
    this.#onShown?.(chunk.toString("utf8"));
  }
}
