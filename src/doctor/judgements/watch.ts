import type { ExaminationLine } from "../../api/lines.js";
import { type Finding, finding } from "../finding.js";
import { peerLabel } from "./peers.js";

type Way = ExaminationLine["ways"][number];

/** One examination in which all was lost may be weather. */
const MISSED_BEFORE_STOPPED = 2;

/** Of one peer. */
interface Track {
  /** When its multicast came first. */
  readonly sinceMs: number;
  missed: number;
  stoppedAtMs: number | undefined;
}

/**
 * Notices when the multicast of peers stops arriving here, and when it comes back. Times are of the
 * wall clock, milliseconds since 1970.
 */
export class MulticastWatch {
  readonly #beganAtMs: number;
  /** By id. Bounded by the peers that are watched. */
  readonly #tracks = new Map<string, Track>();

  constructor(beganAtMs: number) {
    this.#beganAtMs = beganAtMs;
  }

  observe(atMs: number, examination: ExaminationLine): Finding[] {
    const { peer, result, ways } = examination;
    if (result !== "examined" || !ways.some(isUnicastHeard)) return [];
    const passes = ways.some((way) => isGroup(way) && way.heardHere > 0);
    const track = this.#tracks.get(peer.id ?? "");
    if (track === undefined) {
      if (passes) {
        const fresh = { sinceMs: this.#beganAtMs, missed: 0, stoppedAtMs: undefined };
        this.#tracks.set(peer.id ?? "", fresh);
      }
      return [];
    }
    track.missed = passes ? 0 : track.missed + 1;
    if (passes && track.stoppedAtMs !== undefined) {
      const found = returned(examination, atMs, atMs - track.stoppedAtMs);
      this.#tracks.set(peer.id ?? "", { sinceMs: atMs, missed: 0, stoppedAtMs: undefined });
      return [found];
    }
    if (track.missed !== MISSED_BEFORE_STOPPED) return [];
    track.stoppedAtMs = atMs;
    return [stopped(examination, atMs, atMs - track.sinceMs)];
  }
}

/** Otherwise it is not multicast that stopped. */
function isUnicastHeard({ way, heardHere }: Way): boolean {
  return way === "unicast" && heardHere > 0;
}

function isGroup({ way }: Way): boolean {
  return way === "discoveryGroup" || way === "namedGroup" || way === "defaultGroup";
}

function stopped({ peer }: ExaminationLine, atMs: number, passedMs: number): Finding {
  return finding("MULTICAST_STOPPED", "problem", {
    seen: `${timeText(atMs)}: multicast of ${peerLabel(peer)} does not arrive any more, after ${spanText(passedMs)}`,
    meaning:
      "a switch or access point with IGMP snooping, and nobody on the network who asks for members, " +
      "forgets them after some four minutes; a daemon joins again every minute, which hides it",
    remedy: "switch an IGMP querier on at the switch or router, or IGMP snooping off",
    peer,
  });
}

function returned({ peer }: ExaminationLine, atMs: number, goneMs: number): Finding {
  return finding("MULTICAST_RETURNED", "note", {
    seen: `${timeText(atMs)}: multicast of ${peerLabel(peer)} arrives again, after ${spanText(goneMs)}`,
    meaning: "whatever was in the way is gone, for now",
    peer,
  });
}

/** `14:03:20`, as the clock on the wall shows it. */
function timeText(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8);
}

/** `4 min 10 s`. */
function spanText(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
