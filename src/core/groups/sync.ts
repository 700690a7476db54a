import { UdpchatError } from "../../errors.js";
import type { GroupData } from "../../wire/group.js";
import {
  decodeGroupSync,
  type GroupSync,
  GroupSyncPurpose,
  peekGroupSync,
  type SyncAsk,
} from "../../wire/groupSync.js";
import type { PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { Archive } from "./archive.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import type { ArchivedVerdict, KeptDatagram } from "./hearsay.js";
import type { KeyExchange } from "./keyExchange.js";
import type { Members } from "./members.js";
import { SyncEnvelope } from "./syncEnvelope.js";
import { SyncExchange, type SyncOutcome } from "./syncExchange.js";
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
  /** A datagram out of what others keep. */
  archived(nowMs: number, data: GroupData, datagram: KeptDatagram, from: PeerRef): ArchivedVerdict;
  /** What is missing is about to come by multicast. */
  isRepairing(nowMs: number): boolean;
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
      isRepairing: (askedAtMs) => around.isRepairing(askedAtMs),
    });
    this.#reschedule();
  }

  /** What was said before we came is on its way: NACKs for it can wait. */
  catchingUp(nowMs: number): boolean {
    return this.#schedule.catchingUp(nowMs);
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
    const content = this.#envelope.open(nowMs, from.id, rest);
    if (content === undefined) return;
    const { purpose, request } = peekGroupSync(content);
    if (purpose > GroupSyncPurpose.busy) return; // of a later version: no lie
    // Cheap first: a record may name thousands of streams.
    if (purpose === GroupSyncPurpose.ask || purpose === GroupSyncPurpose.fetch) {
      // Whoever is not known as a member yet is known soon.
      const isMember = this.#around.members.has(from.id) && !this.#isUnwanted(from.id);
      if (isMember && this.#server.admits(nowMs, from.id, purpose)) {
        this.#asked(nowMs, from, content);
      } else this.#server.turnAway(nowMs, from.id, request);
    } else if (this.#exchange?.device === from.id && this.#exchange.awaits(request)) {
      this.#answered(nowMs, this.#exchange, decodeGroupSync(content));
    }
  }

  #asked(nowMs: number, from: PeerRef, content: Uint8Array): void {
    const sync = decodeGroupSync(content);
    const sizeBytes = content.length;
    if (sync.purpose === GroupSyncPurpose.fetch) {
      this.#server.serve(nowMs, from.id, sync, sizeBytes);
    } else if (sync.purpose === GroupSyncPurpose.ask) {
      this.#server.offer(nowMs, from.id, sync, sizeBytes);
      this.#fetchFrom(nowMs, from.id, sync);
    }
  }

  #answered(nowMs: number, exchange: SyncExchange, sync: GroupSync): void {
    if (sync.purpose === GroupSyncPurpose.offer) exchange.offered(nowMs, sync);
    if (sync.purpose === GroupSyncPurpose.data) exchange.received(nowMs, sync);
    if (sync.purpose === GroupSyncPurpose.busy) exchange.turnedAway(nowMs);
  }

  /** It asked us, and so showed what it holds: what we lack of it we need not ask for. */
  #fetchFrom(nowMs: number, device: string, { streams, partial }: SyncAsk): void {
    const partner = this.#schedule.partner(device);
    if (this.#exchange?.device === device || partner.isShunned(nowMs)) return;
    const exchange = this.#newExchange(nowMs, { device, partner });
    if (!exchange.wants(nowMs, streams)) {
      if (!partial) this.#schedule.nothingWanted(nowMs, partner);
    } else if (this.#exchange === undefined) {
      this.#exchange = exchange;
      exchange.fetch(nowMs, streams);
    }
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
      take: (atMs: number, data: GroupData, datagram: KeptDatagram, device: string) => {
        return this.#take(atMs, data, datagram, device);
      },
      ended: (atMs: number, exchange: SyncExchange, outcome: SyncOutcome) => {
        this.#ended(atMs, exchange, outcome);
      },
    };
    return new SyncExchange(nowMs, this.#context, around, whom);
  }

  #take(nowMs: number, data: GroupData, datagram: KeptDatagram, device: string): ArchivedVerdict {
    const from = this.#around.members.peer(device);
    return from === undefined ? "unwanted" : this.#around.archived(nowMs, data, datagram, from);
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
