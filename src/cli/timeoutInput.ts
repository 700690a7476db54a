import type { CommandContext } from "./context.js";

/** `timeoutMs` for an operation, where the user asked for one. */
export function timeoutInput({ settings }: CommandContext): { readonly timeoutMs?: number } {
  return settings.timeout === undefined ? {} : { timeoutMs: settings.timeout };
}
