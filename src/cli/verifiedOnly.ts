import type { ChatLine, EventLine, HistoryLine } from "../api/lines.js";
import { partyOf } from "../api/party.js";
import type { CommandContext } from "./context.js";

/**
 * False for what somebody else than a verified peer did or said, where `--require-verified` asks
 * for that: a daemon tells everybody's doings to everybody who listens.
 */
export function isWanted(
  line: ChatLine | EventLine | HistoryLine,
  { settings }: CommandContext,
): boolean {
  if (settings.requireVerified !== true) return true;
  if ("own" in line && line.own) return true;
  const party = partyOf(line);
  return party === undefined || party.trust === "verified";
}
