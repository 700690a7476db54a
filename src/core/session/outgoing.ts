import type { LaneCode } from "../../wire/frames.js";
import type { SendTarget, Token } from "../io.js";

/** What is sent at once: a whole record, or one slice of it. Bounded by its message. */
export interface Chunk {
  readonly message: Outgoing;
  readonly index: number;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Waits in a queue of the session. */
  queued: boolean;
  acknowledged: boolean;
  transmissions: number;
}

/** Somebody wants to know what becomes of it. */
export interface CommandPurpose {
  readonly kind: "text" | "request";
  readonly token: Token;
  readonly target: SendTarget;
  /** Only to a device whose key the user compared. */
  readonly requiresVerified?: boolean | undefined;
}

/** Why a message exists: decides what its end is told as. */
export type Purpose = CommandPurpose | { readonly kind: "reply"; readonly requestSequence: number };

/** A text or request, which has a token and a target; replies have neither. */
export type Command = Outgoing<CommandPurpose>;

export function isCommand(message: Outgoing): message is Command {
  return message.purpose.kind !== "reply";
}

/** A record on its way to one peer, from the command to its acknowledgement. */
export class Outgoing<Why extends Purpose = Purpose> {
  readonly lane: LaneCode;
  readonly record: Uint8Array;
  readonly purpose: Why;
  readonly createdAtMs: number;
  /** Position in the lane of the link that carries it; 0 until it has one. */
  sequence = 0;
  /** Needs no sending (any more): acknowledged or given up. */
  settled = false;
  /** Given up before it was delivered. */
  cancelled = false;
  /** The peer handed it on, in this session or an earlier one. */
  delivered = false;
  #chunks: Chunk[] = [];
  #unacknowledgedChunks = 0;
  #attemptsOfEarlierCuts = 0;

  constructor(options: {
    lane: LaneCode;
    record: Uint8Array;
    purpose: Why;
    createdAtMs: number;
  }) {
    this.lane = options.lane;
    this.record = options.record;
    this.purpose = options.purpose;
    this.createdAtMs = options.createdAtMs;
  }

  /** How often the most repeated chunk was sent, over all cuts. */
  get attempts(): number {
    let most = 0;
    for (const chunk of this.#chunks) most = Math.max(most, chunk.transmissions);
    return this.#attemptsOfEarlierCuts + most;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  get fragmented(): boolean {
    return this.#chunks.length > 1;
  }

  /** Cuts the record anew into pieces of at most so many bytes, for a session that saw none of it. */
  cut(pieceBytes: number): readonly Chunk[] {
    this.#attemptsOfEarlierCuts = this.attempts;
    const totalBytes = this.record.length;
    const chunks = [this.#chunk(0, 0, Math.min(pieceBytes, totalBytes))];
    for (let offset = pieceBytes; offset < totalBytes; offset += pieceBytes) {
      chunks.push(this.#chunk(chunks.length, offset, Math.min(pieceBytes, totalBytes - offset)));
    }
    this.#chunks = chunks;
    this.#unacknowledgedChunks = this.#chunks.length;
    return this.#chunks;
  }

  #chunk(index: number, offset: number, lengthBytes: number): Chunk {
    return {
      message: this,
      index,
      offset,
      lengthBytes,
      queued: false,
      acknowledged: false,
      transmissions: 0,
    };
  }

  /** Marks a chunk; true if with it the whole message is across. Ignores those of an earlier cut. */
  acknowledge(chunk: Chunk): boolean {
    if (chunk.acknowledged || this.#chunks[chunk.index] !== chunk) return false;
    chunk.acknowledged = true;
    this.#unacknowledgedChunks -= 1;
    return this.#unacknowledgedChunks === 0;
  }
}

/** False if it is meant for another device alone. */
export function mayGoTo({ purpose: { target } }: Command, device: string): boolean {
  return target.kind !== "device" || target.id === device;
}
