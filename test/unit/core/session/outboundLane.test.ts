import { describe, expect, it } from "vitest";
import {
  LANE_WINDOW_BYTES,
  LANE_WINDOW_RECORDS,
  OutboundLane,
} from "../../../../src/core/session/outboundLane.js";
import { Outgoing } from "../../../../src/core/session/outgoing.js";
import { Lane, type LaneCode } from "../../../../src/wire/frames.js";

function filled(lane: LaneCode, count: number, sizeBytes = 10): [OutboundLane, Outgoing[]] {
  const outbound = new OutboundLane(lane, 1);
  const messages: Outgoing[] = [];
  for (let i = 0; i < count; i += 1) {
    outbound.add(
      new Outgoing({
        lane,
        record: new Uint8Array(sizeBytes),
        purpose: { kind: "reply", requestSequence: i },
        createdAtMs: 0,
      }),
    );
    const message = outbound.admit();
    if (message !== undefined) messages.push(message);
  }
  return [outbound, messages];
}

function sequences(messages: readonly Outgoing[]): number[] {
  return messages.map((message) => message.sequence);
}

/** The message at an index, which the test knows to be there. */
function at(messages: readonly Outgoing[], index: number): Outgoing {
  const message = messages[index];
  if (message === undefined) throw new Error(`no message ${index}`);
  return message;
}

describe("a message that moves to another lane", () => {
  it("has no sequence there until it gets one", () => {
    const [old, [moved]] = filled(Lane.requests, 1);
    if (moved === undefined) throw new Error("no message");
    old.takeAll();
    const [lane, messages] = filled(Lane.requests, 8, LANE_WINDOW_BYTES / 8);
    lane.add(moved);
    expect(lane.cancel(moved)).toBe(false);
    expect(lane.unsettled()).toEqual(messages);
  });
});

describe("the window of a lane", () => {
  it("ends after 4096 records, counted from the oldest", () => {
    const [lane, messages] = filled(Lane.replies, LANE_WINDOW_RECORDS + 2);
    expect(messages).toHaveLength(LANE_WINDOW_RECORDS);
    lane.acknowledge(at(messages, 1));
    expect(lane.admit()).toBeUndefined();
    lane.acknowledge(at(messages, 0));
    expect(lane.admit()?.sequence).toBe(LANE_WINDOW_RECORDS + 1);
  });

  it("ends after 512 KiB", () => {
    const [lane, messages] = filled(Lane.ordered, 10, LANE_WINDOW_BYTES / 8);
    expect(messages).toHaveLength(8);
    lane.cancel(at(messages, 3));
    expect(lane.admit()?.sequence).toBe(9);
    lane.acknowledge(at(messages, 0));
    expect(lane.admit()?.sequence).toBe(10);
  });

  it("numbers from the first sequence it is given", () => {
    const lane = new OutboundLane(Lane.ordered, 77);
    expect(lane.nextSequence).toBe(77);
    expect(lane.base).toBe(77);
  });
});

describe("the ordered lane", () => {
  it("takes a record for handed on when all before it are acknowledged", () => {
    const [lane, messages] = filled(Lane.ordered, 4);
    expect(sequences(lane.acknowledge(at(messages, 2)))).toEqual([]);
    expect(sequences(lane.acknowledge(at(messages, 0)))).toEqual([1]);
    expect(lane.base).toBe(2);
    expect(sequences(lane.acknowledge(at(messages, 1)))).toEqual([2, 3]);
    expect(lane.idle).toBe(false);
    expect(sequences(lane.acknowledge(at(messages, 3)))).toEqual([4]);
    expect(lane.idle).toBe(true);
  });

  it("waits for the receiver to confirm that one was given up", () => {
    const [lane, messages] = filled(Lane.ordered, 3);
    lane.acknowledge(at(messages, 1));
    expect(lane.cancel(at(messages, 0))).toBe(true);
    expect(lane.owesAdvance).toBe(true);
    expect(lane.base).toBe(3);
    expect(sequences(lane.acknowledge(at(messages, 2)))).toEqual([]);
    expect(sequences(lane.confirm(1))).toEqual([]);
    expect(sequences(lane.confirm(3))).toEqual([2, 3]);
    expect(lane.owesAdvance).toBe(false);
  });

  it("counts what a new session sends again as unsettled", () => {
    const [lane, messages] = filled(Lane.ordered, 3);
    lane.cancel(at(messages, 0));
    lane.acknowledge(at(messages, 1));
    expect(lane.base).toBe(3);
    expect(sequences(lane.unsettled())).toEqual([2, 3]);
    expect(lane.base).toBe(2);
  });

  it("sends again in a new session what the receiver only holds", () => {
    const [lane, messages] = filled(Lane.ordered, 3);
    lane.acknowledge(at(messages, 1));
    lane.cancel(at(messages, 2));
    expect(sequences(lane.unsettled())).toEqual([1, 2]);
    expect(at(messages, 1).settled).toBe(false);
  });

  it("with nothing but given-up records is idle", () => {
    const [lane, messages] = filled(Lane.ordered, 2);
    for (const message of messages) lane.cancel(message);
    expect(lane.idle).toBe(true);
    expect(lane.takeAll()).toEqual([]);
  });
});

describe("a lane without order", () => {
  it("takes a record for handed on when it is acknowledged", () => {
    const [lane, messages] = filled(Lane.requests, 3);
    expect(sequences(lane.acknowledge(at(messages, 1)))).toEqual([2]);
    expect(lane.base).toBe(1);
    expect(lane.cancel(at(messages, 0))).toBe(true);
    expect(lane.base).toBe(3);
  });
});

describe("a record that waits for the window", () => {
  it("can be given up without a word", () => {
    const lane = new OutboundLane(Lane.ordered, 1);
    const [, [message]] = filled(Lane.ordered, 1);
    if (message === undefined) throw new Error("no message");
    message.sequence = 0;
    lane.add(message);
    expect(lane.cancel(message)).toBe(false);
    expect(lane.admit()).toBeUndefined();
    expect(lane.idle).toBe(true);
  });
});
