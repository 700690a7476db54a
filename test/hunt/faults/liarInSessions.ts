import { parseGroupName } from "../../../src/core/groups/groupName.js";
import type { Address } from "../../../src/core/io.js";
import { randomHex, randomU32 } from "../../../src/crypto/random.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
} from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { FrameType, Lane, type LaneCode } from "../../../src/wire/frames.js";
import { encodeGroupKeyNote, groupKeyStatement } from "../../../src/wire/groupKeyNote.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  encodeGroupSync,
  encodeOpenSync,
  type GroupSync,
  GroupSyncPurpose,
} from "../../../src/wire/groupSync.js";
import {
  decodeRecord,
  encodeRecord,
  type MessageRecord,
  RecordKind,
} from "../../../src/wire/record.js";
import { encodeClaims } from "../../../src/wire/session.js";
import { oneOf, wholeBetween } from "../plan.js";
import { anyNumber, victimOf } from "./forge.js";
import { anyGroup, LATEST_READING } from "./liarInGroups.js";
import { LAST_NUMBER, type Persona } from "./liarPersona.js";
import { type LiarSession, LiarSessions } from "./liarSession.js";

const MOST_IN_SESSION = 6;
/** He claims that all are of records so long: a few are more than anybody makes room for. */
const FRAGMENTED_BYTES = 65_000;
const MOST_FRAGMENTED = 12;

/** What a liar says in sessions. */
export class LiarInSessions {
  readonly calls: LiarSessions;
  readonly #persona: Persona;

  constructor(persona: Persona) {
    this.#persona = persona;
    const { attacker, character } = persona;
    this.calls = new LiarSessions(attacker, () =>
      encodeClaims({
        ...persona.instance,
        dataPort: DEFAULT_DATA_PORT,
        creditDatagrams: oneOf(attacker.chance, [0, 1, 64, 65_535]),
        announces: true,
        name: character.name,
      }),
    );
  }

  get #chance() {
    return this.#persona.attacker.chance;
  }

  speak(): void {
    const { all } = this.calls;
    if (all.length === 0) return;
    const session = oneOf(this.#chance, all);
    for (let count = wholeBetween(this.#chance, 1, MOST_IN_SESSION); count > 0; count -= 1) {
      this.#send(session, this.#packet(session));
    }
  }

  #send(session: LiarSession, packet: Uint8Array): void {
    const { attacker } = this.#persona;
    const isOwn = this.#chance.uniform() < 0.9;
    const source: Address = isOwn ? attacker.address : attacker.sourceOf("diverted");
    attacker.send(packet, { kind: "unicast", to: session.to }, source);
  }

  /** Who asks what he holds gets an offer; who fetches that gets something else. */
  sealed(bytes: Uint8Array): void {
    const opened = this.calls.opened(bytes);
    for (const frame of opened?.frames ?? []) {
      if (opened === undefined || frame.type !== FrameType.message || frame.lane !== Lane.bulk) {
        continue;
      }
      const { kind, body } = decodeRecord(frame.record);
      if (kind !== RecordKind.groupSync) continue;
      const { groupId, rest } = decodeSyncGroup(body);
      const answer = this.#answerTo(decodeGroupSync(rest));
      if (answer === undefined) continue;
      const sync = encodeOpenSync(groupId, encodeGroupSync(answer));
      this.#send(
        opened.session,
        this.#inLane(opened.session, Lane.bulk, this.#record(RecordKind.groupSync, sync)),
      );
    }
  }

  #answerTo(question: GroupSync): GroupSync | undefined {
    const { request } = question;
    const { attacker, instance } = this.#persona;
    switch (question.purpose) {
      case GroupSyncPurpose.ask: {
        const ranges = [{ first: 1, last: oneOf(this.#chance, [1, 50, 9_000]) }];
        const streams = [{ ...instance, ranges, latestHlc: LATEST_READING }];
        return { purpose: GroupSyncPurpose.offer, request, partial: false, streams };
      }
      case GroupSyncPurpose.fetch: {
        const heard = attacker.anyOf(DatagramType.groupData)?.bytes;
        const datagrams = heard === undefined || heard.length > 600 ? [] : [heard];
        const answered = { index: 0, last: true, looked: 1, datagrams };
        return { purpose: GroupSyncPurpose.data, request, ...answered };
      }
      default:
        return undefined;
    }
  }

  #inLane(session: LiarSession, lane: LaneCode, record: Uint8Array): Uint8Array {
    const sequence = session.nextIn(lane);
    const base = oneOf(this.#chance, [1, sequence]);
    return session.packet([{ type: FrameType.message, lane, sequence, base, record }]);
  }

  #packet(session: LiarSession): Uint8Array {
    const chance = this.#chance;
    const record = (lane: LaneCode, bytes: Uint8Array): Uint8Array =>
      this.#inLane(session, lane, bytes);
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
            sequence: 1 + wholeBetween(chance, 0, MOST_FRAGMENTED),
            base: 1,
            totalBytes: FRAGMENTED_BYTES,
            offset: wholeBetween(chance, 0, 60_000),
            slice: chance.bytes(300),
          },
        ]),
      () => session.packetOf(chance.bytes(wholeBetween(chance, 0, 60))),
    ];
    return oneOf(chance, words)();
  }

  #text(): string {
    const text = this.#persona.world.ledger.newText("mallory");
    this.#persona.stranger.said.add(text);
    return text;
  }

  #record(
    kind: Exclude<MessageRecord["kind"], typeof RecordKind.reply>,
    body: Uint8Array,
  ): Uint8Array {
    return encodeRecord({
      kind,
      incarnation: this.#persona.instance.incarnation,
      messageSequence: this.#persona.nextMessage(),
      sentAtMs: anyNumber(this.#chance),
      body,
    });
  }

  /** For messages that were never sent to him. */
  #receipt(): Uint8Array {
    const { attacker, instance } = this.#persona;
    const victim = victimOf(attacker)?.beacon.incarnation ?? instance.incarnation;
    const sequence = Buffer.alloc(8);
    sequence.writeBigUInt64BE(BigInt(wholeBetween(this.#chance, 0, 1_000)));
    return Buffer.concat([Uint8Array.from([1, 0, 1]), Buffer.from(victim, "hex"), sequence]);
  }

  /** Offers and data that nobody asked for, questions for everything. */
  #sync(): Uint8Array {
    const { attacker, instance } = this.#persona;
    const chance = this.#chance;
    const group = anyGroup(this.#persona);
    const victim = victimOf(attacker)?.beacon ?? instance;
    const request = randomU32(chance);
    const streams = [instance, { device: victim.device, incarnation: victim.incarnation }].map(
      (of) => ({
        ...of,
        ranges: [{ first: 1, last: oneOf(chance, [1, 500, 9_000, LAST_NUMBER]) }],
        latestHlc: oneOf(chance, [0, LATEST_READING, LAST_NUMBER]),
      }),
    );
    const heard = attacker.anyOf(DatagramType.groupData)?.bytes;
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
    const { attacker, instance, crypto } = this.#persona;
    const chance = this.#chance;
    const { groupId, label } =
      anyGroup(this.#persona, true) ??
      parseGroupName("#ops", DEFAULT_DISCOVERY_PORT, { secret: true });
    const statement = {
      groupId,
      label,
      epoch: oneOf(chance, [0, 1, 2, LAST_NUMBER]),
      by: instance.device,
      removed: chance.uniform() < 0.5 ? [] : [victimOf(attacker)?.beacon.device ?? instance.device],
    };
    return encodeGroupKeyNote({
      purpose: oneOf(chance, [0, 1, 2] as const),
      ...statement,
      key: randomHex(chance, 32),
      signature: crypto.identity.sign(groupKeyStatement(statement, randomHex(chance, 8))),
      proofKeyId: randomHex(chance, 8),
      proof: chance.bytes(16),
    });
  }
}
