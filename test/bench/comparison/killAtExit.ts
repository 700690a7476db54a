import type { ChildProcess } from "node:child_process";
import process from "node:process";

/** Bounded by what is started and has not ended. */
const running = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** It does not outlive this process. */
export function killAtExit(child: ChildProcess): void {
  running.add(child);
  const ended = (): void => void running.delete(child);
  child.once("exit", ended);
  child.once("error", ended);
}
