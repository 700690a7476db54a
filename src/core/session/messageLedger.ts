import type { ErrorCode } from "../../errors.js";
import type { Outputs, Token } from "../io.js";
import { NumberMap } from "../numberMap.js";
import type { Dial } from "./dial.js";
import type { Link } from "./link.js";
import type { Loopback } from "./loopback.js";
import { type Command, mayGoTo } from "./outgoing.js";

/** What has a message in its keeping. */
export type Keeper = Link | Dial | Loopback;

interface LedgerEntry {
  readonly message: Command;
  readonly keeper: Keeper;
}

/** The texts and requests that have not met their end, by the token of the application. */
export class MessageLedger {
  readonly #outputs: Outputs;
  /** Bounded by the queues of the keepers. */
  readonly #entries = new NumberMap<LedgerEntry>();

  constructor(outputs: Outputs) {
    this.#outputs = outputs;
  }

  /** In the order of their tokens. */
  entries(): readonly LedgerEntry[] {
    return this.#entries.values();
  }

  /** `keeper` has it now. */
  note(message: Command, keeper: Keeper): void {
    this.#entries.set(message.purpose.token, { message, keeper });
  }

  /** Removes and returns what a token stands for. */
  take(token: Token): LedgerEntry | undefined {
    return this.#entries.delete(token);
  }

  /** The message met its end, and the application was told. */
  ended(message: Command): void {
    this.#entries.delete(message.purpose.token);
  }

  /** The message ends badly: tells the application. */
  fail(message: Command, code: ErrorCode, text: string): void {
    const { token } = message.purpose;
    this.#entries.delete(token);
    this.#outputs.event({ kind: "failed", token, code, message: text });
  }

  /** Fails a message that is meant for another device than the one that answered. */
  failForeign(message: Command, device: string): boolean {
    if (mayGoTo(message, device)) return false;
    this.fail(message, "NO_SUCH_PEER", "another device answers at the last known address");
    return true;
  }
}
