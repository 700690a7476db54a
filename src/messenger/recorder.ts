import { BoundedMap } from "../core/boundedMap.js";
import { HybridClock } from "../core/groups/hybridClock.js";
import type { CoreEvent, PeerRef, Token } from "../core/io.js";
import { forgetSaidBefore } from "../store/groupLogRetention.js";
import {
  isSameParty,
  type MessageStore,
  type NewMessage,
  type StoredLine,
  type StoredParty,
} from "../store/messageStore.js";
import { readingMs } from "../wire/hybridReading.js";
import type { Clock } from "./clock.js";
import { messageText } from "./messageText.js";
import { storedParty } from "./storedShapes.js";

/** Of those that were left last. */
const MAX_FORGOTTEN_GROUPS = 256;

/** What a recorder builds on. */
export interface RecorderParts {
  readonly store: MessageStore;
  readonly clock: Pick<Clock, "wallMs">;
  /** Who we are, and this start. */
  readonly self: () => StoredParty;
  readonly incarnation: string;
  /** Of this start, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** The label of a group that we are in. */
  readonly labelOf: (groupId: string) => string | undefined;
  /** The user is shown what this peer writes. */
  readonly isWanted: (peer: PeerRef) => boolean;
  /** The id under which a text on its way is kept. */
  readonly keptAs: (token: Token) => string | undefined;
}

/** A message of ours that its recipient read. */
export interface ReadByPeer {
  readonly id: string;
  readonly by: StoredParty;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** A step of the batch; returns true if the event is to be settled. */
type Step = () => boolean;

/** What all events of a poll have in common. */
interface Poll {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly self: StoredParty;
  /** What its receipts tell. */
  readonly read: ReadByPeer[];
}

/**
 * Stores what the events of a poll tell, all of it in one batch, before any datagram of the poll
 * leaves: what we acknowledge is kept. Plain text is none of it: nobody signed it, and anybody on
 * the network could fill the history with it.
 */
export class Recorder {
  readonly #parts: RecorderParts;
  /** Where direct messages stand; nobody else reads it. */
  readonly #hybridClock = new HybridClock();
  #read: readonly ReadByPeer[] = [];
  /** Whom the last event was of: thousands of messages share it. */
  #latestPeer: StoredParty | undefined;
  /** When the datagrams of a group were forgotten, by group id. */
  readonly #forgottenAtMs = new BoundedMap<string, number>(MAX_FORGOTTEN_GROUPS);

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** Reading of the clock by which direct messages are sorted. */
  nextHlc(): number {
    return this.#hybridClock.tick(this.#parts.clock.wallMs());
  }

  /**
   * Returns the events without the messages that were stored before: an acknowledgement of ours
   * was lost, and nobody is shown them twice.
   */
  record(events: readonly CoreEvent[]): readonly CoreEvent[] {
    if (events.length === 0) return events;
    const { clock, self, store } = this.#parts;
    const poll: Poll = { nowMs: clock.wallMs(), self: self(), read: [] };
    // Made before the batch: where the disk fails the store runs it once more, in memory.
    const steps = events.map((event) => this.#stepOf(event, poll));
    if (steps.every((step) => step === undefined)) return events;
    const durability = events.some(isPromise) ? "promise" : "soon";
    const news = store.batch(durability, () => {
      poll.read.length = 0;
      return steps.map((step) => step?.() ?? true);
    });
    if (poll.read.length > 0) this.#read = [...this.#read, ...poll.read];
    if (!news.includes(false)) return events;
    return events.filter((_event, index) => news[index] === true);
  }

  /** What receipts told since the last call. */
  takeRead(): readonly ReadByPeer[] {
    const read = this.#read;
    this.#read = [];
    return read;
  }

  /** Undefined where nothing is to be stored. */
  #stepOf(event: CoreEvent, poll: Poll): Step | undefined {
    const { store } = this.#parts;
    switch (event.kind) {
      case "message":
        return this.#arrived(this.#directMessage(event, poll));
      case "groupMessage":
        return this.#arrived(this.#groupLine(event, poll));
      case "groupSaid":
        return this.#said(event, poll);
      case "groupDatagram": {
        const { groupId, of, hlc, sequence, bytes, keyId } = event;
        // Its author's clock may be ahead: it was said before it came.
        const saidAtMs = Math.min(readingMs(hlc), poll.nowMs);
        const datagram = { sequence, bytes, keyId };
        return done(() => store.log.append(groupId, of, hlc, datagram, saidAtMs));
      }
      case "groupForgotten":
        return done(() => store.log.forget(event.groupId, event.of, event.upToSequence));
      case "groupDelivered": {
        const { groupId, to, upToSequence } = event;
        const { incarnation } = this.#parts;
        const party = this.#partyOf(to);
        const { nowMs } = poll;
        return done(() => store.addGroupReceipt(groupId, incarnation, party, upToSequence, nowMs));
      }
      case "delivered":
        return this.#delivered(event, poll);
      case "receipt":
        return this.#wasRead(event, poll);
      default:
        return undefined;
    }
  }

  #arrived(message: NewMessage | undefined): Step | undefined {
    if (message === undefined) return undefined;
    const { store } = this.#parts;
    return () => store.add(message) !== undefined || this.#isNewHere(message);
  }

  /**
   * A line of a group that another process of this home stored since we began: its own are shown
   * it, and so must ours. The core tells us each line once. A direct message comes to one of us.
   */
  #isNewHere({ author, id, group }: NewMessage): boolean {
    if (group === undefined) return false;
    const { store, startedAtMs } = this.#parts;
    const sinceMs = this.#forgottenAtMs.get(group.groupId) ?? startedAtMs;
    return (store.find(author.device, id)?.storedAtMs ?? 0) >= sinceMs;
  }

  /** The datagrams of a group: joined again, the core tells once more what is stored by now. */
  forgetDatagrams(groupId: string): void {
    const { store, clock } = this.#parts;
    forgetSaidBefore(store.log, groupId, Number.POSITIVE_INFINITY);
    this.#forgottenAtMs.set(groupId, clock.wallMs() + 1);
  }

  /** What nobody is shown is not stored; what we wrote to ourselves is already. */
  #directMessage(
    { from, messageId, sentAtMs, body }: EventOf<"message">,
    { nowMs, self }: Poll,
  ): NewMessage | undefined {
    if (from.id === self.device || !this.#parts.isWanted(from)) return undefined;
    return {
      id: messageId,
      author: this.#partyOf(from),
      own: false,
      text: messageText(body),
      sentAtMs,
      storedAtMs: nowMs,
      hlc: this.#hybridClock.tick(nowMs),
      state: "unread",
      to: self,
    };
  }

  #groupLine(event: EventOf<"groupMessage">, { nowMs, self }: Poll): NewMessage | undefined {
    const { isWanted, labelOf } = this.#parts;
    const { groupId, from, messageId, sentAtMs, hlc, body } = event;
    const label = labelOf(groupId);
    if (label === undefined || !isWanted(from)) return undefined;
    // A line of an earlier start comes back to us from others if our store was lost.
    const own = from.id === self.device;
    return {
      id: messageId,
      author: this.#partyOf(from),
      own,
      text: messageText(body),
      sentAtMs,
      storedAtMs: nowMs,
      hlc,
      state: own ? "sent" : "unread",
      group: { groupId, label },
    };
  }

  #said(event: EventOf<"groupSaid">, { nowMs, self: author }: Poll): Step | undefined {
    const { incarnation, labelOf, store } = this.#parts;
    const { groupId, messageId, sentAtMs, hlc, body, sequence } = event;
    const label = labelOf(groupId);
    if (label === undefined) return undefined;
    const group: StoredLine = { groupId, label, datagram: { incarnation, sequence } };
    const text = messageText(body);
    const times = { sentAtMs, storedAtMs: nowMs, hlc };
    return done(() =>
      store.add({ id: messageId, author, own: true, text, ...times, state: "sent", group }),
    );
  }

  #delivered({ token, to }: EventOf<"delivered">, { nowMs, self }: Poll): Step | undefined {
    const { keptAs, store } = this.#parts;
    const id = keptAs(token);
    if (id === undefined) return undefined;
    const receipt = { party: this.#partyOf(to), status: "delivered", atMs: nowMs } as const;
    return done(() => store.addReceipt(self.device, id, receipt));
  }

  /** It counts for direct messages that were written to that very device. */
  #wasRead({ from, receipt }: EventOf<"receipt">, { nowMs, self, read }: Poll): Step {
    const { store } = this.#parts;
    const { device } = self;
    const by = this.#partyOf(from);
    const stored = { party: by, status: "read", atMs: nowMs } as const;
    return done(() => {
      for (const id of receipt.messageIds) {
        const message = store.find(device, id);
        if (message?.to?.device !== from.id || message.group !== undefined) continue;
        if (store.addReceipt(device, id, stored)) read.push({ id, by });
      }
    });
  }

  #partyOf(peer: PeerRef): StoredParty {
    const party = storedParty(peer);
    if (this.#latestPeer === undefined || !isSameParty(party, this.#latestPeer)) {
      this.#latestPeer = party;
    }
    return this.#latestPeer;
  }
}

function done(write: () => unknown): Step {
  return () => {
    write();
    return true;
  };
}

/** Somebody is told that it is kept, or relies on it: also whoever called `say`. */
const PROMISES: ReadonlySet<CoreEvent["kind"]> = new Set([
  "message",
  "delivered",
  "receipt",
  "groupSaid",
]);

function isPromise({ kind }: CoreEvent): boolean {
  return PROMISES.has(kind);
}
