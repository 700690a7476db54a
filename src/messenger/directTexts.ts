import type { SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { MessageStore, StoredMessage, StoredParty } from "../store/messageStore.js";
import { nothingKept } from "../store/nullMessageStore.js";
import { ClientIds, checkedClientId } from "./clientIds.js";
import type { Clock } from "./clock.js";
import {
  assertSameRecipient,
  assertSameText,
  DEFAULT_TTL_MS,
  isDelivered,
  isNamed,
  KeptTexts,
  type KeptTextsParts,
  type WantedText,
} from "./keptTexts.js";
import { messageBody } from "./messageText.js";
import type { Outbox } from "./outbox.js";
import type { Outbound, Outgoing } from "./outgoing.js";
import type { PeerFinder } from "./peerFinder.js";
import type { TrustReader } from "./peerShapes.js";
import { partyRef } from "./storedShapes.js";
import type { Target } from "./target.js";
import {
  type Delivered,
  type Delivery,
  type Queued,
  type SendOptions,
  UndeliveredError,
} from "./types.js";
import { checkedDurationMs, closedError, Deadline } from "./waiting.js";

/** What texts build on. */
export interface DirectTextsParts extends KeptTextsParts {
  readonly store: MessageStore;
  /** Messages are kept: they can be queued, and known again by an id. */
  readonly keeps: boolean;
  readonly clock: Clock;
  readonly outgoing: Outgoing;
  readonly outbox: Outbox;
  readonly trust: TrustReader;
  readonly finder: TextFinder;
}

/** A text that the application wants to be sent. */
export interface DirectText extends WantedText {
  readonly target: Target;
}

/** Finds whom a text is for. */
export type TextFinder = Pick<PeerFinder, "find" | "noted" | "partyAt">;

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
  readonly #kept: KeptTexts;
  readonly #clientIds = new ClientIds();
  /** By client id, without those of the outbox; bounded by the calls that wait. */
  readonly #onTheirWay = new Map<string, Promise<Delivered>>();
  #closed = false;

  constructor(parts: DirectTextsParts) {
    this.#parts = parts;
    this.#kept = new KeptTexts(parts);
  }

  /** @throws UdpchatError what `Messenger.send` does, at once or later */
  send(text: DirectText): Promise<Delivery> {
    const { options } = text;
    checkedDurationMs(options.ttlMs ?? DEFAULT_TTL_MS);
    const clientId = checkedClientId(options.id);
    if (options.queue !== true && clientId === undefined) return this.#sendNow(text);
    messageBody(text.text);
    if (!this.#parts.keeps) throw nothingKept();
    return clientId === undefined ? this.#sendNew(text) : this.#sendOnce(text, clientId);
  }

  /** Calls that wait reject, or say that theirs is queued. */
  close(): void {
    this.#closed = true;
  }

  /** One call at a time begins with an id; the others go on with what it stored. */
  async #sendOnce(text: DirectText, clientId: string): Promise<Delivery> {
    const ids = this.#clientIds;
    for (let begins = ids.underWay(clientId); begins; begins = ids.underWay(clientId)) await begins;
    const known = this.#parts.store.findByClientId(clientId);
    if (known !== undefined) return this.#again(known, text);
    const begun = ids.begin(clientId);
    return this.#sendNew(text, begun).finally(begun);
  }

  #sendNew(text: DirectText, stored?: () => void): Promise<Delivery> {
    return text.options.queue === true ? this.#queue(text, stored) : this.#sendNow(text, stored);
  }

  /** The same call again: the same message. */
  async #again(known: StoredMessage, text: DirectText): Promise<Delivery> {
    assertSameText(known, text);
    if (!isNamed(known.to, text.label)) {
      assertSameRecipient(known, this.#noted(text) ?? (await this.#find(text)), text);
    }
    if (isDelivered(known)) return deliveredBefore(known, this.#parts.trust);
    if (known.state === "queued") return this.#awaitQueued(known, text);
    const onItsWay = this.#onTheirWay.get(known.clientId ?? "");
    return onItsWay === undefined ? this.#sendNew(text) : this.#join(onItsWay, text);
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
  #sendNow(text: DirectText, stored?: () => void): Promise<Delivered> {
    const sent = this.#parts.outgoing.sendText(
      new TextOnItsWay(text, this.#parts.finder, this.#kept, stored),
    );
    if (text.options.id !== undefined) this.#noteOnItsWay(text.options.id, sent);
    return sent;
  }

  /** Whoever calls with the same id waits for the same end. */
  #noteOnItsWay(clientId: string, sent: Promise<Delivered>): void {
    this.#onTheirWay.set(clientId, sent);
    const ended = (): void => {
      if (this.#onTheirWay.get(clientId) === sent) this.#onTheirWay.delete(clientId);
    };
    sent.then(ended, ended);
  }

  /** Stored before anything is answered. */
  async #queue(text: DirectText, stored?: () => void): Promise<Delivery> {
    const { clock } = this.#parts;
    const deadline = new Deadline(clock, text.options, () => notInTime(text.label));
    let message: StoredMessage;
    try {
      const target = await this.#findOrNoted(text, deadline);
      if (this.#closed) throw closedError();
      message = this.#kept.keep(text, target);
      stored?.();
    } catch (error) {
      deadline.stop();
      throw error;
    }
    return this.#awaitQueued(message, text, deadline);
  }

  /** Whoever is not there in time may be known. */
  async #findOrNoted(text: DirectText, deadline: Deadline): Promise<SendTarget> {
    try {
      return await deadline.race(Promise.resolve(this.#find(text)));
    } catch (error) {
      const known = isAbsence(error) ? this.#noted(text) : undefined;
      if (known === undefined) throw error;
      return known;
    }
  }

  #find({ target, options }: DirectText): SendTarget | Promise<SendTarget> {
    return this.#parts.finder.find(target, options);
  }

  /** Somebody whom we know, whether he is there or not; nobody is asked. */
  #noted({ target, options }: DirectText): SendTarget | undefined {
    return this.#parts.finder.noted(target, options);
  }

  async #awaitQueued(
    message: StoredMessage,
    { label, options }: DirectText,
    deadline = new Deadline(this.#parts.clock, options, () => notInTime(label)),
  ): Promise<Delivery> {
    const { outbox, trust } = this.#parts;
    if (isDelivered(message)) {
      deadline.stop();
      return deliveredBefore(message, trust);
    }
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
}

/** A text that is stored as it leaves. */
class TextOnItsWay implements Outbound {
  readonly label: string;
  readonly text: string;
  readonly options: SendOptions;
  readonly #text: DirectText;
  readonly #finder: TextFinder;
  readonly #keeper: KeptTexts;
  readonly #stored: (() => void) | undefined;
  #kept: StoredMessage | undefined;

  constructor(
    text: DirectText,
    finder: TextFinder,
    keeper: KeptTexts,
    stored: (() => void) | undefined,
  ) {
    this.label = text.label;
    this.text = text.text;
    this.options = text.options;
    this.#text = text;
    this.#finder = finder;
    this.#keeper = keeper;
    this.#stored = stored;
  }

  /** What may be repeated under its id after a power cut must be known then. */
  get isPromise(): boolean {
    return this.options.id !== undefined;
  }

  find(): SendTarget | Promise<SendTarget> {
    return this.#finder.find(this.#text.target, this.options);
  }

  keep(target: SendTarget): StoredMessage {
    this.#kept = this.#keeper.keep(this.#text, target);
    this.#stored?.();
    return this.#kept;
  }

  failed(): void {
    if (this.#kept !== undefined) this.#keeper.failed(this.#kept);
  }
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
