import type { GroupData } from "../../wire/group.js";
import { messageId } from "../../wire/record.js";
import type { Address, PeerRef } from "../io.js";
import type { Archive } from "./archive.js";
import { completedBy } from "./assembly.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Arrival } from "./heldDatagrams.js";
import { boundedReading, latestReading } from "./hybridClock.js";
import type { Members } from "./members.js";

type IntakeContext = Pick<
  GroupsContext,
  "clock" | "counters" | "outputs" | "wallMs" | "oldestHlc" | "addressOf"
>;

/** Of an author whom nobody has found while we were here. */
const NOWHERE: Address = { address: "", port: 0 };

/**
 * Where what others say becomes ours: it is kept, and every message that it completes is told, in
 * one turn. So what is held was told, and what is not held was not, whenever the power fails: a
 * datagram is kept when it is its turn and not when it arrives, or a crash would take those that
 * waited for an earlier one, with nobody to bring them again.
 */
export class Intake {
  readonly #context: IntakeContext;
  readonly #groupId: string;
  readonly #archive: Archive;
  readonly #members: Pick<Members, "find" | "peer">;

  constructor(
    context: IntakeContext,
    groupId: string,
    archive: Archive,
    members: Pick<Members, "find" | "peer">,
  ) {
    this.#context = context;
    this.#groupId = groupId;
    this.#archive = archive;
    this.#members = members;
  }

  /** @returns false if it is known, or too old */
  take(nowMs: number, data: GroupData, { bytes, keyId, late, live }: Arrival): boolean {
    const { clock, counters, outputs } = this.#context;
    const wallMs = this.#context.wallMs(nowMs);
    const latest = latestReading(data.entries);
    clock.heard(latest);
    const hlc = boundedReading(latest, wallMs);
    const { sequence } = data;
    // What is said now is heard, however far back the clock of its author is.
    if (live !== true && hlc < this.#context.oldestHlc(nowMs)) {
      counters.add("groupDatagramsTooOld");
      this.#archive.refuseUpTo(data, sequence);
      return false;
    }
    if (!this.#archive.keep(data, hlc, { sequence, bytes, keyId })) return false;
    // What it said in a later start came before.
    const laterHlc = this.#archive.latestHlcElsewhere(data);
    const passedOver = (why: "malformed" | "unknown"): void =>
      counters.add(why === "unknown" ? "groupEntriesUnknown" : "datagramsMalformed");
    for (const message of completedBy(this.#archive, data, passedOver)) {
      const messageHlc = boundedReading(message.hlc, wallMs);
      outputs.event({
        kind: "groupMessage",
        groupId: this.#groupId,
        from: this.#author(data),
        messageId: messageId(data.incarnation, message.messageSequence),
        sentAtMs: message.sentAtMs,
        hlc: messageHlc,
        late: late || messageHlc < laterHlc,
        body: message.body,
      });
    }
    return true;
  }

  #author(data: GroupData): PeerRef {
    const met = this.#members.find(data)?.peer() ?? this.#members.peer(data.device);
    if (met !== undefined) return met;
    const at = this.#context.addressOf(data.device) ?? NOWHERE;
    return { id: data.device, name: data.name, address: at.address, port: at.port };
  }
}
