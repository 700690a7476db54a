import { execFile } from "node:child_process";

/** How a program of the system ended. */
export interface ToolResult {
  /** Undefined if it is not there, or did not end in time. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the system to its end; never rejects. */
export type Tool = (command: string, args: readonly string[]) => Promise<ToolResult>;

/** Longer than a daemon takes to say goodbye. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

export const runTool: Tool = (command, args) =>
  new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true };
    execFile(command, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === "number" ? code : undefined, stdout, stderr });
    });
  });
