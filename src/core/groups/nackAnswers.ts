import { isSameDigest } from "../../crypto/hash.js";
import type { GroupData, GroupNack, SequenceRange } from "../../wire/group.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import type { GroupDatagram } from "./hearing.js";
import type { Member } from "./member.js";
import type { Members } from "./members.js";
import type { GroupRoundTrip } from "./nack.js";
import type { Sender } from "./sender.js";
import { StandIn } from "./standIn.js";

/** NACKs that come within this time of the first are answered with it. */
const REPAIR_COLLECT_MS = 2;

/** What answers need of the membership around them. */
export interface NackAnswersSurroundings {
  readonly members: Members;
  readonly sender: Sender;
  readonly roundTrip: GroupRoundTrip;
  /** We said goodbye: what others said is theirs to repeat. */
  readonly leaving: boolean;
  /** See `Sender.trail`. */
  trail(): number;
  isBelieved(nowMs: number, device: string, datagram: GroupDatagram): boolean;
  /** Somebody asks for what we said; `missing` ascends. */
  asked(nowMs: number, asker: Member, missing: readonly SequenceRange[]): void;
  /** They should hear from us what we can repeat. */
  heartbeatAsked(nowMs: number): void;
  /** Repairs wait for their turn. */
  repairsReady(): void;
}

/** What is done about the NACKs of others: PROTOCOL.md section 6.4. */
export class NackAnswers {
  readonly #context: GroupsContext;
  readonly #around: NackAnswersSurroundings;
  readonly #standIn: StandIn;
  /** NACKs that come together are answered together: then the queued repairs get their turn. */
  readonly #collected: Alarm = () => this.#around.repairsReady();

  constructor(context: GroupsContext, surroundings: NackAnswersSurroundings) {
    this.#context = context;
    this.#around = surroundings;
    this.#standIn = new StandIn(context.random, context.timers, {
      roundTrip: surroundings.roundTrip,
      memberCount: () => surroundings.members.online,
      repeat: (of, sequences) => {
        surroundings.sender.repairs.add(of, sequences);
        surroundings.repairsReady();
      },
    });
  }

  /** More NACKs may come that want the same: repairs do not go yet. */
  get collecting(): boolean {
    return this.#context.timers.get(this.#collected) !== undefined;
  }

  receive(nowMs: number, nack: GroupNack, datagram: GroupDatagram): void {
    // Strangers miss nothing: they begin with what is said when they come.
    const asker = this.#around.members.find(nack);
    if (asker === undefined || asker.hasSpent(nowMs, nack)) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    if (this.#around.sender.isOurs(nack.of)) this.#ofOurs(nowMs, nack, asker, datagram);
    else if (!this.#around.leaving) this.#ofOthers(nowMs, nack, asker, datagram);
  }

  #ofOurs(nowMs: number, nack: GroupNack, asker: Member, datagram: GroupDatagram): void {
    const { repairs } = this.#around.sender;
    const { grttMs } = this.#around.roundTrip;
    const trail = this.#around.trail();
    const isHopeless = nack.missing.some((range) => range.first < trail);
    if (!isHopeless && !repairs.mayWant(nowMs, nack.of, nack.missing, grttMs)) return;
    if (!this.#around.isBelieved(nowMs, nack.device, datagram)) return;
    const wanted = repairs.wanted(nowMs, nack.of, nack.missing, grttMs);
    asker.asked(nowMs, nack);
    this.#around.asked(nowMs, asker, nack.missing);
    repairs.add(nack.of, wanted);
    if (wanted.length > 0 && !this.collecting) {
      this.#context.timers.set(this.#collected, nowMs + REPAIR_COLLECT_MS);
    }
    // They wait for what we cannot repeat: a heartbeat tells them.
    if (isHopeless && !this.#around.leaving) this.#around.heartbeatAsked(nowMs);
  }

  /** Perhaps we need not ask for the same; perhaps we have what its author does not repeat. */
  #ofOthers(nowMs: number, nack: GroupNack, asker: Member, datagram: GroupDatagram): void {
    const author = this.#around.members.find(nack.of);
    const isAnswered = author?.receiver.isCoveredBy(nack.missing) === true;
    const { repairs } = this.#around.sender;
    const { grttMs } = this.#around.roundTrip;
    if (!isAnswered && !repairs.mayWant(nowMs, nack.of, nack.missing, grttMs)) return;
    if (!this.#around.isBelieved(nowMs, nack.device, datagram)) return;
    const wanted = repairs.wanted(nowMs, nack.of, nack.missing, grttMs);
    asker.asked(nowMs, nack);
    if (isAnswered) author.receiver.suppress(nowMs);
    const isHere = author?.state === "online" && wanted.some((one) => one >= author.receiver.trail);
    this.#standIn.asked(nowMs, nack.of, wanted, isHere);
  }

  /** Somebody sent what we keep already: it may be what we were about to repeat. */
  repeated(nowMs: number, data: GroupData, { bytes, via }: GroupDatagram): void {
    if (via === "data") return; // to us alone
    const { sequence } = data;
    const { archive, repairs } = this.#around.sender;
    if (!this.#standIn.has(data, sequence) && !repairs.has(data, sequence)) return;
    // Its signature needs no check, but what silences us must be what we would say.
    const kept = archive.read(data, sequence);
    if (kept === undefined || !isSameDigest(kept.bytes, bytes)) return;
    this.#standIn.heard(nowMs, data, sequence);
    repairs.heard(nowMs, data, sequence);
  }

  /** From now on only what we said ourselves is repeated. */
  leave(): void {
    this.#standIn.close();
  }

  close(): void {
    this.#standIn.close();
    this.#context.timers.clear(this.#collected);
  }
}
