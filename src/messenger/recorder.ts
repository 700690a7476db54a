import { BoundedMap } from "../core/boundedMap.js";
import { HybridClock } from "../core/groups/hybridClock.js";
import type { CoreEvent, PeerRef, Token } from "../core/io.js";
import { forgetSaidBefore } from "../store/groupLogRetention.js";
import type {
  MessageStore,
  NewMessage,
  StoredLine,
  StoredParty,
  StoredReceipt,
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
    const read: ReadByPeer[] = [];
    // Made before the batch: where the disk fails the store runs it once more, in memory.
    const steps = events.map((event) => this.#stepOf(event, read));
    if (steps.every((step) => step === undefined)) return events;
    const durability = events.some(isPromise) ? "promise" : "soon";
    const news = this.#parts.store.batch(durability, () => {
      read.length = 0;
      return steps.map((step) => step?.() ?? true);
    });
    this.#read = [...this.#read, ...read];
    return events.filter((_event, index) => news[index] === true);
  }

  /** What receipts told since the last call. */
  takeRead(): readonly ReadByPeer[] {
    const read = this.#read;
    this.#read = [];
    return read;
  }

  /** Undefined where nothing is to be stored. */
  #stepOf(event: CoreEvent, read: ReadByPeer[]): Step | undefined {
    const { store } = this.#parts;
    switch (event.kind) {
      case "message":
        return this.#arrived(this.#directMessage(event));
      case "groupMessage":
        return this.#arrived(this.#groupLine(event));
      case "groupSaid":
        return this.#said(event);
      case "groupDatagram": {
        const { groupId, of, hlc, sequence, bytes, keyId } = event;
        // Its author's clock may be ahead: it was said before it came.
        const saidAtMs = Math.min(readingMs(hlc), this.#parts.clock.wallMs());
        const datagram = { sequence, bytes, keyId };
        return done(() => store.log.append(groupId, of, hlc, datagram, saidAtMs));
      }
      case "groupForgotten":
        return done(() => store.log.forget(event.groupId, event.of, event.upToSequence));
      case "groupDelivered": {
        const { groupId, to, upToSequence } = event;
        const { incarnation, clock } = this.#parts;
        const party = storedParty(to);
        const atMs = clock.wallMs();
        return done(() => store.addGroupReceipt(groupId, incarnation, party, upToSequence, atMs));
      }
      case "delivered":
        return this.#delivered(event);
      case "receipt":
        return this.#wasRead(event, read);
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
  #directMessage({ from, messageId, sentAtMs, body }: EventOf<"message">): NewMessage | undefined {
    const { clock, isWanted, self } = this.#parts;
    const { device } = self();
    if (from.id === device || !isWanted(from)) return undefined;
    return {
      id: messageId,
      author: storedParty(from),
      own: false,
      text: messageText(body),
      sentAtMs,
      storedAtMs: clock.wallMs(),
      hlc: this.nextHlc(),
      state: "unread",
      to: self(),
    };
  }

  #groupLine(event: EventOf<"groupMessage">): NewMessage | undefined {
    const { clock, isWanted, labelOf, self } = this.#parts;
    const { groupId, from, messageId, sentAtMs, hlc, body } = event;
    const label = labelOf(groupId);
    if (label === undefined || !isWanted(from)) return undefined;
    // A line of an earlier start comes back to us from others if our store was lost.
    const own = from.id === self().device;
    return {
      id: messageId,
      author: storedParty(from),
      own,
      text: messageText(body),
      sentAtMs,
      storedAtMs: clock.wallMs(),
      hlc,
      state: own ? "sent" : "unread",
      group: { groupId, label },
    };
  }

  #said(event: EventOf<"groupSaid">): Step | undefined {
    const { clock, incarnation, labelOf, self, store } = this.#parts;
    const { groupId, messageId, sentAtMs, hlc, body, sequence } = event;
    const label = labelOf(groupId);
    if (label === undefined) return undefined;
    const group: StoredLine = { groupId, label, datagram: { incarnation, sequence } };
    const text = messageText(body);
    const times = { sentAtMs, storedAtMs: clock.wallMs(), hlc };
    const author = self();
    return done(() =>
      store.add({ id: messageId, author, own: true, text, ...times, state: "sent", group }),
    );
  }

  #delivered({ token, to }: EventOf<"delivered">): Step | undefined {
    const { keptAs, clock, self, store } = this.#parts;
    const id = keptAs(token);
    if (id === undefined) return undefined;
    const { device } = self();
    const party = storedParty(to);
    const atMs = clock.wallMs();
    return done(() => {
      store.setRecipient(device, id, party);
      store.addReceipt(device, id, { party, status: "delivered", atMs });
    });
  }

  /** It counts for direct messages that were written to that very device. */
  #wasRead({ from, receipt }: EventOf<"receipt">, read: ReadByPeer[]): Step {
    const { clock, self, store } = this.#parts;
    const { device } = self();
    const by = storedParty(from);
    const stored: StoredReceipt & { readonly atMs: number } = {
      party: by,
      status: "read",
      atMs: clock.wallMs(),
    };
    return done(() => {
      for (const id of receipt.messageIds) {
        const message = store.find(device, id);
        if (message?.to?.device !== from.id || message.group !== undefined) continue;
        if (store.addReceipt(device, id, stored)) read.push({ id, by });
      }
    });
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
