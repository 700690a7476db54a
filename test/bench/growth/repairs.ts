import { DatagramType } from "../../../src/wire/constants.js";
import { decodeGroupData } from "../../../src/wire/group.js";
import { datagramType } from "../../../src/wire/header.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { GroupCrowd } from "./groupCrowd.js";
import type { Sighting } from "./growthTable.js";

const STEP_MS = 1_000;
/** All have heard of all by then. */
const MEET_WITHIN_MS = 300_000;
/** What is exchanged after joining, and what is on its way to those who have it, is over by then. */
const SETTLE_MS = 10_000;
const LINES = 200;
const BETWEEN_LINES_MS = 50;
const ARRIVE_WITHIN_MS = 120_000;
const OWN_LOSS = 0.01;
/** Far apart, so that each loss is repaired by itself; and not the last line. */
const LOST_TO_ALL = { each: 20, from: 10 };

/** What losses cost a group of so many. */
export function observeRepairs(members: number): Sighting {
  const crowd = meet(members);
  const random = new SeededRandom(members);
  const own = speak(crowd, () => () => random.uniform() < OWN_LOSS);
  const shared = speak(crowd, (firstSequence) => {
    const isLost = (firstSequence ?? 0) % LOST_TO_ALL.each === LOST_TO_ALL.from;
    return () => isLost;
  });
  return {
    "1 % lost, each its own: data that somebody lacked": { value: own.lost, unit: "datagrams" },
    "who lacked each of them": { value: own.missed / own.lost, unit: "members" },
    "NACKs for each of them": { value: own.nacks / own.lost, unit: "datagrams" },
    "repairs for each of them": { value: own.repairs / own.lost, unit: "datagrams" },
    "notes of synchronisation, in all": { value: own.notes, unit: "notes" },
    "lost to all members": { value: shared.lost, unit: "datagrams" },
    "NACKs for each of these": { value: shared.nacks / shared.lost, unit: "datagrams" },
    "repairs for each of these": { value: shared.repairs / shared.lost, unit: "datagrams" },
    "notes of synchronisation for these, in all": { value: shared.notes, unit: "notes" },
  };
}

/** Members who all know each other, and have nothing left to tell. */
function meet(count: number): GroupCrowd {
  const crowd = new GroupCrowd(count, count);
  while (crowd.members.some(({ known }) => known < count - 1)) {
    if (crowd.nowMs >= MEET_WITHIN_MS) throw new Error("not all members know all");
    crowd.run(STEP_MS);
  }
  crowd.run(SETTLE_MS);
  return crowd;
}

interface Seen {
  /** Data that somebody lacked at first. */
  readonly lost: number;
  /** How often somebody did. */
  readonly missed: number;
  readonly nacks: number;
  readonly repairs: number;
  readonly notes: number;
}

/**
 * One member speaks, until all have all. `lossOf` is asked for each datagram, with its sequence if
 * it is data and sent for the first time: what it returns decides for each receiver.
 */
function speak(
  crowd: GroupCrowd,
  lossOf: (firstSequence: number | undefined) => () => boolean,
): Seen {
  const [speaker, ...others] = crowd.members;
  if (speaker === undefined) throw new Error("nobody is there");
  const linesBefore = others.map(({ lines }) => lines);
  const notesBefore = crowd.notes;
  const seen = { missed: 0, nacks: 0, repairs: 0 };
  const sent = new Set<number>();
  const lacked = new Set<number>();
  let firstSequence: number | undefined;
  let isLost = (): boolean => false;
  crowd.sent = ({ bytes }) => {
    firstSequence = undefined;
    if (datagramType(bytes) === DatagramType.groupNack) seen.nacks += 1;
    if (datagramType(bytes) === DatagramType.groupData) {
      const { sequence } = decodeGroupData(bytes);
      if (sent.has(sequence)) seen.repairs += 1;
      else firstSequence = sequence;
      sent.add(sequence);
    }
    isLost = lossOf(firstSequence);
  };
  crowd.loses = () => {
    if (!isLost()) return false;
    if (firstSequence !== undefined) {
      seen.missed += 1;
      lacked.add(firstSequence);
    }
    return true;
  };
  for (let line = 0; line < LINES; line += 1) {
    crowd.say(speaker, `line ${line}, which is about as long as lines are`);
    crowd.run(BETWEEN_LINES_MS);
  }
  const giveUpAtMs = crowd.nowMs + ARRIVE_WITHIN_MS;
  while (others.some(({ lines }, i) => lines < (linesBefore[i] ?? 0) + LINES)) {
    if (crowd.nowMs >= giveUpAtMs) throw new Error("not everything came to everybody");
    crowd.run(STEP_MS);
  }
  crowd.run(SETTLE_MS);
  return { ...seen, lost: lacked.size, notes: crowd.notes - notesBefore };
}
