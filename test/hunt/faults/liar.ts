import { type GroupName, parseGroupName } from "../../../src/core/groups/groupName.js";
import type { Address, Destination, Transmit } from "../../../src/core/io.js";
import { randomHex, randomU32 } from "../../../src/crypto/random.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
} from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { FrameType, Lane, type LaneCode } from "../../../src/wire/frames.js";
import { encodeGroupData, encodeGroupHeartbeat, encodeGroupNack } from "../../../src/wire/group.js";
import { encodeGroupKeyNote, groupKeyStatement } from "../../../src/wire/groupKeyNote.js";
import {
  encodeGroupSync,
  encodeOpenSync,
  type GroupSync,
  GroupSyncPurpose,
} from "../../../src/wire/groupSync.js";
import { datagramType } from "../../../src/wire/header.js";
import { readingAt } from "../../../src/wire/hybridReading.js";
import {
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
} from "../../../src/wire/presence.js";
import { encodeRecord, type MessageRecord, RecordKind } from "../../../src/wire/record.js";
import { encodeClaims } from "../../../src/wire/session.js";
import { EPOCH_MS, type Station } from "../../support/simMedium.js";
import { type Attacker, attackerOf } from "../attacker.js";
import { type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import type { SimCrypto } from "../simHome.js";
import type { HuntWorld } from "../world.js";
import { type Drawn, during } from "./attack.js";
import { anyNumber, signedBy, victimOf } from "./forge.js";
import { LiarSessions } from "./liarSession.js";
import { beaconOf } from "./liarWords.js";

const LONGEST_MS = 30_000;
const MOST_IN_SESSION = 6;
/** The last reading that moves clocks: PROTOCOL 6.2. */
const LATEST_READING = readingAt(5_680_281_600_000);
const LAST_NUMBER = 2 ** 53 - 1;

/** Somebody with a key of his own who takes part, and lies. */
export const STRANGER: Ingredient = {
  name: "stranger",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const { random } = scene;
      const everyMs = oneOf(random, [50, 200, 1_000]);
      const character: Character = {
        everyMs,
        answers: random.uniform() < 0.8,
        talks: random.uniform() < 0.8,
        hlc: oneOf(random, ["now", "now", "latest", "absurd", "none"]),
        numbersFrom: oneOf(random, [1, 1, 1000, LAST_NUMBER - 2000]),
        intervalMs: oneOf(random, [0, 1_000, 12_500, 30_000]),
        saysGoodbye: random.uniform() < 0.5,
        name: oneOf(random, ["mallory", "ada", "", "\u202Eada"]),
      };
      return during(
        scene,
        atMs,
        LONGEST_MS,
        `lies every ${everyMs} ms, ${JSON.stringify(character)}`,
        (world) => new Liar(world, character).live(),
      );
    }),
};

interface Character {
  readonly everyMs: number;
  /** Questions and calls. */
  readonly answers: boolean;
  readonly talks: boolean;
  readonly hlc: "now" | "latest" | "absurd" | "none";
  readonly numbersFrom: number;
  readonly intervalMs: number;
  readonly saysGoodbye: boolean;
  readonly name: string;
}

class Liar implements Station {
  readonly name = "liar";
  readonly #world: HuntWorld;
  readonly #attacker: Attacker;
  readonly #crypto: SimCrypto;
  readonly #character: Character;
  readonly #sessions: LiarSessions;
  /** Where he pretends to be, for others to write to. */
  readonly #elsewhere: Address;
  #incarnation: string;
  #startedAtMs: number;
  #sequence: number;
  #messages = 1;
  /** Of lines in a group, by its id. Bounded by the groups. */
  readonly #lines = new Map<string, number>();
  #over = false;

  constructor(world: HuntWorld, character: Character) {
    this.#world = world;
    this.#attacker = attackerOf(world);
    this.#crypto = this.#attacker.crypto;
    this.#elsewhere = this.#attacker.sourceOf("nowhere");
    this.#character = character;
    this.#sequence = character.numbersFrom;
    this.#incarnation = randomHex(this.#attacker.chance, 8);
    this.#startedAtMs = EPOCH_MS + Math.floor(world.nowMs);
    this.#sessions = new LiarSessions(this.#attacker, () =>
      encodeClaims({
        ...this.#instance,
        dataPort: DEFAULT_DATA_PORT,
        creditDatagrams: oneOf(this.#attacker.chance, [0, 1, 64, 65_535]),
        announces: true,
        name: character.name,
      }),
    );
  }

  get address(): Address {
    return this.#attacker.address;
  }

  get #instance() {
    return { device: this.#crypto.identity.device, incarnation: this.#incarnation };
  }

  /** Until the returned function is called. */
  live(): () => void {
    const gone = this.#world.listen(this);
    this.#beacon();
    this.#act();
    return () => {
      if (this.#character.saysGoodbye) this.#leave();
      this.#over = true;
      gone();
    };
  }

  #stay(): void {
    const { intervalMs } = this.#character;
    this.#world.ledger.stranger(this.#instance.device).goneByMs =
      this.#world.nowMs + 3.5 * Math.max(1_000, intervalMs) + 65_000;
  }

  #act(): void {
    if (this.#over || this.#world.peaceSinceMs !== undefined) return;
    this.#stay();
    const { chance } = this.#attacker;
    const acts = [
      () => this.#beacon(),
      () => this.#heartbeat(),
      () => this.#heartbeat(),
      () => this.#say(),
      () => this.#say(),
      () => this.#nack(),
      () => this.#sessions.dial(this.#attacker.hostAddress()),
      () => this.#inSession(),
      () => this.#inSession(),
      () => this.#inSession(),
      () => this.#inSession(),
      () => this.#startAnew(),
    ];
    oneOf(chance, acts)();
    this.#world.at(this.#world.nowMs + this.#character.everyMs, () => this.#act());
  }

  listensTo(destination: Destination): boolean {
    const { address, port } = this.address;
    if (destination.kind === "lan") return true;
    return destination.to.address === address && destination.to.port === port;
  }

  receive({ bytes }: Transmit, from: Address): void {
    if (!this.#character.answers || this.#over) return;
    try {
      this.#answer(bytes, from);
    } catch {
      // Damaged, or sent by himself in another one's name.
    }
  }

  #answer(bytes: Uint8Array, from: Address): void {
    switch (datagramType(bytes)) {
      case DatagramType.query: {
        const { nonce, dataPort } = decodeQuery(bytes);
        const answer = encodeAnswer({
          nonce,
          heldUs: oneOf(this.#attacker.chance, [0, 0, 0xffff_ffff]),
          announces: true,
          beacon: this.#nextBeacon(),
        });
        const to = { address: from.address, port: dataPort };
        return this.#send(signedBy(this.#crypto.identity, answer), { kind: "unicast", to });
      }
      case DatagramType.handshakeInit:
        return this.#sessions.called(bytes, from);
      case DatagramType.cookie:
        return this.#sessions.asked(bytes);
      case DatagramType.handshakeResponse:
        return this.#sessions.answered(bytes);
      case DatagramType.handshakeFinish:
        return this.#sessions.finished(bytes);
      default:
        return undefined;
    }
  }

  #send(bytes: Uint8Array, destination: Destination, source = this.address): void {
    this.#attacker.send(bytes, destination, source);
  }

  #nextSequence(): number {
    this.#sequence = Math.min(LAST_NUMBER, this.#sequence + 1);
    return this.#sequence;
  }

  #nextBeacon() {
    const { chance } = this.#attacker;
    return beaconOf(this.#crypto.identity, this.#attacker, {
      ...this.#instance,
      startedAtMs: this.#startedAtMs,
      sequence: this.#nextSequence(),
      intervalMs: this.#character.intervalMs,
      name: this.#character.name,
      groups: this.#groups()
        .map(({ groupId }) => ({ groupId, digest: randomHex(chance, 8) }))
        .slice(0, 12),
    });
  }

  #beacon(): void {
    const { chance } = this.#attacker;
    const bytes = signedBy(this.#crypto.identity, encodeBeacon(this.#nextBeacon()));
    const source = chance.uniform() < 0.6 ? this.address : this.#elsewhere;
    this.#send(bytes, { kind: "lan" }, source);
  }

  #leave(): void {
    const leave = encodeLeave({ ...this.#instance, sequence: this.#nextSequence() });
    this.#send(signedBy(this.#crypto.identity, leave), { kind: "lan" });
  }

  #startAnew(): void {
    const { chance } = this.#attacker;
    if (chance.uniform() < 0.7) return;
    this.#incarnation = randomHex(chance, 8);
    this.#startedAtMs += wholeBetween(chance, -5, 5_000);
    this.#sequence = this.#character.numbersFrom;
    this.#lines.clear();
    this.#beacon();
  }

  #groups(): GroupName[] {
    const labels = new Map(this.#world.hosts.flatMap(({ groups }) => [...groups]));
    return [...labels].map(([label, secret]) =>
      parseGroupName(label, DEFAULT_DISCOVERY_PORT, { secret }),
    );
  }

  #anyGroup(secret = false): GroupName | undefined {
    const groups = this.#groups().filter((group) => group.secret === secret);
    return groups.length === 0 ? undefined : oneOf(this.#attacker.chance, groups);
  }

  /** To the group, or to one of its members alone. */
  #toGroup(group: GroupName, bytes: Uint8Array, source?: Address): void {
    const toAll = this.#attacker.chance.uniform() < 0.8;
    const to = toAll ? { address: group.address, port: group.port } : this.#attacker.hostAddress();
    this.#send(bytes, { kind: toAll ? "multicast" : "unicast", to }, source);
  }

  #heartbeat(): void {
    const group = this.#anyGroup();
    if (group === undefined) return;
    const { chance } = this.#attacker;
    const said = this.#lines.get(group.groupId) ?? this.#character.numbersFrom - 1;
    const lead = chance.uniform() < 0.7 ? said : Math.min(LAST_NUMBER, said + anyNumber(chance));
    const bytes = encodeGroupHeartbeat({
      groupId: group.groupId,
      ...this.#instance,
      sequence: this.#nextSequence(),
      startedAtMs: this.#startedAtMs,
      hello: chance.uniform() < 0.3,
      leaving: chance.uniform() < 0.1,
      wantsCopies: chance.uniform() < 0.4,
      digest: randomHex(chance, 8),
      lead,
      trail: Math.min(lead, oneOf(chance, [1, lead, lead + 1])),
      intervalMs: this.#character.intervalMs,
      dataPort: DEFAULT_DATA_PORT,
      name: this.#character.name,
    });
    const isAsVictim = chance.uniform() < 0.3;
    const source = isAsVictim ? this.#attacker.sourceOf("nowhere") : this.address;
    this.#toGroup(group, signedBy(this.#crypto.identity, bytes), source);
  }

  #reading(): number {
    switch (this.#character.hlc) {
      case "now":
        return readingAt(EPOCH_MS + this.#world.nowMs);
      case "latest":
        return LATEST_READING - wholeBetween(this.#attacker.chance, 0, 3);
      case "absurd":
        return LAST_NUMBER;
      case "none":
        return 0;
    }
  }

  #say(): void {
    const group = this.#anyGroup();
    if (group === undefined || !this.#character.talks) return;
    const { chance } = this.#attacker;
    const skipped = oneOf(chance, [0, 0, 0, 1, 300]);
    const sequence =
      (this.#lines.get(group.groupId) ?? this.#character.numbersFrom - 1) + 1 + skipped;
    if (sequence > LAST_NUMBER) return;
    this.#lines.set(group.groupId, sequence);
    const text = this.#world.ledger.newText(`mallory in ${group.label}`);
    const stranger = this.#world.ledger.stranger(this.#instance.device);
    stranger.said.add(text);
    if (this.#character.hlc === "absurd" || this.#character.hlc === "none") {
      stranger.misplaced.add(text);
    }
    const unsigned = encodeGroupData({
      groupId: group.groupId,
      ...this.#instance,
      sequence,
      name: this.#character.name,
      entries: [
        {
          messageSequence: this.#nextMessage(),
          sentAtMs: anyNumber(chance),
          hlc: this.#reading(),
          continues: false,
          continued: false,
          body: encodeUtf8(text),
        },
      ],
    });
    this.#toGroup(group, signedBy(this.#crypto.identity, unsigned));
  }

  #nextMessage(): number {
    this.#messages += 1;
    return this.#messages;
  }

  /** All that a victim ever said is missing. */
  #nack(): void {
    const group = this.#anyGroup();
    const victim = victimOf(this.#attacker);
    if (group === undefined || victim === undefined) return;
    const { device, incarnation } = victim.beacon;
    const unsigned = encodeGroupNack({
      groupId: group.groupId,
      ...this.#instance,
      sequence: this.#nextSequence(),
      of: { device, incarnation },
      missing: [{ first: 1, last: oneOf(this.#attacker.chance, [1, 64, 100_000, LAST_NUMBER]) }],
    });
    this.#toGroup(group, signedBy(this.#crypto.identity, unsigned));
  }

  #inSession(): void {
    const { chance } = this.#attacker;
    const { all } = this.#sessions;
    if (all.length === 0) return;
    const session = oneOf(chance, all);
    for (let count = wholeBetween(chance, 1, MOST_IN_SESSION); count > 0; count -= 1) {
      const source = chance.uniform() < 0.9 ? this.address : this.#attacker.sourceOf("diverted");
      this.#send(this.#packet(session), { kind: "unicast", to: session.to }, source);
    }
  }

  #packet(session: LiarSessions["all"][number]): Uint8Array {
    const { chance } = this.#attacker;
    const record = (lane: LaneCode, bytes: Uint8Array): Uint8Array => {
      const sequence = session.nextIn(lane);
      const base = oneOf(chance, [1, sequence]);
      return session.packet([{ type: FrameType.message, lane, sequence, base, record: bytes }]);
    };
    const words = [
      () => record(Lane.ordered, this.#record(RecordKind.text, encodeUtf8(this.#text()))),
      () => record(Lane.requests, this.#record(RecordKind.request, encodeUtf8(this.#text()))),
      () => record(Lane.bulk, this.#record(RecordKind.receipt, this.#receipt())),
      () => record(Lane.bulk, this.#record(RecordKind.groupSync, this.#sync())),
      () => record(Lane.bulk, this.#record(RecordKind.groupSync, this.#sync())),
      () => record(Lane.ordered, this.#record(RecordKind.groupKey, this.#keyNote())),
      () => record(Lane.replies, chance.bytes(40)),
      () => session.packet([{ type: FrameType.ping }]),
      () => session.packet([{ type: FrameType.close, reason: wholeBetween(chance, 0, 255) }]),
      () =>
        session.packet([
          { type: FrameType.advance, lane: Lane.ordered, base: Math.max(1, anyNumber(chance)) },
        ]),
      () =>
        session.packet([
          {
            type: FrameType.ack,
            delayUs: 0,
            creditDatagrams: anyNumber(chance),
            ranges: [{ first: 0, last: wholeBetween(chance, 0, 20) }],
          },
        ]),
      () =>
        session.packet([
          {
            type: FrameType.fragment,
            lane: Lane.bulk,
            sequence: 1 + wholeBetween(chance, 0, 4_000),
            base: 1,
            totalBytes: 65_000,
            offset: wholeBetween(chance, 0, 60_000),
            slice: chance.bytes(300),
          },
        ]),
      () => session.packetOf(chance.bytes(wholeBetween(chance, 0, 60))),
    ];
    return oneOf(chance, words)();
  }

  #text(): string {
    const text = this.#world.ledger.newText("mallory");
    this.#world.ledger.stranger(this.#instance.device).said.add(text);
    return text;
  }

  #record(
    kind: Exclude<MessageRecord["kind"], typeof RecordKind.reply>,
    body: Uint8Array,
  ): Uint8Array {
    return encodeRecord({
      kind,
      incarnation: this.#incarnation,
      messageSequence: this.#nextMessage(),
      sentAtMs: anyNumber(this.#attacker.chance),
      body,
    });
  }

  /** For messages that were never sent to him. */
  #receipt(): Uint8Array {
    const victim = victimOf(this.#attacker)?.beacon.incarnation ?? this.#incarnation;
    const sequence = Buffer.alloc(8);
    sequence.writeBigUInt64BE(BigInt(wholeBetween(this.#attacker.chance, 0, 1_000)));
    return Buffer.concat([Uint8Array.from([1, 0, 1]), Buffer.from(victim, "hex"), sequence]);
  }

  /** Offers and data that nobody asked for, questions for everything. */
  #sync(): Uint8Array {
    const { chance } = this.#attacker;
    const group = this.#anyGroup();
    const victim = victimOf(this.#attacker)?.beacon ?? this.#instance;
    const request = randomU32(chance);
    const streams = [
      this.#instance,
      { device: victim.device, incarnation: victim.incarnation },
    ].map((of) => ({
      ...of,
      ranges: [{ first: 1, last: oneOf(chance, [1, 500, 9_000, LAST_NUMBER]) }],
      latestHlc: oneOf(chance, [0, LATEST_READING, LAST_NUMBER]),
    }));
    const heard = this.#attacker.anyOf(DatagramType.groupData)?.bytes;
    const contents: GroupSync[] = [
      { purpose: GroupSyncPurpose.ask, request, partial: chance.uniform() < 0.5, streams },
      { purpose: GroupSyncPurpose.ask, request, partial: false, streams: [] },
      { purpose: GroupSyncPurpose.offer, request, partial: true, streams },
      { purpose: GroupSyncPurpose.fetch, request, keyIds: [], streams },
      {
        purpose: GroupSyncPurpose.data,
        request,
        index: wholeBetween(chance, 0, 20),
        last: chance.uniform() < 0.5,
        looked: anyNumber(chance),
        datagrams:
          heard === undefined
            ? []
            : [heard.slice(0, wholeBetween(chance, 1, Math.min(600, heard.length)))],
      },
      { purpose: GroupSyncPurpose.busy, request },
    ];
    const groupId = group?.groupId ?? randomHex(chance, 8);
    return encodeOpenSync(groupId, encodeGroupSync(oneOf(chance, contents)));
  }

  /** To a secret group of a name that others use, or a change of its key. */
  #keyNote(): Uint8Array {
    const { chance } = this.#attacker;
    const { groupId, label } =
      this.#anyGroup(true) ?? parseGroupName("#ops", DEFAULT_DISCOVERY_PORT, { secret: true });
    const statement = {
      groupId,
      label,
      epoch: oneOf(chance, [0, 1, 2, LAST_NUMBER]),
      by: this.#instance.device,
      removed:
        chance.uniform() < 0.5
          ? []
          : [victimOf(this.#attacker)?.beacon.device ?? this.#instance.device],
    };
    return encodeGroupKeyNote({
      purpose: oneOf(chance, [0, 1, 2] as const),
      ...statement,
      key: randomHex(chance, 32),
      signature: this.#crypto.identity.sign(groupKeyStatement(statement, randomHex(chance, 8))),
      proofKeyId: randomHex(chance, 8),
      proof: chance.bytes(16),
    });
  }
}
