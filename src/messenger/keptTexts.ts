import type { SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type {
  MessageStore,
  NewMessage,
  OutboxTerms,
  StoredMessage,
  StoredParty,
} from "../store/messageStore.js";
import { wellFormed } from "../store/search.js";
import type { Clock } from "./clock.js";
import { latestDateMs } from "./storedShapes.js";
import { isCalled } from "./target.js";
import type { SendOptions } from "./types.js";
import { DEFAULT_TIMEOUT_MS } from "./waiting.js";

/** What the texts of a sender build on. */
export interface KeptTextsParts {
  readonly store: MessageStore;
  readonly clock: Pick<Clock, "wallMs">;
  readonly self: () => StoredParty;
  readonly newMessageId: () => string;
  readonly nextHlc: () => number;
  /** A peer as far as it is known here. */
  readonly finder: { partyAt(target: SendTarget): StoredParty };
}

/** What a caller wants to be sent, and as whom he named its recipient. */
export interface WantedText {
  readonly label: string;
  readonly text: string;
  readonly options: SendOptions;
}

/** Of a queued message. */
export const DEFAULT_TTL_MS = 7 * 86_400_000;
/** A call may end later than it wanted to: a busy machine, or one that slept. */
const LATE_MS = 30_000;

/**
 * Direct texts of ours in the store. Each has a time at which nobody waits for it any more: one
 * that is on its way then belonged to a process that was killed, and the outbox gives it up like
 * one that was queued.
 */
export class KeptTexts {
  readonly #parts: KeptTextsParts;

  constructor(parts: KeptTextsParts) {
    this.#parts = parts;
  }

  /**
   * Stores a text as queued or as sent. The message that has its client id already is the same, be
   * it of another process of this home: it goes again, unless it arrived, under its own id.
   * @throws UdpchatError INVALID_ARGUMENT if that one has another text or recipient;
   *   STORE_UNUSABLE if it is there, and the disk does not give it
   */
  keep(text: WantedText, target: SendTarget): StoredMessage {
    const { store } = this.#parts;
    const { id: clientId, queue = false } = text.options;
    // What may be repeated under its id after a power cut must be known then.
    const isPromise = queue || clientId !== undefined;
    return store.batch(isPromise ? "promise" : "soon", () => {
      const added = store.add(this.#newMessage(text, target));
      if (added !== undefined) return added;
      const known = clientId === undefined ? undefined : store.findByClientId(clientId);
      if (known !== undefined) return this.#again(known, text, target);
      // A disk that fails now and then has it, and does not find it.
      throw new UdpchatError("STORE_UNUSABLE", "the messages of this home cannot be read now", {
        remedy: "try again, and check the disk",
      });
    });
  }

  /** Its call has failed; what another process queued or delivered meanwhile stays so. */
  failed({ author, id }: StoredMessage): void {
    const { store } = this.#parts;
    store.batch("soon", () => {
      if (store.find(author.device, id)?.state !== "sent") return;
      store.setState(author.device, id, "undelivered");
    });
  }

  #newMessage(text: WantedText, target: SendTarget): NewMessage {
    const { self, newMessageId, nextHlc, finder, clock } = this.#parts;
    const nowMs = clock.wallMs();
    return {
      id: newMessageId(),
      author: self(),
      own: true,
      text: text.text,
      sentAtMs: nowMs,
      storedAtMs: nowMs,
      hlc: nextHlc(),
      state: text.options.queue === true ? "queued" : "sent",
      to: finder.partyAt(target),
      clientId: text.options.id,
      outbox: this.#terms(text),
    };
  }

  #again(known: StoredMessage, text: WantedText, target: SendTarget): StoredMessage {
    const { store } = this.#parts;
    const { author, id } = known;
    assertSameText(known, text);
    assertSameRecipient(known, target, text);
    const isQueued = text.options.queue === true;
    // What somebody was told to be queued stays so.
    if (isDelivered(known) || (known.state === "queued" && !isQueued)) return known;
    const outbox = this.#terms(text);
    store.requeue(author.device, id, outbox);
    if (!isQueued) store.setState(author.device, id, "sent");
    return { ...known, state: isQueued ? "queued" : "sent", outbox };
  }

  #terms({ options }: WantedText): OutboxTerms {
    const { queue, ttlMs = DEFAULT_TTL_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const lifeMs = queue === true ? ttlMs : timeoutMs + LATE_MS;
    return {
      expiresAtMs: latestDateMs(Math.ceil(this.#parts.clock.wallMs() + lifeMs)),
      requireVerified: options.requireVerified === true,
    };
  }
}

/** It arrived. */
export function isDelivered({ state }: StoredMessage): boolean {
  return state === "delivered" || state === "read";
}

/** Without asking the network: the caller writes what he wrote before. */
export function isNamed(to: StoredParty | undefined, label: string): boolean {
  if (to === undefined) return false;
  const { device, name, address, port } = to;
  const text = label.trim();
  return text === `${address}:${port}` || (device !== "" && isCalled({ id: device, name }, text));
}

/** @throws UdpchatError INVALID_ARGUMENT */
export function assertSameText(known: StoredMessage, text: WantedText): void {
  if (known.text !== wellFormed(text.text)) throw otherMessage(text);
}

/** @throws UdpchatError INVALID_ARGUMENT */
export function assertSameRecipient(
  { to }: StoredMessage,
  target: SendTarget,
  text: WantedText,
): void {
  const isSame =
    target.kind === "device"
      ? to?.device === target.id
      : to?.address === target.to.address && to.port === target.to.port;
  if (!isSame) throw otherMessage(text);
}

function otherMessage({ options }: WantedText): UdpchatError {
  return new UdpchatError(
    "INVALID_ARGUMENT",
    `the id ${options.id ?? ""} belongs to a message with another text or recipient`,
    { remedy: "use another id for another message" },
  );
}
