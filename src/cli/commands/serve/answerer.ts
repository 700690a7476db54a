import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { RequestLine } from "../../../api/lines.js";

/** The reply, or why there is none, as the one who asked will read it. */
export type Outcome = { readonly text: string } | { readonly error: string };

export interface AnswererOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Default 60,000. */
  readonly timeLimitMs?: number;
}

const DEFAULT_TIME_LIMIT_MS = 60_000;
/** What a reply can hold. */
const MAX_REPLY_BYTES = 65_536;
/** Of standard error; its first line becomes the reason. */
const MAX_REASON_BYTES = 1024;
/** Of the reason: it goes to whoever asked. */
const MAX_REASON_LENGTH = 200;

/**
 * Runs the command through the shell for one request: the text on its standard input, the reply
 * from its standard output without the last newline. Never rejects.
 */
export async function runAnswerer(
  command: string,
  request: RequestLine,
  { env, signal, timeLimitMs = DEFAULT_TIME_LIMIT_MS }: AnswererOptions,
): Promise<Outcome> {
  if (signal.aborted) return INTERRUPTED;
  const child = spawn(command, {
    shell: true,
    // A process group of its own, so that what the shell started ends with it.
    detached: process.platform !== "win32",
    windowsHide: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...env, ...facts(request) },
  });
  let stopped: Outcome | undefined;
  const stop = (outcome: Outcome): void => {
    stopped ??= outcome;
    kill(child);
  };
  const timer = setTimeout(
    () => stop({ error: `the command took longer than ${timeLimitMs / 1000} s` }),
    timeLimitMs,
  );
  const onAbort = (): void => stop(INTERRUPTED);
  signal.addEventListener("abort", onAbort, { once: true });
  const stdout = collect(child.stdout, MAX_REPLY_BYTES, () =>
    stop({ error: `the reply has more than ${MAX_REPLY_BYTES} bytes` }),
  );
  const stderr = collect(child.stderr, MAX_REASON_BYTES, () => undefined);
  // A command need not read what it is asked.
  child.stdin.on("error", () => undefined);
  child.stdin.end(request.text);
  try {
    const end = await ended(child);
    if (stopped !== undefined) return stopped;
    if (end === 0) return replyOf(stdout());
    const [reason = ""] = stderr().toString("utf8").trim().split(/\r?\n/, 1);
    return { error: reason === "" ? `the command ended with ${end}` : shortened(reason) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

const INTERRUPTED: Outcome = { error: "the program that answers was interrupted" };

function facts({ from }: RequestLine): Record<string, string> {
  return {
    UDPCHAT_FROM_ID: from.id ?? "",
    // An environment variable cannot hold NUL (execve(2)).
    UDPCHAT_FROM_NAME: from.name.replaceAll("\0", ""),
    UDPCHAT_FROM_ADDRESS: `${from.address}:${from.port}`,
  };
}

function shortened(reason: string): string {
  const characters = Array.from(reason);
  return characters.length <= MAX_REASON_LENGTH
    ? reason
    : `${characters.slice(0, MAX_REASON_LENGTH - 1).join("")}…`;
}

function replyOf(bytes: Buffer): Outcome {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text: text.replace(/\r?\n$/, "") };
  } catch {
    return { error: "the command's output is not UTF-8 text" };
  }
}

/** Keeps at most so many bytes; what comes behind them is read and forgotten. */
function collect(
  stream: NodeJS.ReadableStream,
  maxBytes: number,
  onMore: () => void,
): () => Buffer {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    const room = maxBytes - sizeBytes;
    if (chunk.length > room) onMore();
    if (room <= 0) return;
    chunks.push(chunk.subarray(0, room));
    sizeBytes += Math.min(room, chunk.length);
  });
  return () => Buffer.concat(chunks);
}

/** The exit code, the signal, or the reason why it did not start. */
function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code ?? signal ?? "no exit code"));
  });
}

function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && process.platform !== "win32") {
      process.kill(-child.pid, "SIGKILL");
    } else {
      child.kill("SIGKILL");
    }
  } catch {
    // It has ended by itself.
  }
}
