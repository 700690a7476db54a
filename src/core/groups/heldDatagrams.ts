import type { SequenceRange } from "../../wire/group.js";
import { RangeSet } from "../rangeSet.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Holder } from "./heldBytes.js";

/** A verified datagram of another member, as it is to be kept. */
export interface Arrival {
  /** Before any seal. */
  readonly bytes: Uint8Array;
  /** What it was sealed with; undefined in an open group. */
  readonly keyId: string | undefined;
  /** Its author is not here, or something that it said later came before. */
  readonly late: boolean;
  /** It was said after we met its author. */
  readonly live?: boolean;
}

/**
 * What one member said and what waits for something said earlier, as the signed bytes that it came
 * in. Bounded by `heldGroupDatagrams` numbers from the first one that is waited for, and by
 * `reassemblyBytesPerPeer`.
 */
export class HeldDatagrams implements Holder {
  readonly #context: Pick<GroupsContext, "held" | "limits">;
  /** By sequence; the bytes are copies. */
  readonly #datagrams = new Map<number, Arrival>();
  /** The keys of `#datagrams`. */
  readonly #sequences: RangeSet;
  #bytes = 0;

  constructor(context: Pick<GroupsContext, "held" | "limits">) {
    this.#context = context;
    this.#sequences = new RangeSet(context.limits.heldGroupDatagrams);
    context.held.add(this);
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  has(sequence: number): boolean {
    return this.#datagrams.has(sequence);
  }

  /** False if there is no room for it. */
  hold(sequence: number, arrival: Arrival): boolean {
    const { held, limits } = this.#context;
    const sizeBytes = arrival.bytes.length;
    if (this.#bytes + sizeBytes > limits.reassemblyBytesPerPeer) return false;
    if (!held.makeRoom(sizeBytes, this)) return false;
    held.budget.take(sizeBytes);
    this.#datagrams.set(sequence, { ...arrival, bytes: new Uint8Array(arrival.bytes) });
    this.#bytes += sizeBytes;
    this.#sequences.add(sequence);
    return true;
  }

  /** Removes and returns it. */
  take(sequence: number): Arrival | undefined {
    const arrival = this.#datagrams.get(sequence);
    if (arrival === undefined) return undefined;
    this.#datagrams.delete(sequence);
    this.#bytes -= arrival.bytes.length;
    this.#context.held.budget.release(arrival.bytes.length);
    return arrival;
  }

  /** What of `first` to `last` is not held, ascending, at most `limit` ranges. */
  missing(first: number, last: number, limit: number): SequenceRange[] {
    return this.#sequences.missing(first, last, limit);
  }

  /** Nobody asks `missing` for what is below any more. */
  forgetBelow(sequence: number): void {
    this.#sequences.forgetBelow(sequence);
  }

  drop(): void {
    this.#context.held.budget.release(this.#bytes);
    this.#bytes = 0;
    this.#datagrams.clear();
    this.#sequences.forgetBelow(Number.POSITIVE_INFINITY);
  }

  giveWay(): void {
    this.drop();
  }

  /** Drops everything; nothing is held again. */
  close(): void {
    this.drop();
    this.#context.held.remove(this);
  }
}
