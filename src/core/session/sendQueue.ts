import type { Writer } from "../../wire/cursor.js";
import {
  type AdvanceFrame,
  type FragmentFrame,
  FrameType,
  type LaneCode,
  type MessageFrame,
  messageFrameBytes,
  type PingFrame,
  writeFrame,
} from "../../wire/frames.js";
import { Deque } from "../deque.js";
import { SLICE_OVERHEAD_BYTES } from "./outboundLane.js";
import type { Chunk } from "./outgoing.js";

/** What a packet carried that must be sent again if it is lost. */
export interface PacketContent {
  readonly chunks: readonly Chunk[];
  readonly control: readonly (PingFrame | AdvanceFrame)[];
}

/**
 * What a session has to send. Two queues: `#urgent` holds whole messages, `#bulk` slices of long
 * ones, so that a line of chat never waits behind a long text. What is lost goes to the head of
 * its queue; what was acknowledged or given up meanwhile is passed over.
 */
export class SendQueue {
  readonly #baseOf: (lane: LaneCode) => number;
  /** Both bounded by the lane windows. */
  readonly #urgent = new Deque<Chunk>();
  readonly #bulk = new Deque<Chunk>();
  /** Bounded: one ping, and one advance per lane. */
  #control: (PingFrame | AdvanceFrame)[] = [];

  /** `baseOf`: the lowest unsettled sequence of an outbound lane. */
  constructor(baseOf: (lane: LaneCode) => number) {
    this.#baseOf = baseOf;
  }

  get empty(): boolean {
    dropSettled(this.#urgent);
    dropSettled(this.#bulk);
    return this.#urgent.length + this.#bulk.length + this.#control.length === 0;
  }

  /** Behind all that waits. */
  add(chunk: Chunk): void {
    this.#mark(chunk).push(chunk);
  }

  ping(): void {
    if (!this.#control.some((frame) => frame.type === FrameType.ping)) {
      this.#control.push({ type: FrameType.ping });
    }
  }

  /** Tells the lane's base as it is now. */
  advance(lane: LaneCode): void {
    const isOther = (frame: PingFrame | AdvanceFrame): boolean =>
      frame.type !== FrameType.advance || frame.lane !== lane;
    const advance: AdvanceFrame = { type: FrameType.advance, lane, base: this.#baseOf(lane) };
    this.#control = [...this.#control.filter(isOther), advance];
  }

  /** The content of a packet once more, ahead of all that waits. A ping need not be repeated. */
  putBack({ chunks, control }: PacketContent): void {
    for (const chunk of chunks.toReversed()) {
      if (needsSending(chunk)) this.#mark(chunk).unshift(chunk);
    }
    for (const frame of control) if (frame.type === FrameType.advance) this.advance(frame.lane);
  }

  /** Moves into a packet what fits. */
  pack(writer: Writer): PacketContent {
    const control = this.#control;
    this.#control = [];
    for (const frame of control) writeFrame(writer, frame);
    const chunks: Chunk[] = [];
    this.#packFrom(this.#urgent, writer, chunks);
    this.#packFrom(this.#bulk, writer, chunks);
    return { chunks, control };
  }

  #mark(chunk: Chunk): Deque<Chunk> {
    chunk.queued = true;
    return chunk.message.fragmented ? this.#bulk : this.#urgent;
  }

  #packFrom(queue: Deque<Chunk>, writer: Writer, chunks: Chunk[]): void {
    for (;;) {
      dropSettled(queue);
      const chunk = queue.first;
      if (chunk === undefined) return;
      const frame = this.#frameOf(chunk);
      if (frameBytes(frame) > writer.remainingBytes) return;
      queue.shift();
      chunk.queued = false;
      chunk.transmissions += 1;
      chunks.push(chunk);
      writeFrame(writer, frame);
    }
  }

  #frameOf({ message, offset, lengthBytes }: Chunk): MessageFrame | FragmentFrame {
    const { lane, sequence, record } = message;
    // A request that is asked again lies below what is settled.
    const base = Math.min(this.#baseOf(lane), sequence);
    if (!message.fragmented) return { type: FrameType.message, lane, sequence, base, record };
    const slice = record.subarray(offset, offset + lengthBytes);
    const totalBytes = record.length;
    return { type: FrameType.fragment, lane, sequence, base, totalBytes, offset, slice };
  }
}

function needsSending(chunk: Chunk): boolean {
  return !chunk.queued && !chunk.acknowledged && !chunk.message.settled;
}

/** Removes chunks at the head that need no sending any more. */
function dropSettled(queue: Deque<Chunk>): void {
  for (;;) {
    const head = queue.first;
    if (head === undefined || (!head.acknowledged && !head.message.settled)) return;
    head.queued = false;
    queue.shift();
  }
}

function frameBytes(frame: MessageFrame | FragmentFrame): number {
  return frame.type === FrameType.message
    ? messageFrameBytes(frame, frame.record.length)
    : SLICE_OVERHEAD_BYTES + frame.slice.length;
}
