/** Programs of the user that we run for what arrives: they never outlive us. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

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
  };
  const timer = setTimeout(
    () => stop(`the command took longer than ${timeLimitMs / 1000} s`),
    timeLimitMs,
  );
  const onAbort = (): void => stop(INTERRUPTED);
  signal.addEventListener("abort", onAbort, { once: true });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  const drained = [drain(child.stdout, options.stdout), drain(child.stderr, options.stderr)].map(
    (draining) => draining.catch((error: unknown) => stop(messageOf(error))),
  );
  try {
    const end = await ended(child);
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
  const [, , , pipe] = child.stdio;
  pipe?.on("error", () => undefined);
  if (pipe !== null && pipe !== undefined && "resume" in pipe) pipe.resume();
  return child;
}

async function drain(stream: AsyncIterable<Buffer> | null, sink: Sink | undefined): Promise<void> {
  if (stream === null || sink === undefined) return;
  for await (const bytes of stream) await sink(bytes);
}

function ended(child: ChildProcess): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      resolve({ kind: "failed", reason: `the command could not be started: ${error.message}` });
    });
    child.once("close", (code, signal) => {
      if (code === 0) resolve({ kind: "done" });
      else
        resolve({
          kind: "failed",
          reason: `the command ended with ${code ?? signal ?? "no exit code"}`,
        });
    });
  });
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
