/** What passes between a peer and us, of examinations. */
import type { ExaminationLine, PeerRefLine } from "../../api/lines.js";
import { sanitiseName } from "../../sanitise.js";
import { type Finding, type FindingCode, finding } from "../finding.js";
import { DEFAULT_GROUP_MEANING, DEFAULT_GROUP_REMEDY } from "./hearing.js";

type Way = ExaminationLine["ways"][number];

/** `bob (10.77.0.2:22400)`. */
export function peerLabel({ name, address, port }: Omit<PeerRefLine, "id" | "trust">): string {
  const where = `${sanitiseName(address)}:${port}`;
  return name === "" ? where : `${sanitiseName(name)} (${where})`;
}

/** `platform`: of this host, which commands are for. */
export function judgeExamination(
  examination: ExaminationLine,
  platform: NodeJS.Platform,
): Finding[] {
  const { peer, result } = examination;
  const label = peerLabel(peer);
  if (result !== "examined") return [notExamined(examination, label)];
  const findings = [
    ...judgeWays(examination, label, platform),
    ...judgeClock(examination, label, platform),
  ];
  if (findings.some(({ severity }) => severity === "problem")) return findings;
  const ways = findings.length === 0 ? "everything" : "all that matters";
  return [
    ...findings,
    finding("PEER_OK", "ok", {
      seen: `${label}: ${ways} passes in both directions`,
      meaning: "you and this peer can find each other, write, and chat in groups",
      peer,
    }),
  ];
}

function notExamined({ peer, result }: ExaminationLine, label: string): Finding {
  const isBusy = result === "busy";
  return finding("PEER_NOT_EXAMINED", "note", {
    seen: isBusy
      ? `${label} is being examined by too many at once`
      : `${label} answers, but its version of udpchat knows no examinations`,
    meaning: "messages reach it; what else passes is not known",
    remedy: isBusy ? "try again in a moment" : "update udpchat there",
    peer,
  });
}

/** What passes one way: in both directions, in one, or not at all. */
type Passing = "both" | "toPeer" | "fromPeer" | "neither";

/** Where the peer did not report, what we heard stands for both. */
function passing(way: Way | undefined): Passing {
  if (way === undefined) return "both";
  const here = way.heardHere > 0;
  const there = way.heardThere === null ? here : way.heardThere > 0;
  if (here && there) return "both";
  if (here) return "fromPeer";
  return there ? "toPeer" : "neither";
}

const DIRECTION: Readonly<Record<Exclude<Passing, "both">, (label: string) => string>> = {
  toPeer: (label) => `from ${label} does not reach this machine; ours reaches it`,
  fromPeer: (label) => `of ours does not reach ${label}; what it sends reaches this machine`,
  neither: (label) => `between ${label} and this machine is lost in both directions`,
};

/** Where the cause must be: whoever does not hear has it, or the network between. */
const WHERE: Readonly<Record<Exclude<Passing, "both">, string>> = {
  toPeer: "look for a firewall on this machine, or ask who runs the network",
  fromPeer: "run udpchat doctor on the other machine: a firewall there is likely",
  neither: "look at what lies between: a switch, an access point with client isolation, a VPN",
};

function judgeWays(
  { peer, ways }: ExaminationLine,
  label: string,
  platform: NodeJS.Platform,
): Finding[] {
  const of = (name: string): Passing => passing(ways.find(({ way }) => way === name));
  const lost = (
    what: string,
    how: Passing,
    codes: readonly [FindingCode, FindingCode],
    details: Pick<Finding, "meaning"> & Partial<Finding>,
  ): Finding[] => {
    if (how === "both") return [];
    const code = codes[how === "neither" ? 0 : 1];
    const seen = `${what} ${DIRECTION[how](label)}`;
    return [finding(code, "problem", { seen, remedy: WHERE[how], peer, ...details })];
  };
  const [unicast, full, broadcast] = [of("unicast"), of("fullUnicast"), of("broadcast")];
  const group = ["discoveryGroup", "namedGroup"].map(of).find((how) => how !== "both") ?? "both";
  return [
    ...lost("unicast", unicast, ["UNICAST_ONE_WAY", "UNICAST_ONE_WAY"], {
      meaning: "messages are slow, or don't arrive",
    }),
    ...(unicast === "both"
      ? lost("a datagram of 1,200 bytes", full, FULL_LOST, {
          ...FULL_DETAILS,
          command: mtuCommand(platform),
        })
      : []),
    ...(full === "both" ? judgeFragments(of("fragments"), peer, label) : []),
    ...lost("broadcast", broadcast, ["BROADCAST_BLOCKED", "BROADCAST_ONE_WAY"], {
      meaning: "you find each other by multicast alone, if at all",
    }),
    ...lost("multicast", group, ["MULTICAST_BLOCKED", "MULTICAST_ONE_WAY"], {
      meaning: "what is said in groups goes by unicast between you: all of it arrives, slower",
    }),
    ...(group === "both"
      ? lost("multicast to 224.0.1.100 alone", of("defaultGroup"), DEFAULT_GROUP, {
          meaning: DEFAULT_GROUP_MEANING,
          ...DEFAULT_GROUP_REMEDY,
        })
      : []),
  ];
}

const DEFAULT_GROUP = ["DEFAULT_GROUP_BLOCKED", "DEFAULT_GROUP_BLOCKED"] as const;
const FULL_LOST = ["FULL_DATAGRAMS_LOST", "FULL_DATAGRAMS_LOST"] as const;
const FULL_DETAILS = {
  meaning:
    "short messages arrive, long ones never do: what lies between carries no packet that large",
  remedy:
    "raise the MTU of every tunnel and interface between to 1280 at least, or have them pass " +
    "fragments; this shows the MTU of yours",
};

/** Shows the MTU of each interface. */
function mtuCommand(platform: NodeJS.Platform): string {
  switch (platform) {
    case "linux":
      return "ip link";
    case "win32":
      return "netsh interface ipv4 show subinterfaces";
    default:
      return "ifconfig";
  }
}

function judgeFragments(how: Passing, peer: PeerRefLine, label: string): Finding[] {
  if (how === "both") return [];
  return [
    finding("FRAGMENTS_LOST", "note", {
      seen: `a datagram of 2,000 bytes, which takes two packets, ${DIRECTION[how](label)}`,
      meaning: "udpchat sends none of that size but for send --plain: nothing else suffers",
      remedy: "keep plain texts below 1,400 bytes",
      peer,
    }),
  ];
}

/** Lines stand in another order than they were said. */
const CLOCK_NOTE_MS = 5_000;
/** Nobody can make sense of the times any more. */
const CLOCK_PROBLEM_MS = 60_000;

function judgeClock(
  { peer, clockAheadMs }: ExaminationLine,
  label: string,
  platform: NodeJS.Platform,
): Finding[] {
  const offMs = Math.abs(clockAheadMs ?? 0);
  if (clockAheadMs === null || offMs < CLOCK_NOTE_MS) return [];
  const where = clockAheadMs > 0 ? "ahead of" : "behind";
  return [
    finding("CLOCK_OFF", offMs >= CLOCK_PROBLEM_MS ? "problem" : "note", {
      seen: `the clock of ${label} is ${spanText(offMs)} ${where} the one of this machine`,
      meaning:
        "messages show times that nobody expects, and lines in groups may stand in odd places",
      remedy: `set the clock of the machine that is wrong${clockHint(platform)}`,
      command: clockCommand(platform),
      peer,
    }),
  ];
}

function clockHint(platform: NodeJS.Platform): string {
  return clockCommand(platform) === null ? "" : "; this sets the clock of this one by the network";
}

/** Has the network set the clock of this machine. */
function clockCommand(platform: NodeJS.Platform): string | null {
  switch (platform) {
    case "linux":
      return "sudo timedatectl set-ntp true";
    case "darwin":
      return "sudo systemsetup -setusingnetworktime on";
    case "win32":
      return "w32tm /resync";
    default:
      return null;
  }
}

function spanText(ms: number): string {
  const units: readonly [number, string][] = [
    [86_400_000, "days"],
    [3_600_000, "hours"],
    [60_000, "minutes"],
  ];
  const [unitMs, unit] = units.find(([size]) => ms >= 2 * size) ?? [1000, "seconds"];
  return `${Math.round(ms / unitMs)} ${unit}`;
}

/** The clocks of most peers differ from ours in the same way: it is ours that is wrong. */
export function judgeOwnClock(
  examinations: readonly ExaminationLine[],
  platform: NodeJS.Platform,
): Finding[] {
  const aheads = examinations.flatMap(({ clockAheadMs }) => clockAheadMs ?? []);
  if (aheads.length < 2) return [];
  const [first = 0] = aheads;
  if (Math.abs(first) < CLOCK_PROBLEM_MS) return [];
  if (aheads.some((ahead) => Math.abs(ahead - first) > CLOCK_NOTE_MS)) return [];
  return [
    finding("CLOCK_OFF", "problem", {
      seen: `the clock of this machine is ${spanText(Math.abs(first))} ${first > 0 ? "behind" : "ahead of"} those of all ${aheads.length} peers`,
      meaning: "what you say shows times that nobody expects, and stands in odd places in groups",
      remedy: `set the clock of this machine${clockHint(platform)}`,
      command: clockCommand(platform),
    }),
  ];
}
