/** What somebody says in another's name, with real keys on both sides. */
import { beforeEach, describe, expect, it } from "vitest";
import type { CounterName } from "../../src/core/counters.js";
import type { PacketProtector } from "../../src/crypto/handshake.js";
import { DatagramType, MAX_DATAGRAM_BYTES, SEALED_HEADER_BYTES } from "../../src/wire/constants.js";
import { encodeUtf8, Writer } from "../../src/wire/cursor.js";
import { type Frame, FrameType, Lane, writeFrame } from "../../src/wire/frames.js";
import { decodeGroupData, encodeGroupHeartbeat, encodeGroupNack } from "../../src/wire/group.js";
import { datagramType, signatureOf, withSignature } from "../../src/wire/header.js";
import { decodeBeacon, encodeLeave } from "../../src/wire/presence.js";
import { encodeRecord, RecordKind } from "../../src/wire/record.js";
import { encodeReset, encodeSealedHeader } from "../../src/wire/session.js";
import { AttackedConversation, effectsOf, OPEN_GROUP } from "../support/attackedConversation.js";
import { described, eventsSince, keyOf, rosterOf } from "../support/attackedLan.js";
import { beaconOf, HandHandshake, lineOf, sealedNoise, signedBy } from "../support/forger.js";
import type { SimNode } from "../support/simNetwork.js";

const mallory = keyOf("mallory");
const { groupId } = OPEN_GROUP;

describe("forged", () => {
  let conversation: AttackedConversation;
  let alice: SimNode;
  let bob: SimNode;
  let before: { readonly events: number; readonly roster: unknown; readonly forged: number };

  beforeEach(() => {
    conversation = new AttackedConversation(21);
    conversation.meet();
    conversation.talk();
    conversation.chat();
    conversation.lan.run(3_000);
    ({ alice, bob } = conversation);
    before = { events: bob.events.length, roster: rosterOf(bob), forged: forgedAt(bob) };
  });

  const forgedAt = (node: SimNode): number => node.core.counters().datagramsForged;

  /** What `from` sent last of a type. */
  function lastOf(from: SimNode, type: number): Uint8Array {
    const sent = conversation.lan.ofType(type).filter(({ sender }) => sender === from);
    const last = sent.at(-1);
    if (last === undefined) throw new Error(`nothing of type ${type}`);
    return last.bytes;
  }

  /** Bob gets it from alice's own address, and nothing comes of it but the count. */
  function expectDropped(bytes: Uint8Array, counter: CounterName = "datagramsForged"): void {
    const counted = bob.core.counters()[counter];
    conversation.lan.inject(bob, bytes, alice.address, "discovery");
    expect(bob.core.counters()[counter], counter).toBe(counted + 1);
    conversation.lan.run(3_000);
    const quiet = eventsSince(bob, before.events).filter(({ kind }) => kind !== "delivered");
    expect(described(quiet)).toEqual([]);
    expect(rosterOf(bob)).toEqual(before.roster);
  }

  const aliceNow = (changes: object) =>
    beaconOf(alice.core.id, { ...decodeBeacon(lastOf(alice, DatagramType.beacon)), ...changes });

  it("beacon of a known device, with its own key or another", () => {
    expectDropped(signedBy(mallory, aliceNow({ sequence: 999, name: "eve" })));
    const unsigned = aliceNow({ sequence: 999, dataPort: 666 });
    expectDropped(withSignature(unsigned, signatureOf(lastOf(alice, DatagramType.beacon))));
  });

  it("beacon of another start of a known device", () => {
    const incarnation = "ab".repeat(8);
    expectDropped(signedBy(mallory, aliceNow({ incarnation, startedAtMs: 2 ** 42 })));
  });

  it("beacon of a device that does not exist", () => {
    expectDropped(signedBy(mallory, beaconOf(keyOf("nobody").device)));
  });

  it("leave of a device that is there", () => {
    const { device, incarnation } = decodeBeacon(lastOf(alice, DatagramType.beacon));
    expectDropped(signedBy(mallory, encodeLeave({ device, incarnation, sequence: 2 ** 40 })));
  });

  it("negative acknowledgement", () => {
    const { device, incarnation } = decodeBeacon(lastOf(alice, DatagramType.beacon));
    const own = decodeGroupData(lastOf(bob, DatagramType.groupData));
    const missing = [{ first: 1, last: own.sequence }];
    const repairs = bob.core.counters().repairsSent;
    const nack = encodeGroupNack({ groupId, device, incarnation, sequence: 999, of: own, missing });
    expectDropped(signedBy(mallory, nack));
    expect(bob.core.counters().repairsSent).toBe(repairs);
    // The same by whom it names is answered.
    conversation.lan.inject(bob, signedBy(keyOf("alice"), nack), alice.address, "discovery");
    conversation.lan.run(1_000);
    expect(bob.core.counters().repairsSent).toBeGreaterThan(repairs);
  });

  it("heartbeat that says that somebody leaves, or has lines that do not exist", () => {
    const { device, incarnation, startedAtMs } = decodeBeacon(lastOf(alice, DatagramType.beacon));
    for (const [leaving, lead] of [
      [true, 0],
      [false, 1_000],
    ] as const) {
      const heartbeat = encodeGroupHeartbeat({
        groupId,
        device,
        incarnation,
        startedAtMs,
        sequence: 2 ** 40,
        hello: false,
        leaving,
        wantsCopies: false,
        digest: "00".repeat(8),
        lead,
        trail: 1,
        intervalMs: 10_000,
        dataPort: 22400,
        name: "alice",
      });
      expectDropped(signedBy(mallory, heartbeat));
    }
    expect(bob.ofKind("gap")).toEqual([]);
  });

  it("repair: another text under the old signature, or signed by another key", () => {
    const data = decodeGroupData(lastOf(alice, DatagramType.groupData));
    const { device, incarnation } = data;
    const line = Buffer.from(lineOf(device, groupId, data.sequence + 1));
    line.set(Buffer.from(incarnation, "hex"), 4 + 8 + 32); // header, group id, device
    expectDropped(signedBy(mallory, line));
    expectDropped(withSignature(line, signatureOf(lastOf(alice, DatagramType.groupData))));
    expect(bob.linesFrom(alice, groupId)).toEqual(["line in #open"]);
  });

  it("repair: a true line, moved to another group", () => {
    const data = Uint8Array.from(lastOf(alice, DatagramType.groupData));
    const other = conversation.bob.join("#elsewhere");
    conversation.lan.run(2_500);
    before = { ...before, events: bob.events.length };
    data.set(Buffer.from(other, "hex"), 4);
    expectDropped(data);
    expect(bob.linesFrom(alice, other)).toEqual([]);
  });

  it("packet in a session that lives", () => {
    const genuine = lastOf(alice, DatagramType.sealed);
    const { receiverIndex, counter } = sealedHeaderOf(genuine);
    const header = encodeSealedHeader({ receiverIndex, counter: counter + 5 });
    expectDropped(Buffer.concat([header, sealedNoise(80).subarray(SEALED_HEADER_BYTES)]));
    expectDropped(Buffer.concat([header, genuine.subarray(SEALED_HEADER_BYTES)]));
  });

  it("reset of every packet that is sent, with its own numbers", () => {
    const { lan } = conversation;
    const completed = alice.core.counters().handshakesCompleted;
    lan.onHearing = ({ sender, bytes }) => {
      if (sender !== bob || datagramType(bytes) !== DatagramType.sealed) return;
      lan.inject(bob, encodeReset(sealedHeaderOf(bytes)), alice.address);
    };
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i} as ever`);
    for (const text of texts) {
      bob.send(alice, text);
      lan.run(100);
    }
    lan.run(1_000);
    expect(alice.textsFrom(bob)).toEqual(texts);
    expect(bob.ofKind("failed")).toEqual([]);
    // It makes sure, but the session goes on.
    const more = alice.core.counters().handshakesCompleted - completed;
    expect(more).toBeLessThanOrEqual(3);
  });
});

/** Mallory has a session of her own with bob, and says in it what no honest peer would. */
describe("inside a genuine session", () => {
  let conversation: AttackedConversation;
  let bob: SimNode;
  let alice: SimNode;

  beforeEach(() => {
    conversation = new AttackedConversation(22);
    conversation.meet();
    conversation.talk();
    ({ alice, bob } = conversation);
  });

  /** A session begun by mallory, who may claim anything. */
  function connect(claims: ConstructorParameters<typeof HandHandshake>[1] = {}) {
    const { lan } = conversation;
    const handshake = new HandHandshake(mallory, claims);
    const cameBefore = lan.overheard.length;
    lan.inject(bob, handshake.init(), lan.outside);
    lan.run(1);
    const response = lan.overheard
      .slice(cameBefore)
      .find(({ bytes }) => datagramType(bytes) === DatagramType.handshakeResponse);
    const session = handshake.finish(response?.bytes ?? new Uint8Array(0));
    lan.inject(bob, session.bytes, lan.outside);
    lan.run(1);
    return session;
  }

  function say(
    session: { readonly protector: PacketProtector; readonly receiverIndex: number },
    counter: number,
    ...frames: Frame[]
  ): void {
    const writer = new Writer(MAX_DATAGRAM_BYTES - SEALED_HEADER_BYTES);
    for (const frame of frames) writeFrame(writer, frame);
    const header = encodeSealedHeader({ receiverIndex: session.receiverIndex, counter });
    const { lan } = conversation;
    lan.inject(bob, session.protector.seal(counter, header, writer.finish()), lan.outside);
    lan.run(1);
  }

  const text = (words: string): Frame => ({
    type: FrameType.message,
    lane: Lane.ordered,
    sequence: 1,
    base: 1,
    record: encodeRecord({
      kind: RecordKind.text,
      incarnation: "00".repeat(8),
      messageSequence: 1,
      sentAtMs: 0,
      body: encodeUtf8(words),
    }),
  });

  it("mallory is heard as herself: the way of these tests works", () => {
    say(connect(), 0, text("hello, mallory here"));
    const [last] = bob.ofKind("message").slice(-1);
    expect(last?.from).toMatchObject({ id: mallory.device, name: "mallory" });
  });

  it("nobody is heard under a key that is not his", () => {
    const malformed = bob.core.counters().datagramsMalformed;
    const completed = bob.core.counters().handshakesCompleted;
    say(connect({ device: alice.core.id, name: "alice" }), 0, text("alice here, really"));
    expect(effectsOf(bob)).not.toContain("message alice here, really");
    expect(bob.core.counters().handshakesCompleted).toBe(completed);
    expect(bob.core.counters().datagramsMalformed).toBe(malformed + 1);
    alice.send(bob, "I am still here");
    conversation.lan.run(500);
    expect(effectsOf(bob)).toContain("message I am still here");
  });

  it("what was never sent can't be acknowledged", () => {
    const session = connect();
    // Nobody answers it, so nothing of this is delivered.
    bob.send(conversation.carol, "not for mallory");
    conversation.carol.crash();
    bob.sendTo(conversation.lan.outside, "for mallory, who does not take it");
    conversation.lan.run(100);
    const delivered = bob.ofKind("delivered").length;
    const ranges = [{ first: 0, last: 4_000_000 }];
    const ack: Frame = { type: FrameType.ack, delayUs: 0, creditDatagrams: 256, ranges };
    say(session, 0, ack);
    conversation.lan.run(1_000);
    expect(bob.ofKind("delivered")).toHaveLength(delivered);
    // What was sent can.
    say(session, 1, { ...ack, ranges: [{ first: 0, last: 0 }] });
    conversation.lan.run(10);
    expect(bob.ofKind("delivered").map(({ to }) => to.id)).toContain(mallory.device);
  });

  it("the name of another makes nobody that other", () => {
    const { lan } = conversation;
    say(connect({ name: "alice" }), 0, text("hello"));
    lan.inject(
      bob,
      signedBy(mallory, beaconOf(mallory.device, { name: "alice" })),
      lan.outside,
      "discovery",
    );
    lan.run(3_000);
    const [last] = bob.ofKind("message").slice(-1);
    expect(last?.from.id).toBe(mallory.device);
    bob.send(alice, "for the true alice");
    lan.run(500);
    expect(effectsOf(alice)).toContain("message for the true alice");
    const known = bob.core.peers().find(({ id }) => id === alice.core.id);
    expect(known).toMatchObject({ name: "alice", state: "online", ...alice.address });
  });
});

function sealedHeaderOf(datagram: Uint8Array): { receiverIndex: number; counter: number } {
  const bytes = Buffer.from(datagram);
  return { receiverIndex: bytes.readUInt32BE(4), counter: Number(bytes.readBigUInt64BE(8)) };
}
