/** What a daemon in the background tells the process that started it, once, over Node's IPC. */
import process from "node:process";
import * as v from "valibot";
import {
  type ErrorLine,
  ErrorLineSchema,
  type StatusLine,
  StatusLineSchema,
} from "../api/lines.js";

export const StartReportSchema = v.union([
  v.object({ ready: StatusLineSchema }),
  v.object({ error: ErrorLineSchema }),
]);
/** It is ready, or why it will not be. */
export type StartReport = { readonly ready: StatusLine } | { readonly error: ErrorLine };

/** Resolves when the parent has it; at once if nobody started us that way. */
export async function reportToParent(report: StartReport): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  await new Promise<void>((resolve) => {
    // A parent that has gone is no reason to fail.
    process.send?.(report, undefined, undefined, () => resolve());
  });
  if (process.connected) process.disconnect();
}
