/** Options of the commands that run a program for what arrives. */
import { UdpchatError } from "../errors.js";
import { homeEnvironment } from "../programs/environment.js";
import type { CommandContext } from "./context.js";
import { parseDurationMs } from "./duration.js";
import type { SpecsOf } from "./options.js";
import { wholeNumber } from "./wholeNumber.js";

/** As typed. */
export interface ExecArgs {
  readonly concurrency?: string | undefined;
  readonly timeLimit?: string | undefined;
}

/** How the programs are run. */
export interface ExecOptions {
  /** At the same time. */
  readonly concurrency: number;
  /** Of each. */
  readonly timeLimitMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MAX_CONCURRENCY = 256;
const DEFAULT_TIME_LIMIT_MS = 60_000;
const MAX_TIME_LIMIT_MS = 86_400_000;

/** Their declarations. */
export const EXEC_OPTIONS: SpecsOf<ExecArgs> = {
  concurrency: {
    type: "string",
    requiresArg: true,
    describe: "So many commands at the same time; with 1 they keep the order (1)",
  },
  timeLimit: {
    type: "string",
    requiresArg: true,
    describe: "End a command that takes longer than this (60s)",
  },
};

/** @throws UdpchatError INVALID_ARGUMENT, INVALID_DURATION */
export function execOptions(
  { concurrency, timeLimit }: ExecArgs,
  { home, io }: Pick<CommandContext, "home" | "io">,
): ExecOptions {
  return {
    concurrency:
      concurrency === undefined ? 1 : wholeNumber("concurrency", concurrency, MAX_CONCURRENCY),
    timeLimitMs: timeLimit === undefined ? DEFAULT_TIME_LIMIT_MS : timeLimitMsOf(timeLimit),
    env: { ...io.env, ...homeEnvironment(home) },
  };
}

/** @throws UdpchatError INVALID_ARGUMENT if it is empty */
export function checkedCommand(exec: string, example: string): string {
  if (exec.trim() !== "") return exec;
  throw new UdpchatError("INVALID_ARGUMENT", "--exec is empty", { remedy: example });
}

function timeLimitMsOf(text: string): number {
  const timeLimitMs = parseDurationMs(text);
  if (timeLimitMs >= 1 && timeLimitMs <= MAX_TIME_LIMIT_MS) return timeLimitMs;
  throw new UdpchatError("INVALID_DURATION", `--time-limit: "${text}" is not possible`, {
    remedy: "use 1ms to 1d",
  });
}
