/** Programs of the user that we run for what arrives: they never outlive us. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { errnoOf } from "../errors.js";

/** A command line for the shell, or a program and its arguments, which nothing expands. */
export type Program = { readonly shell: string } | { readonly argv: readonly string[] };

/** Takes what a program prints, one piece at a time; the program waits as long as it takes. */
export type Sink = (bytes: Buffer) => Promise<void> | void;

export interface RunOptions {
  /** For its standard input; it need not read it. */
  readonly input: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly timeLimitMs: number;
  /** What it prints on standard output. Default: nobody reads it. */
  readonly stdout?: Sink;
  /** The same of standard error. */
  readonly stderr?: Sink;
}

/** How a program ended; `reason` is a sentence without anything that it printed. */
export type ProgramEnd =
  | { readonly kind: "done" }
  /** By itself: what it printed may say why. */
  | { readonly kind: "failed"; readonly reason: string }
  /** By us: it took too long, we were interrupted, or a sink rejected. */
  | { readonly kind: "stopped"; readonly reason: string };

/** Once it has ended its output ends as well, but for what left its group. */
const OUTPUT_OPEN_MS = 1_000;

/** The reason when the signal ended it. */
const INTERRUPTED = "the command was interrupted";

/**
 * Runs a program to its end, and ends what it left running in the background. Never rejects.
 *
 * It has a process group of its own. Where there are such groups, a guard in it waits at a pipe
 * that closes when we are gone, however that came about, and then ends the whole group.
 */
export async function runProgram(program: Program, options: RunOptions): Promise<ProgramEnd> {
  const { env, input, signal, timeLimitMs } = options;
  if (signal.aborted) return { kind: "stopped", reason: INTERRUPTED };
  let child: ChildProcess;
  try {
    child = start(program, options, env);
  } catch (error) {
    // An argument with NUL in it, too long an environment.
    return { kind: "failed", reason: `the command could not be started: ${messageOf(error)}` };
  }
  let stopped: ProgramEnd | undefined;
  const stop = (reason: string): void => {
    stopped ??= { kind: "stopped", reason };
    endGroup(child);
    closeOutput(child);
  };
  const timer = setTimeout(
    () => stop(`the command took longer than ${timeLimitMs / 1000} s`),
    timeLimitMs,
  );
  const onAbort = (): void => stop(INTERRUPTED);
  signal.addEventListener("abort", onAbort, { once: true });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  const drains = [new Drain(child.stdout, options.stdout), new Drain(child.stderr, options.stderr)];
  const drained = drains.map((drain) =>
    drain.toItsEnd().catch((error: unknown) => {
      // It is we who close an output before its end.
      if (errnoOf(error) !== "ERR_STREAM_PREMATURE_CLOSE") stop(messageOf(error));
    }),
  );
  try {
    const end = await ended(child, () => drains.some((drain) => drain.isBusy));
    await Promise.all(drained);
    return stopped ?? end;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    endGroup(child);
  }
}

/**
 * `"$@"` is the program; descriptor 3 is the pipe, which the program does not get. `kill 0` is the
 * group of whoever calls it (kill(2)).
 */
const GUARDED = `
{ read -r end <&3; kill -KILL 0; } </dev/null >/dev/null 2>&1 &
guard=$!
"$@" 3<&-
code=$?
{ kill -KILL "$guard"; wait "$guard"; } 2>/dev/null
exit "$code"`;

function start(
  program: Program,
  { stdout, stderr }: RunOptions,
  env: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  const out = stdout === undefined ? "ignore" : "pipe";
  const err = stderr === undefined ? "ignore" : "pipe";
  if (process.platform === "win32") {
    const stdio = ["pipe", out, err] as const;
    const options = { windowsHide: true, stdio: [...stdio], env: { ...env } };
    if ("shell" in program) return spawn(program.shell, { ...options, shell: true });
    const [file = "", ...words] = program.argv;
    return spawn(file, words, options);
  }
  const argv = "shell" in program ? ["/bin/sh", "-c", program.shell] : program.argv;
  const child = spawn("/bin/sh", ["-c", GUARDED, "sh", ...argv], {
    detached: true,
    stdio: ["pipe", out, err, "pipe"],
    env: { ...env },
  });
  // Our end of the guard's pipe: nothing comes, and it closes when the group has ended.
  // Where there are too many open files there are no pipes at all, and an error follows.
  const pipe = Array.isArray(child.stdio) ? child.stdio[3] : undefined;
  pipe?.on("error", () => undefined);
  if (pipe !== null && pipe !== undefined && "resume" in pipe) pipe.resume();
  return child;
}

/** One of its outputs, on the way to where it is to go. */
class Drain {
  readonly #stream: AsyncIterable<Buffer> | null | undefined;
  readonly #sink: Sink | undefined;
  #isBusy = false;

  constructor(stream: AsyncIterable<Buffer> | null | undefined, sink: Sink | undefined) {
    this.#stream = stream;
    this.#sink = sink;
  }

  /** Something of it was read, and has not gone there yet. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  async toItsEnd(): Promise<void> {
    if (!this.#stream || this.#sink === undefined) return;
    for await (const bytes of this.#stream) {
      this.#isBusy = true;
      await this.#sink(bytes);
      this.#isBusy = false;
    }
  }
}

/** What it printed is read to its end; who left the group and holds the output open is not waited for. */
function ended(child: ChildProcess, isBusy: () => boolean): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    let end: ProgramEnd = { kind: "failed", reason: "the command ended with no exit code" };
    let grace: NodeJS.Timeout | undefined;
    const waitForOutput = (): void => {
      grace = setTimeout(() => (isBusy() ? waitForOutput() : closeOutput(child)), OUTPUT_OPEN_MS);
    };
    child.once("error", (error) => {
      resolve({ kind: "failed", reason: `the command could not be started: ${error.message}` });
    });
    child.once("exit", (code, signal) => {
      end =
        code === 0
          ? { kind: "done" }
          : {
              kind: "failed",
              reason: `the command ended with ${code ?? signal ?? "no exit code"}`,
            };
      endGroup(child);
      waitForOutput();
    });
    child.once("close", () => {
      clearTimeout(grace);
      resolve(end);
    });
  });
}

function closeOutput({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

/** Also after its end: what it left in the background is in its group. */
function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined) return;
  if (process.platform === "win32") {
    if (exitCode !== null || signalCode !== null) return;
    const kill = spawn("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore" });
    kill.on("error", () => undefined);
    return;
  }
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
