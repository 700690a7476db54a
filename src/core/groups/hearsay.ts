import type { GroupData } from "../../wire/group.js";
import { authenticityOf } from "../authenticity.js";
import type { Address } from "../io.js";
import type { Archive } from "./archive.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Arrival } from "./heldDatagrams.js";
import type { Intake } from "./intake.js";
import type { KeyExchange } from "./keyExchange.js";
import type { Members } from "./members.js";

/** A signed datagram out of what others keep. */
export type KeptDatagram = Pick<Arrival, "bytes" | "keyId">;

/** New, and kept; here already; not to be held yet; of no use to us; or not by whom it says. */
export type ArchivedVerdict = "kept" | "known" | "early" | "unwanted" | "forged";

/** What hearsay needs of the membership around it. */
export interface HearsaySurroundings {
  readonly groupId: string;
  readonly members: Members;
  readonly archive: Archive;
  readonly intake: Intake;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
}

/** What members say that others said: it says nothing about who is here now. */
export class Hearsay {
  readonly #context: GroupsContext;
  readonly #around: HearsaySurroundings;

  constructor(context: GroupsContext, surroundings: HearsaySurroundings) {
    this.#context = context;
    this.#around = surroundings;
  }

  /** `from`: who gave it to us. */
  archived(
    nowMs: number,
    data: GroupData,
    { bytes, keyId }: KeptDatagram,
    from: Address,
  ): ArchivedVerdict {
    const { archive, members, intake } = this.#around;
    const member = members.find(data);
    if (archive.isKnown(data, data.sequence) || member?.receiver.holds(data.sequence) === true) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return "known";
    }
    const isHole = member === undefined || data.sequence < member.receiver.expected;
    if (!this.#isWanted(data, keyId)) return "unwanted";
    // Much before it is missing, and waited for.
    if (!isHole && !member.receiver.wants(data.sequence)) return "early";
    const verdict = authenticityOf(this.#context, nowMs, data.device, { bytes, from });
    if (verdict !== "genuine") return verdict === "forged" ? "forged" : "unwanted";
    this.#context.counters.add("groupDatagramsReceived");
    if (isHole) {
      return intake.take(nowMs, data, { bytes, keyId, late: true }) ? "kept" : "unwanted";
    }
    // What comes next goes its way: later ones may wait for it.
    const late = !member.isHereFor(data.sequence);
    const isTaken = member.receiver.accept(nowMs, data, { bytes, keyId, late }, false);
    if (!isTaken) return "early";
    const isHere = archive.has(data, data.sequence) || member.receiver.holds(data.sequence);
    return isHere ? "kept" : "unwanted";
  }

  /** Not of ours at this start; and what is sealed, under a key that we have, not by whom we keep out. */
  #isWanted(data: GroupData, keyId: string | undefined): boolean {
    const { groupId, keys } = this.#around;
    const { identity, incarnation } = this.#context;
    const isOurs = data.device === identity.device && data.incarnation === incarnation;
    if (data.groupId !== groupId || isOurs) return false;
    if (keys === undefined || keys.reads(data.device, keyId)) return true;
    this.#context.counters.add("groupDatagramsUnreadable");
    return false;
  }
}
