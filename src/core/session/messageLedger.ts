import type { ErrorCode } from "../../errors.js";
import type { Outputs, Token } from "../io.js";
import type { Dial } from "./dial.js";
import type { Link } from "./link.js";
import type { Loopback } from "./loopback.js";
import type { Outgoing } from "./outgoing.js";

/** What has a message in its keeping. */
export type Keeper = Link | Dial | Loopback;

interface LedgerEntry {
  readonly message: Outgoing;
  readonly keeper: Keeper;
}

/** The texts and requests that have not met their end, by the token of the application. */
export class MessageLedger {
  readonly #outputs: Outputs;
  /** Bounded by the queues of the keepers. */
  readonly #entries = new Map<Token, LedgerEntry>();

  constructor(outputs: Outputs) {
    this.#outputs = outputs;
  }

  [Symbol.iterator](): Iterator<LedgerEntry> {
    return this.#entries.values();
  }

  /** `keeper` has it now. Replies are nobody's command: they are not kept here. */
  note(message: Outgoing, keeper: Keeper): void {
    if (message.purpose.kind !== "reply") {
      this.#entries.set(message.purpose.token, { message, keeper });
    }
  }

  /** Removes and returns what a token stands for. */
  take(token: Token): LedgerEntry | undefined {
    const entry = this.#entries.get(token);
    this.#entries.delete(token);
    return entry;
  }

  /** The message met its end, and the application was told. */
  ended(message: Outgoing): void {
    if (message.purpose.kind !== "reply") this.#entries.delete(message.purpose.token);
  }

  /** The message ends badly: tells the application. */
  fail(message: Outgoing, code: ErrorCode, text: string): void {
    const { purpose } = message;
    if (purpose.kind === "reply") return;
    this.#entries.delete(purpose.token);
    this.#outputs.event({ kind: "failed", token: purpose.token, code, message: text });
  }

  /** Fails a message that is meant for another device than the one that answered. */
  failForeign(message: Outgoing, device: string): boolean {
    if (message.mayGoTo(device)) return false;
    this.fail(message, "NO_SUCH_PEER", "another device answers at the last known address");
    return true;
  }
}
