/** What a program is told of the line that it is run for. */
import type { MessageLine, PresenceLine, RequestLine } from "../api/lines.js";
import { partyOf } from "../api/party.js";
import { sanitiseName } from "../sanitise.js";

/** What programs are run for. */
export type ProgramLine = MessageLine | PresenceLine | RequestLine;

/**
 * The variables that say what happened, all of them each time: those that have nothing to say are
 * empty, so that none is left from an outer program. Names are sanitised: scripts print them. The
 * text is none of them, as an environment may be too small for it (execve(2), MAX_ARG_STRLEN).
 *
 * There is no variable for the `verified` of a message, which says less than the word promises.
 */
export function lineEnvironment(line: ProgramLine): Record<string, string> {
  const message = line.type === "message" ? line : undefined;
  const presence = line.type === "presence" ? line : undefined;
  const party = partyOf(line);
  return {
    UDPCHAT_TYPE: line.type,
    UDPCHAT_ID: sanitiseName("id" in line ? (line.id ?? "") : ""),
    UDPCHAT_SCOPE: message?.scope ?? "",
    UDPCHAT_GROUP: sanitiseName("group" in line ? (line.group ?? "") : ""),
    UDPCHAT_FROM_ID: sanitiseName(party?.id ?? ""),
    UDPCHAT_FROM_NAME: sanitiseName(party?.name ?? ""),
    UDPCHAT_FROM_ADDRESS: party === undefined ? "" : sanitiseName(`${party.address}:${party.port}`),
    UDPCHAT_FROM_TRUST: party?.trust ?? "",
    UDPCHAT_SENT_AT: "sentAt" in line ? (line.sentAt ?? "") : "",
    UDPCHAT_RECEIVED_AT: message?.receivedAt ?? "",
    UDPCHAT_LATE: message === undefined ? "" : String(message.late),
    UDPCHAT_EVENT: presence?.event ?? "",
    UDPCHAT_ONLINE: presence === undefined ? "" : String(presence.online),
  };
}

/** The same home for a `udpchat` that the program runs, where it is not the default one. */
export function homeEnvironment(home: string | undefined): Record<string, string> {
  return home === undefined || home === "" ? {} : { UDPCHAT_HOME: home };
}
