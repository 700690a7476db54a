import type { CommandContext } from "./context.js";

/** `timeoutMs` for an operation, where the user asked for one. */
export function timeoutInput({ settings }: CommandContext): { readonly timeoutMs?: number } {
  return settings.timeout === undefined ? {} : { timeoutMs: settings.timeout };
}

/** The same for `send` and `ask`, and whether the peer must be verified. */
export function waitInput(context: CommandContext): {
  readonly timeoutMs?: number;
  readonly requireVerified?: boolean;
} {
  const { requireVerified } = context.settings;
  const timeout = timeoutInput(context);
  return requireVerified === undefined ? timeout : { ...timeout, requireVerified };
}
