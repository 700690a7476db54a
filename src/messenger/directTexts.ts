import type { SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type {
  MessageStore,
  NewMessage,
  OutboxTerms,
  StoredMessage,
  StoredParty,
} from "../store/messageStore.js";
import { nothingKept } from "../store/nullMessageStore.js";
import type { Clock } from "./clock.js";
import { messageBody } from "./messageText.js";
import type { Outbox } from "./outbox.js";
import type { Outgoing } from "./outgoing.js";
import type { TrustReader } from "./peerShapes.js";
import { partyRef } from "./storedShapes.js";
import { isCalled } from "./target.js";
import {
  type Delivered,
  type Delivery,
  type Queued,
  type SendOptions,
  UndeliveredError,
} from "./types.js";
import { checkedDurationMs, closedError, Deadline } from "./waiting.js";

/** What texts build on. */
export interface DirectTextsParts {
  readonly store: MessageStore;
  /** Messages are kept: they can be queued, and known again by an id. */
  readonly keeps: boolean;
  readonly clock: Clock;
  readonly outgoing: Outgoing;
  readonly outbox: Outbox;
  readonly trust: TrustReader;
  readonly self: () => StoredParty;
  readonly newMessageId: () => string;
  readonly nextHlc: () => number;
  /** A peer as far as it is known here. */
  readonly partyAt: (target: SendTarget) => StoredParty;
}

/** A text that the application wants to be sent. */
export interface DirectText {
  /** As the caller named its recipient. */
  readonly label: string;
  readonly text: string;
  readonly options: SendOptions;
  readonly find: () => Promise<SendTarget>;
  /** Somebody whom we know, whether he is there or not; nobody is asked. */
  readonly noted: () => SendTarget | undefined;
}

/** Of a queued message. */
export const DEFAULT_TTL_MS = 7 * 86_400_000;
/** Printable ASCII. */
const CLIENT_ID = /^[\x20-\x7e]{1,64}$/;

/**
 * Texts of ours from the call to their end, stored before they leave:
 *
 * ```text
 *   find the peer -> store as sent   -> with the core -> delivered | undelivered
 *                    store as queued -> outbox        -> delivered | still queued
 * ```
 */
export class DirectTexts {
  readonly #parts: DirectTextsParts;
  /** By client id, until it is stored or its call has failed; bounded by the calls that wait. */
  readonly #beginning = new Map<string, Promise<void>>();
  /** By message id, without those of the outbox; bounded by the calls that wait. */
  readonly #onTheirWay = new Map<string, Promise<Delivered>>();
  #closed = false;

  constructor(parts: DirectTextsParts) {
    this.#parts = parts;
  }

  /** @throws UdpchatError what `Messenger.send` does */
  async send(text: DirectText): Promise<Delivery> {
    const { options } = text;
    messageBody(text.text);
    checkedDurationMs(options.ttlMs ?? DEFAULT_TTL_MS);
    const clientId = checkedClientId(options.id);
    if (!this.#parts.keeps && (options.queue === true || clientId !== undefined)) {
      throw nothingKept();
    }
    return clientId === undefined ? this.#sendNew(text) : this.#sendOnce(text, clientId);
  }

  /** Calls that wait reject, or say that theirs is queued. */
  close(): void {
    this.#closed = true;
  }

  /** One call at a time begins with an id; the others go on with what it stored. */
  async #sendOnce(text: DirectText, clientId: string): Promise<Delivery> {
    for (;;) {
      const beginning = this.#beginning.get(clientId);
      if (beginning === undefined) break;
      await beginning;
    }
    const known = this.#parts.store.findByClientId(clientId);
    if (known !== undefined) return this.#again(known, text);
    let begun: () => void = () => undefined;
    this.#beginning.set(clientId, new Promise((resolve) => (begun = resolve)));
    const end = (): void => {
      this.#beginning.delete(clientId);
      begun();
    };
    return this.#sendNew(text, end).finally(end);
  }

  #sendNew(text: DirectText, stored: () => void = () => undefined): Promise<Delivery> {
    const keep = (target: SendTarget): StoredMessage => {
      const message = this.#keep(text, target);
      stored();
      return message;
    };
    if (text.options.queue === true) return this.#queue(text, keep);
    return this.#sendNow(text, keep);
  }

  /** The same call again: the same message. */
  async #again(known: StoredMessage, text: DirectText): Promise<Delivery> {
    const isDelivered = known.state === "delivered" || known.state === "read";
    if (known.text !== text.text) throw otherMessage(text);
    if (!isNamed(known.to, text.label)) {
      assertSame(known, text.noted() ?? (await text.find()), text);
    }
    if (isDelivered) return deliveredBefore(known, this.#parts.trust);
    if (known.state === "queued") return this.#awaitQueued(known, text);
    const onItsWay = this.#onTheirWay.get(known.id);
    if (onItsWay !== undefined) return this.#join(onItsWay, text);
    const keep = (target: SendTarget): StoredMessage => this.#keepAgain(known, target, text);
    if (text.options.queue === true) return this.#queue(text, keep);
    return this.#sendNow(text, keep);
  }

  async #join(onItsWay: Promise<Delivered>, { label, options }: DirectText): Promise<Delivery> {
    const deadline = new Deadline(this.#parts.clock, options, () => notInTime(label));
    try {
      return await deadline.race(onItsWay);
    } finally {
      deadline.stop();
    }
  }

  /** Delivered in time, or not at all. */
  #sendNow(text: DirectText, keep: (target: SendTarget) => StoredMessage): Promise<Delivered> {
    const { store, outgoing, self } = this.#parts;
    let kept: StoredMessage | undefined;
    const sent = outgoing.sendText({
      label: text.label,
      text: text.text,
      options: text.options,
      find: text.find,
      keep: (target) => {
        kept = keep(target);
        this.#onTheirWay.set(kept.id, ended);
        return kept;
      },
    });
    const ended = sent.finally(() => {
      if (kept !== undefined) this.#onTheirWay.delete(kept.id);
    });
    ended.catch(() => {
      const { id } = kept ?? {};
      if (id === undefined) return;
      store.batch("soon", () => store.setState(self().device, id, "undelivered"));
    });
    return ended;
  }

  /** Stored before anything is answered. */
  async #queue(text: DirectText, keep: (target: SendTarget) => StoredMessage): Promise<Delivery> {
    const { clock } = this.#parts;
    const deadline = new Deadline(clock, text.options, () => notInTime(text.label));
    let message: StoredMessage;
    try {
      const target = await this.#findOrNoted(text, deadline);
      if (this.#closed) throw closedError();
      message = keep(target);
    } catch (error) {
      deadline.stop();
      throw error;
    }
    return this.#awaitQueued(message, text, deadline);
  }

  /** Whoever is not there in time may be known. */
  async #findOrNoted({ find, noted }: DirectText, deadline: Deadline): Promise<SendTarget> {
    try {
      return await deadline.race(find());
    } catch (error) {
      const known = isAbsence(error) ? noted() : undefined;
      if (known === undefined) throw error;
      return known;
    }
  }

  async #awaitQueued(
    message: StoredMessage,
    { label, options }: DirectText,
    deadline = new Deadline(this.#parts.clock, options, () => notInTime(label)),
  ): Promise<Delivery> {
    const { outbox, trust } = this.#parts;
    const { ended, leave } = outbox.dispatch(message);
    try {
      return (await deadline.race(ended)) ?? queued(message, trust);
    } catch (error) {
      // It expired or was dropped; or the caller went away, and it stays queued all the same.
      const isLate = error instanceof UdpchatError && error.code === "TIMEOUT";
      if (!isLate || error instanceof UndeliveredError) throw error;
      return queued(message, trust);
    } finally {
      leave();
      deadline.stop();
    }
  }

  #keep(text: DirectText, target: SendTarget): StoredMessage {
    const { store, self, newMessageId, nextHlc, partyAt, clock } = this.#parts;
    const { id: clientId, queue = false } = text.options;
    const now = clock.wallMs();
    const message: NewMessage = {
      id: newMessageId(),
      author: self(),
      own: true,
      text: text.text,
      sentAtMs: now,
      storedAtMs: now,
      hlc: nextHlc(),
      state: queue ? "queued" : "sent",
      to: partyAt(target),
      clientId,
      outbox: queue ? this.#terms(text) : undefined,
    };
    const kept = store.batch(queue ? "promise" : "soon", () => {
      // Another process of this home may have begun with the same id.
      const other = clientId === undefined ? undefined : store.findByClientId(clientId);
      return other ?? store.add(message);
    });
    if (kept === undefined) throw new UdpchatError("INTERNAL", "the new id of a message is taken");
    if (kept.text !== text.text) throw otherMessage(text);
    assertSame(kept, target, text);
    return kept;
  }

  /** Nobody acknowledged it before: under the same id, in case that it arrived all the same. */
  #keepAgain(known: StoredMessage, target: SendTarget, text: DirectText): StoredMessage {
    assertSame(known, target, text);
    const { store, self } = this.#parts;
    const { device } = self();
    if (text.options.queue === true) {
      const outbox = this.#terms(text);
      store.batch("promise", () => store.requeue(device, known.id, outbox));
      return { ...known, state: "queued", outbox };
    }
    store.batch("soon", () => store.setState(device, known.id, "sent"));
    return known;
  }

  #terms({ options }: DirectText): OutboxTerms {
    const expiresAtMs = this.#parts.clock.wallMs() + (options.ttlMs ?? DEFAULT_TTL_MS);
    return { expiresAtMs, requireVerified: options.requireVerified === true };
  }
}

/** @throws UdpchatError INVALID_ARGUMENT */
function checkedClientId(id: string | undefined): string | undefined {
  if (id === undefined || CLIENT_ID.test(id)) return id;
  throw new UdpchatError("INVALID_ARGUMENT", `"${id}" cannot be the id of a message`, {
    remedy: "use 1 to 64 printable characters of ASCII",
  });
}

/** Without asking the network: the caller writes what he wrote before. */
function isNamed(to: StoredParty | undefined, label: string): boolean {
  if (to === undefined) return false;
  const { device, name, address, port } = to;
  const text = label.trim();
  return text === `${address}:${port}` || (device !== "" && isCalled({ id: device, name }, text));
}

/** @throws UdpchatError INVALID_ARGUMENT */
function assertSame({ to }: StoredMessage, target: SendTarget, text: DirectText): void {
  const isSame =
    target.kind === "device"
      ? to?.device === target.id
      : to?.address === target.to.address && to.port === target.to.port;
  if (!isSame) throw otherMessage(text);
}

function otherMessage({ options }: DirectText): UdpchatError {
  return new UdpchatError(
    "INVALID_ARGUMENT",
    `the id ${options.id ?? ""} belongs to a message with another text or recipient`,
    { remedy: "use another id for another message" },
  );
}

/** Not found, or only somebody else by that name. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof UdpchatError)) return false;
  return ["NO_SUCH_PEER", "KEY_CHANGED", "NAME_NOT_RESOLVED", "TIMEOUT"].includes(error.code);
}

function notInTime(label: string): UdpchatError {
  return new UdpchatError("TIMEOUT", `${label} was not reached in time`, {
    remedy: "wait longer with --timeout",
  });
}

function queued({ id, to }: StoredMessage, trust: TrustReader): Queued {
  return {
    id,
    status: "queued",
    to: partyRef(to ?? NOWHERE, trust),
    rttMs: null,
    attempts: null,
  };
}

/** By an earlier call: this one sent nothing. */
function deliveredBefore({ id, to }: StoredMessage, trust: TrustReader): Delivered {
  return { id, status: "delivered", to: partyRef(to ?? NOWHERE, trust), rttMs: 0, attempts: 0 };
}

const NOWHERE: StoredParty = { device: "", name: "", address: "", port: 0 };
