import { UdpchatError } from "../../errors.js";
import type { GroupData } from "../../wire/group.js";
import { type GroupSync, GroupSyncPurpose } from "../../wire/groupSync.js";
import type { PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { Archive } from "./archive.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import type { KeyExchange } from "./keyExchange.js";
import type { Members } from "./members.js";
import { SyncEnvelope, type SyncedDatagram } from "./syncEnvelope.js";
import { SyncExchange, type SyncOutcome, type SyncVerdict } from "./syncExchange.js";
import { SyncPost } from "./syncPost.js";
import { SyncSchedule } from "./syncSchedule.js";
import { SyncServer } from "./syncServer.js";

/** Whoever sent what is forged, or what nobody asked for, is not asked again for so long. */
const SHUN_MS = 600_000;

/** What the exchange of what is held needs of the group around it. */
export interface SyncSurroundings {
  readonly name: GroupName;
  readonly archive: Archive;
  readonly members: Members;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
  /** A datagram out of what others keep; false if it is not new, or not to be believed. */
  archived(nowMs: number, data: GroupData, datagram: SyncedDatagram, from: PeerRef): boolean;
  /** The others should see soon what we hold now. */
  showOurselves(nowMs: number): void;
}

/**
 * Anti-entropy of one group: whoever sees that a member holds something else than itself gets
 * from it what it lacks, over a sealed session, one member at a time. PROTOCOL.md section 6.8.
 */
export class Sync {
  readonly #context: GroupsContext;
  readonly #around: SyncSurroundings;
  readonly #envelope: SyncEnvelope;
  readonly #post: SyncPost;
  readonly #server: SyncServer;
  readonly #schedule: SyncSchedule;
  #exchange: SyncExchange | undefined;
  readonly #due: Alarm = (nowMs) => this.#onDue(nowMs);

  constructor(nowMs: number, context: GroupsContext, around: SyncSurroundings) {
    const { name, archive, members, keys } = around;
    this.#context = context;
    this.#around = around;
    this.#envelope = new SyncEnvelope(context, name, keys);
    this.#post = new SyncPost(context, members, this.#envelope);
    this.#server = new SyncServer(context, archive, this.#envelope, this.#post);
    this.#schedule = new SyncSchedule(nowMs, context.random, {
      archive,
      members,
      isUnwanted: (device) => this.#isUnwanted(device),
    });
    this.#reschedule();
  }

  /** What was said before we came is on its way: NACKs for it can wait. */
  catchingUp(nowMs: number): boolean {
    return this.#schedule.catchingUp(nowMs, this.#exchange !== undefined);
  }

  /** A member says, in a heartbeat or a beacon, what it holds. */
  digestHeard(nowMs: number, device: string, digest: string): void {
    if (device === this.#context.identity.device || !this.#around.members.has(device)) return;
    this.#schedule.digestHeard(nowMs, device, digest);
    this.#reschedule();
  }

  /** A member that was offline is here again. */
  memberReturned(device: string): void {
    if (device !== this.#context.identity.device) this.#schedule.memberReturned(device);
  }

  /** A record came in a session; `rest`: what is behind the group id. Throws MALFORMED_DATAGRAM alone. */
  receive(nowMs: number, from: PeerRef, rest: Uint8Array): void {
    try {
      this.#receive(nowMs, from, rest);
    } catch (error) {
      const isTheirs = error instanceof UdpchatError && error.code === "MALFORMED_DATAGRAM";
      if (isTheirs && this.#exchange?.device === from.id) {
        this.#ended(nowMs, this.#exchange, "cheated");
      }
      throw error;
    }
  }

  #receive(nowMs: number, from: PeerRef, rest: Uint8Array): void {
    if (this.#context.trust.isBlocked(from.id) || from.id === this.#context.identity.device) return;
    const sync = this.#envelope.open(nowMs, from.id, rest);
    if (sync === undefined) return;
    const isQuestion =
      sync.purpose === GroupSyncPurpose.ask || sync.purpose === GroupSyncPurpose.fetch;
    if (!isQuestion) this.#answered(nowMs, from, sync);
    // Whoever is not known as a member yet is known soon.
    else if (!this.#around.members.has(from.id) || this.#isUnwanted(from.id)) {
      this.#server.turnAway(nowMs, from.id, sync.request);
    } else if (sync.purpose === GroupSyncPurpose.fetch) this.#server.serve(nowMs, from.id, sync);
    else {
      const isServed = this.#server.offer(nowMs, from.id, sync);
      if (isServed) this.#fetchFrom(nowMs, from.id, sync.streams);
    }
  }

  #answered(nowMs: number, from: PeerRef, sync: GroupSync): void {
    const exchange = this.#exchange;
    if (exchange?.device !== from.id) return;
    if (sync.purpose === GroupSyncPurpose.offer) exchange.offered(nowMs, sync);
    if (sync.purpose === GroupSyncPurpose.data) exchange.received(nowMs, sync);
    if (sync.purpose === GroupSyncPurpose.busy) exchange.turnedAway(nowMs, sync.request);
  }

  /** It asked us, and so showed what it holds: what we lack of it we need not ask for. */
  #fetchFrom(nowMs: number, device: string, streams: Parameters<SyncExchange["fetch"]>[1]): void {
    const partner = this.#schedule.partner(device);
    if (this.#exchange !== undefined || partner.isShunned(nowMs)) return;
    const exchange = this.#newExchange(nowMs, { device, partner });
    if (exchange.fetch(nowMs, streams)) this.#exchange = exchange;
  }

  #onDue(nowMs: number): void {
    if (this.#exchange !== undefined) return;
    const whom = this.#schedule.next(nowMs);
    if (whom !== undefined) {
      this.#exchange = this.#newExchange(nowMs, whom);
      this.#exchange.ask(nowMs);
    }
    this.#reschedule();
  }

  #newExchange(nowMs: number, whom: ConstructorParameters<typeof SyncExchange>[3]): SyncExchange {
    const { archive } = this.#around;
    const around = {
      archive,
      envelope: this.#envelope,
      post: this.#post,
      isUnwanted: (device: string) => this.#isUnwanted(device),
      take: (atMs: number, data: GroupData, datagram: SyncedDatagram, device: string) => {
        return this.#take(atMs, data, datagram, device);
      },
      ended: (atMs: number, exchange: SyncExchange, outcome: SyncOutcome) => {
        this.#ended(atMs, exchange, outcome);
      },
    };
    return new SyncExchange(nowMs, this.#context, around, whom);
  }

  #take(nowMs: number, data: GroupData, datagram: SyncedDatagram, device: string): SyncVerdict {
    const from = this.#around.members.peer(device);
    if (from === undefined) return "refused";
    const { counters } = this.#context;
    const forgedBefore = counters.get("datagramsForged");
    if (this.#around.archived(nowMs, data, datagram, from)) return "kept";
    return counters.get("datagramsForged") > forgedBefore ? "forged" : "refused";
  }

  #ended(nowMs: number, exchange: SyncExchange, outcome: SyncOutcome): void {
    exchange.close();
    this.#exchange = undefined;
    const partner = this.#schedule.partner(exchange.device);
    if (outcome === "cheated") partner.shun(nowMs, SHUN_MS);
    const fruitful = exchange.takenCount > 0;
    if (outcome === "busy" && !fruitful) this.#schedule.turnedAway(nowMs, partner);
    else this.#schedule.ended(nowMs, partner, { fruitful });
    // The others need not get from somewhere else what we have now, nor ask us for what we have not.
    if (fruitful) this.#around.showOurselves(nowMs);
    this.#reschedule();
  }

  /** Blocked by the user, or kept out by the group. */
  #isUnwanted(device: string): boolean {
    return this.#context.trust.isBlocked(device) || this.#around.keys?.isRemoved(device) === true;
  }

  /** Nothing is asked for, served or taken any more. */
  close(nowMs: number): void {
    this.#exchange?.close();
    this.#exchange = undefined;
    this.#post.close(nowMs);
    this.#context.timers.clear(this.#due);
  }

  #reschedule(): void {
    if (this.#exchange !== undefined) this.#context.timers.clear(this.#due);
    else this.#context.timers.set(this.#due, this.#schedule.dueMs);
  }
}
