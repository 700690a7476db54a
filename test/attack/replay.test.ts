/** What was heard once is said again, by somebody else, to everybody. */
import { describe, expect, it } from "vitest";
import type { Address } from "../../src/core/io.js";
import { DatagramType } from "../../src/wire/constants.js";
import { datagramType } from "../../src/wire/header.js";
import { AttackedConversation, effectsOf, OPEN_GROUP } from "../support/attackedConversation.js";
import { described, eventsSince, type Overheard, rosterOf } from "../support/attackedLan.js";
import type { SimNode } from "../support/simNetwork.js";

type Replay = "from where it came" | "from the attacker's own address";
/** Packets that were on their way when the replay began. */
const IN_FLIGHT = 3;
const REPLAYS: readonly Replay[] = ["from where it came", "from the attacker's own address"];

/** Every datagram of a conversation to every node, in order and then the last first. */
function replayAll(
  { lan }: AttackedConversation,
  recorded: readonly Overheard[],
  how: Replay,
  to: readonly SimNode[] = lan.nodes,
): void {
  for (const { bytes, from, destination } of [...recorded, ...recorded.toReversed()]) {
    const source: Address = how === "from where it came" ? from : lan.outside;
    const via = destination.kind === "unicast" ? "data" : "discovery";
    for (const node of to) lan.inject(node, bytes, source, via);
    lan.run(0.05);
  }
  lan.run(5_000);
}

/** Who is shown as present: who is not proven is "suspect", and forgotten after a minute. */
function onlineAt(node: SimNode): string[] {
  const online = node.core.peers().filter(({ state }) => state === "online");
  return online.map(({ name, incarnation }) => `${name} ${incarnation}`).toSorted();
}

/** All of the events that a replay must not bring about. */
function alarms(node: SimNode, since: number): string[] {
  const harmless = new Set(["delivered", "message", "groupKeys"]);
  return described(eventsSince(node, since).filter(({ kind }) => !harmless.has(kind)));
}

/** The same without changes of address: see the test of those. */
function alarmsButMoves(node: SimNode, since: number): string[] {
  return alarms(node, since).filter((event) => !event.includes('"change":"updated"'));
}

/** How many packets opened and were new, at all nodes. */
function packetsTaken({ lan }: AttackedConversation): number {
  return lan.nodes.reduce((sum, node) => sum + node.core.counters().packetsReceived, 0);
}

/** Sends in all directions over the sessions that there are; true if no handshake was needed. */
function sessionsLive({ lan }: AttackedConversation, pairs: readonly (readonly SimNode[])[]) {
  const started = (): number[] => lan.nodes.map((n) => n.core.counters().handshakesStarted);
  const before = started();
  for (const [from, to] of pairs) {
    if (from === undefined || to === undefined) continue;
    const delivered = from.ofKind("delivered").length;
    from.send(to, "still there?");
    const arrived = lan.runUntil(() => from.ofKind("delivered").length > delivered, 2_000);
    expect(arrived, `${from.name} to ${to.name}`).toBe(true);
  }
  return JSON.stringify(started()) === JSON.stringify(before);
}

describe("a replay of every datagram", () => {
  it("is of every type there is", () => {
    const conversation = new AttackedConversation(1, { cookies: true });
    conversation.runAll();
    const types = new Set(conversation.lan.overheard.map(({ bytes }) => datagramType(bytes)));
    const missing = Object.entries(DatagramType).filter(([, type]) => !types.has(type));
    expect(missing.map(([name]) => name)).toEqual([]);
  });

  describe.each(REPLAYS)("%s", (how) => {
    it.each([false, true])("changes nothing while all are there (cookies: %s)", (cookies) => {
      const conversation = new AttackedConversation(2, { cookies });
      conversation.meet();
      conversation.talk();
      conversation.chat();
      conversation.examine();
      conversation.lan.run(3_000);
      const { lan, alice, bob, carol } = conversation;
      const effects = lan.nodes.map(effectsOf);
      const rosters = lan.nodes.map(rosterOf);
      const executed = lan.nodes.map((node) => [...node.executed]);
      const counts = lan.nodes.map(({ events }) => events.length);
      const taken = packetsTaken(conversation);
      const sent = lan.ofType(DatagramType.sealed).length;
      replayAll(conversation, [...lan.overheard], how);
      const sentMeanwhile = lan.ofType(DatagramType.sealed).length - sent;
      expect(packetsTaken(conversation) - taken, "packets").toBeLessThanOrEqual(
        sentMeanwhile + IN_FLIGHT,
      );
      expect(lan.nodes.map(effectsOf)).toEqual(effects);
      expect(lan.nodes.map(rosterOf)).toEqual(rosters);
      expect(lan.nodes.map(({ executed: texts }) => texts)).toEqual(executed);
      expect(lan.nodes.map((node, i) => alarms(node, counts[i] ?? 0))).toEqual([[], [], []]);
      for (const node of lan.nodes) {
        const { address } = lan.outside;
        expect(node.core.peers().map((peer) => peer.address)).not.toContain(address);
      }
      const pairs = [
        [alice, bob],
        [bob, alice],
        [carol, bob],
      ];
      expect(sessionsLive(conversation, pairs), "sessions survived").toBe(true);
    });

    it("brings nobody back who is gone", () => {
      const conversation = new AttackedConversation(3);
      conversation.runAll();
      const { lan, alice, bob, carol } = conversation;
      const online = [alice, bob].map(onlineAt);
      const counts = lan.nodes.map(({ events }) => events.length);
      replayAll(conversation, [...lan.overheard], how);
      expect([alice, bob].map(onlineAt)).toEqual(online);
      const told = [alice, bob].map((node, i) => alarmsButMoves(node, counts[i] ?? 0));
      expect(told).toEqual([[], []]);
      expect(sessionsLive(conversation, [[alice, bob]])).toBe(true);
      expect(carol.up).toBe(false);
    });

    it("shows a newcomer nobody who is gone, and no line or secret of the past", () => {
      const conversation = new AttackedConversation(4);
      conversation.runAll();
      const { lan, alice, bob, carol } = conversation;
      const recorded = [...lan.overheard];
      const oldBob = bob.core.incarnation;
      bob.crash();
      bob.restart();
      const dave = lan.add("dave");
      dave.core.joinGroup(lan.nowMs, OPEN_GROUP);
      lan.network.pump(dave);
      replayAll(conversation, recorded, how, [dave, bob, alice]);
      lan.run(5_000);
      for (const node of [dave, bob, alice]) {
        const online = node.core.peers().filter(({ state }) => state === "online");
        expect(
          online.map(({ name }) => name),
          `at ${node.name}`,
        ).not.toContain("carol");
        expect(online.map(({ incarnation }) => incarnation)).not.toContain(oldBob);
        expect(node.ofKind("duplicateKey"), `at ${node.name}`).toEqual([]);
      }
      const { groupId } = OPEN_GROUP;
      const present = dave.core.members(groupId).filter(({ online }) => online);
      expect(present.map(({ name }) => name)).toEqual(["alice"]);
      const joined = dave.ofKind("presence").map(({ change, peer }) => `${change} ${peer.name}`);
      expect(joined).not.toContain("join carol");
      expect(dave.linesFrom(carol, groupId)).toEqual([]);
      expect(sessionsLive(conversation, [[alice, dave]])).toBe(true); // they synchronised
    });
  });

  // Who is known from a session alone has no beacon that an old one could be older than.
  it("moves nobody who is known from a session alone", () => {
    const conversation = new AttackedConversation(3);
    conversation.meet();
    conversation.talk();
    conversation.restartBob();
    conversation.lan.run(2_000);
    const { lan, alice, bob } = conversation;
    const beacons = lan.ofType(DatagramType.beacon).filter(({ sender }) => sender === alice);
    const count = bob.events.length;
    for (const { bytes } of beacons) lan.inject(bob, bytes, lan.outside, "discovery");
    lan.run(500);
    expect(alarms(bob, count)).toEqual([]);
  });

  // The roster may have a device where the attacker is, for a moment, and a message is dialled there.
  it("before the original arrives, from the attacker's own address, loses nothing in the end", () => {
    const talkOf = (attack: (conversation: AttackedConversation) => void): string[][] => {
      const conversation = new AttackedConversation(5);
      attack(conversation);
      conversation.meet();
      conversation.talk();
      conversation.lan.onHearing = () => undefined;
      conversation.lan.run(90_000);
      return conversation.lan.nodes.map((node) => effectsOf(node).toSorted());
    };
    const undisturbed = talkOf(() => undefined);
    const outrun = talkOf(({ lan }) => {
      lan.onHearing = (heard) => {
        const via = heard.destination.kind === "unicast" ? "data" : "discovery";
        for (const node of lan.receiversOf(heard)) lan.inject(node, heard.bytes, lan.outside, via);
      };
    });
    expect(undisturbed.flat()).toHaveLength(7);
    expect(outrun).toEqual(undisturbed);
  });
});
