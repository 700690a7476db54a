/** Every datagram of a conversation arrives cut and bent before it arrives as it is. */
import { describe, expect, it } from "vitest";
import type { CounterName } from "../../src/core/counters.js";
import { DatagramType } from "../../src/wire/constants.js";
import { datagramType } from "../../src/wire/header.js";
import { AttackedConversation, effectsOf } from "../support/attackedConversation.js";
import { described, eventsSince, type Overheard, rosterOf } from "../support/attackedLan.js";
import type { SimNode } from "../support/simNetwork.js";

const FLAGS_OFFSET = 3;
/** Up to here every bit is turned over, beyond it one bit of every byte. */
const SHORT_BYTES = 64;
/** So many datagrams of each type are damaged, for each of their receivers. */
const SAMPLES_PER_TYPE = 3;
/** What a receiver counts when it drops something. */
const DROPPED: readonly CounterName[] = [
  "datagramsMalformed",
  "datagramsForged",
  "datagramsUnknown",
  "datagramsOwn",
  "packetsDuplicate",
  "groupDatagramsUnreadable",
  "probesNotForUs",
];
const { handshakeInit, handshakeResponse, handshakeFinish, cookie, reset, query } = DatagramType;
/** Nothing but their content protects these: who bends the flags says nothing else by it. */
const FLAGS_UNPROTECTED: readonly number[] = [
  handshakeInit,
  handshakeResponse,
  handshakeFinish,
  cookie,
  reset,
  query,
];

/** Every proper beginning of the datagram. */
function truncations(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, length) => bytes.slice(0, length));
}

/** The datagram with one bit turned over. */
function flips(bytes: Uint8Array): Uint8Array[] {
  const flagsMatter = !FLAGS_UNPROTECTED.includes(datagramType(bytes) ?? -1);
  const flipped: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    if (at === FLAGS_OFFSET && !flagsMatter) continue;
    const bits = bytes.length <= SHORT_BYTES ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
    for (const bit of bits) {
      const bent = bytes.slice();
      bent[at] = (bent[at] ?? 0) ^ (1 << bit);
      flipped.push(bent);
    }
  }
  return flipped;
}

function dropsOf(node: SimNode): number {
  const counters = node.core.counters();
  return DROPPED.reduce((sum, name) => sum + counters[name], 0);
}

/**
 * A conversation whose first datagrams of each type arrive damaged first. Returns how many of
 * each type did, and by how much less than their number the drop counters grew.
 */
function damaged(
  seed: number,
  cookies: boolean,
  damage: (bytes: Uint8Array) => Uint8Array[],
  isWanted: (type: number) => boolean = () => true,
) {
  const conversation = new AttackedConversation(seed, { cookies });
  const { lan } = conversation;
  const samples = new Map<number, number>();
  const uncounted = new Map<number, number>();
  lan.onHearing = (heard: Overheard) => {
    const type = datagramType(heard.bytes) ?? -1;
    const soFar = samples.get(type) ?? 0;
    if (soFar >= SAMPLES_PER_TYPE || !isWanted(type)) return;
    samples.set(type, soFar + 1);
    const variants = damage(heard.bytes);
    const via = heard.destination.kind === "unicast" ? "data" : "discovery";
    for (const node of lan.receiversOf(heard)) {
      const [events, roster, drops] = [node.events.length, rosterOf(node), dropsOf(node)];
      for (const bytes of variants) lan.inject(node, bytes, heard.from, via);
      expect(described(eventsSince(node, events)), `type ${type} at ${node.name}`).toEqual([]);
      expect(rosterOf(node)).toEqual(roster);
      const missing = variants.length - (dropsOf(node) - drops);
      uncounted.set(type, (uncounted.get(type) ?? 0) + missing);
    }
  };
  conversation.runAll();
  lan.run(2_000);
  return { conversation, samples, uncounted };
}

/** A second message that comes again, or a packet of a session that is over, is not counted. */
function isLate(type: number): boolean {
  return type === handshakeResponse || type === DatagramType.sealed;
}

function outcome({ lan }: AttackedConversation): string[][] {
  return lan.nodes.map((node) => effectsOf(node).toSorted());
}

describe.each([false, true])("every datagram of a conversation (cookies: %s)", (cookies) => {
  const undisturbed = new AttackedConversation(11, { cookies });
  undisturbed.runAll();
  undisturbed.lan.run(2_000);

  it("cut at every length does nothing, is counted, and the whole one still counts", () => {
    const { conversation, samples, uncounted } = damaged(11, cookies, truncations);
    expect(outcome(conversation)).toEqual(outcome(undisturbed));
    expect(samples.size).toBeGreaterThanOrEqual(cookies ? 15 : 14);
    const silent = [...uncounted].filter(([type, missing]) => missing > 0 && !isLate(type));
    expect(silent).toEqual([]);
  });

  it("with a bit turned over does nothing, and the true one still counts", () => {
    const { conversation, samples } = damaged(11, cookies, flips, (type) => type !== handshakeInit);
    expect(outcome(conversation)).toEqual(outcome(undisturbed));
    expect(samples.size).toBeGreaterThanOrEqual(cookies ? 14 : 13);
    for (const node of conversation.lan.nodes) {
      expect(node.core.counters().datagramsForged, node.name).toBeGreaterThan(50);
    }
  });

  it("a first message with a bit turned over does not keep the true one out", () => {
    const { conversation } = damaged(11, cookies, flips, (type) => type === handshakeInit);
    expect(outcome(conversation)).toEqual(outcome(undisturbed));
  });
});
