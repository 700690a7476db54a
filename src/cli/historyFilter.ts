/** Which stored messages are meant, on the command lines of `history` and `export`. */
import type { Input } from "../api/operations.js";
import { UdpchatError } from "../errors.js";
import { parseDurationMs } from "./duration.js";
import type { SpecsOf } from "./options.js";

/** As typed. `peer` is a list, as the option of that name is everywhere else. */
export interface FilterArgs {
  readonly peer?: string[] | undefined;
  readonly group?: string | undefined;
  readonly since?: string | undefined;
}

/** Where they stand in the help. */
export const FILTER_GROUP = "Which messages:";

/** Their declarations. */
export const FILTER_OPTIONS: SpecsOf<FilterArgs> = {
  peer: {
    type: "string",
    array: true,
    requiresArg: true,
    completes: "peer",
    group: FILTER_GROUP,
    describe: "With this peer, and what it said in groups: a name or the start of an id",
  },
  group: {
    type: "string",
    requiresArg: true,
    completes: "group",
    group: FILTER_GROUP,
    describe: "Of this group: 224.0.1.100, address:port or '#name'",
  },
  since: {
    type: "string",
    requiresArg: true,
    group: FILTER_GROUP,
    describe: "Stored since: 2h, 7d, 2026-01-31 or 2026-01-31T08:00",
  },
};

/** @throws UdpchatError INVALID_ARGUMENT */
export function filterInput({ peer = [], group, since }: FilterArgs): Input<"export"> {
  const [whose, second] = peer;
  if (second !== undefined) throw invalid("--peer is given twice", "give it once");
  if (whose === "") throw invalid("--peer is empty", "use a name or the first characters of an id");
  return {
    ...(whose === undefined ? {} : { peer: whose }),
    ...(group === undefined ? {} : { group }),
    ...(since === undefined ? {} : { since: sinceTime(since, new Date()).toISOString() }),
  };
}

/** `2026-01-31`, with a time of day behind `T` or a blank, and perhaps a zone. */
const DATE =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * A duration before `now`, or a date: without a zone it is local.
 * @throws UdpchatError INVALID_ARGUMENT
 */
export function sinceTime(text: string, now: Date): Date {
  const [date, day = "", time = "00:00", zone = ""] = DATE.exec(text.trim()) ?? [];
  const since =
    date === undefined
      ? new Date(now.getTime() - durationMs(text))
      : new Date(`${day}T${time}${zone.toUpperCase()}`);
  // JavaScript takes February 30th for March 2nd.
  const isThere = !Number.isNaN(since.getTime()) && (date === undefined || isDay(day));
  if (!isThere || since.getFullYear() < 0) throw notATime(text);
  return since;
}

function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

function durationMs(text: string): number {
  try {
    return parseDurationMs(text);
  } catch {
    throw notATime(text);
  }
}

function notATime(text: string): UdpchatError {
  return invalid(
    `--since: "${text}" is neither a duration nor a date`,
    "write it as 2h, 7d or 2026-01-31",
  );
}

function invalid(message: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", message, { remedy });
}
