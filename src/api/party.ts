import type { ChatLine, EventLine, HistoryLine, PeerRefLine, RequestLine } from "./lines.js";

/** Who said or did it; undefined for what is nobody's doing. */
export function partyOf(
  line: ChatLine | EventLine | HistoryLine | RequestLine,
): PeerRefLine | undefined {
  if ("from" in line) return line.from;
  return line.type === "presence" ? line.peer : undefined;
}
