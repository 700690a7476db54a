/** What a peer that lies says: plausible most of the time, so that it is believed, and then not. */

import { randomHex, randomU32 } from "../../src/crypto/random.js";
import { encodeUtf8, Writer } from "../../src/wire/cursor.js";
import {
  type Examination,
  ExaminationPurpose,
  encodeExamination,
} from "../../src/wire/examination.js";
import { type Frame, FrameType, type LaneCode, writeFrame } from "../../src/wire/frames.js";
import {
  encodeGroupData,
  encodeGroupHeartbeat,
  encodeGroupNack,
  type SequenceRange,
} from "../../src/wire/group.js";
import {
  encodeGroupSync,
  type GroupSync,
  GroupSyncPurpose,
  type SyncStream,
} from "../../src/wire/groupSync.js";
import {
  type Beacon,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
  type Instance,
} from "../../src/wire/presence.js";
import { encodeReceipt } from "../../src/wire/receipt.js";
import {
  encodeRecord,
  LANE_OF_KIND,
  type MessageRecord,
  RecordKind,
  ReplyStatus,
} from "../../src/wire/record.js";
import {
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeReset,
  encodeSealedHeader,
} from "../../src/wire/session.js";
import type { SeededRandom } from "../support/seededRandom.js";
import type { FuzzPeer } from "./corePeer.js";
import { below, chance, pick } from "./mutate.js";

const MOST = Number.MAX_SAFE_INTEGER;
/** The last reading of the hybrid clock that moves anybody's: PROTOCOL.md section 6.2. */
const LAST_READING = 5_680_281_600_000 * 1024;
const PAYLOAD_BYTES = 1168;
const NAMES = [
  "",
  "mallory",
  "victim",
  "\u001b[2J\u001b]0;x\u0007",
  "\u202eecila",
  "a\nb: hi",
  "\0".repeat(32),
  "é".repeat(16),
];
const LANES: readonly LaneCode[] = [0, 1, 2, 3];

/** What draws are made of. */
export interface Scene {
  readonly wallMs: number;
  readonly groupIds: readonly string[];
  /** Everybody that there is, and nobody. */
  readonly instances: readonly Instance[];
  /** Key ids of the secret group. */
  readonly keyIds: readonly string[];
}

/** `near` most of the time, or around it, or at a border of what is written. */
export function numberNear(random: SeededRandom, near: number): number {
  const draw = random.uniform();
  if (draw < 0.7) return near;
  if (draw < 0.85) return Math.max(0, near + below(random, 5) - 2);
  if (draw < 0.95) return near + below(random, 5000);
  return pick(random, [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, MOST - 1, MOST, LAST_READING]);
}

function capped(random: SeededRandom, near: number, most: number): number {
  return Math.min(most, numberNear(random, near));
}

function nameOf(random: SeededRandom): string {
  return pick(random, NAMES);
}

function instanceOf(random: SeededRandom, scene: Scene, peer: FuzzPeer): Instance {
  const { device, incarnation } = peer;
  if (chance(random, 0.85)) return { device, incarnation };
  if (chance(random, 0.5)) return { device, incarnation: randomHex(random, 8) };
  return pick(random, scene.instances);
}

function groupOf(random: SeededRandom, scene: Scene): string {
  return chance(random, 0.98) ? (scene.groupIds[0] ?? "") : randomHex(random, 8);
}

function rangesNear(random: SeededRandom, near: number): SequenceRange[] {
  const count = chance(random, 0.9) ? 1 + below(random, 4) : 64;
  const ranges: SequenceRange[] = [];
  let first = Math.max(
    1,
    chance(random, 0.7) ? 1 + below(random, near + 2) : numberNear(random, near),
  );
  for (let i = 0; i < count; i += 1) {
    const last = first + (chance(random, 0.8) ? below(random, 20) : numberNear(random, 3000));
    if (!Number.isSafeInteger(last)) break;
    ranges.push({ first, last });
    first = last + 2 + below(random, 10);
  }
  return ranges.length > 0 ? ranges : [{ first: MOST, last: MOST }];
}

// Datagrams to be signed.

function beaconOf(random: SeededRandom, scene: Scene, peer: FuzzPeer): Beacon {
  peer.sequence += 1;
  const groups = scene.groupIds.map((groupId) => ({ groupId, digest: randomHex(random, 8) }));
  return {
    ...instanceOf(random, scene, peer),
    sequence: numberNear(random, peer.sequence),
    startedAtMs: numberNear(random, peer.startedAtMs),
    intervalMs: capped(random, 12_500, 2 ** 32 - 1),
    dataPort: chance(random, 0.95) ? peer.address.port : 1 + below(random, 65_535),
    groups: chance(random, 0.5) ? groups : groups.slice(0, 1),
    name: nameOf(random),
  };
}

function entriesOf(random: SeededRandom, scene: Scene) {
  const count = chance(random, 0.7) ? 1 : 1 + below(random, 6);
  return Array.from({ length: count }, () => ({
    continues: chance(random, 0.1),
    continued: chance(random, 0.1),
    messageSequence: numberNear(random, below(random, 1000)),
    sentAtMs: numberNear(random, scene.wallMs),
    hlc: numberNear(random, scene.wallMs * 1024),
    body: bodyOf(random, 120),
  }));
}

function bodyOf(random: SeededRandom, mostBytes: number): Uint8Array {
  if (chance(random, 0.2)) return new Uint8Array(0);
  if (chance(random, 0.3)) return random.bytes(below(random, mostBytes + 1));
  return encodeUtf8(`line ${below(random, 1e6)}`);
}

/** Of one device of the attacker, unsigned. Group datagrams are of `groupIds[0]`. */
export function drawUnsigned(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  switch (
    pick(random, [
      "beacon",
      "answer",
      "leave",
      "data",
      "data",
      "data",
      "heartbeat",
      "heartbeat",
      "nack",
    ])
  ) {
    case "beacon":
      return encodeBeacon(beaconOf(random, scene, peer));
    case "answer": {
      const nonce = peer.nonces.at(-1) ?? randomHex(random, 8);
      const heldUs = capped(random, 20_000, 2 ** 32 - 1);
      const announces = chance(random, 0.9);
      return encodeAnswer({ nonce, heldUs, announces, beacon: beaconOf(random, scene, peer) });
    }
    case "leave": {
      peer.sequence += 1;
      if (chance(random, 0.7)) return encodeBeacon(beaconOf(random, scene, peer));
      const sequence = numberNear(random, peer.sequence);
      return encodeLeave({ ...instanceOf(random, scene, peer), sequence });
    }
    case "heartbeat":
      return drawHeartbeat(random, scene, peer);
    case "nack":
      return drawNack(random, scene, peer);
    default:
      return drawData(random, scene, peer);
  }
}

/** DATA, HEARTBEAT or NACK of `groupIds[0]`. */
export function drawGroupDatagram(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  return pick(random, [drawData, drawData, drawHeartbeat, drawNack])(random, scene, peer);
}

function drawData(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  const groupId = groupOf(random, scene);
  const next =
    (peer.dataSequences.get(groupId) ?? 0) + (chance(random, 0.85) ? 1 : below(random, 40));
  peer.dataSequences.set(groupId, next);
  return encodeGroupData({
    groupId,
    ...instanceOf(random, scene, peer),
    sequence: Math.max(1, numberNear(random, next)),
    name: nameOf(random),
    entries: entriesOf(random, scene),
  });
}

/** DATA that the victim asked for in a fetch; any if it asked for nothing of this peer. */
export function drawFetched(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  const own = peer.fetched.filter(({ device }) => device === peer.device);
  const wanted = own.length === 0 ? undefined : pick(random, own);
  const range = wanted === undefined ? undefined : pick(random, wanted.ranges);
  if (wanted === undefined || range === undefined) return drawData(random, scene, peer);
  const span = Math.min(50, range.last - range.first + 1);
  return encodeGroupData({
    groupId: groupOf(random, scene),
    device: peer.device,
    incarnation: wanted.incarnation,
    sequence: Math.max(1, range.first + below(random, span)),
    name: nameOf(random),
    entries: entriesOf(random, scene),
  });
}

export function drawHeartbeat(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  peer.sequence += 1;
  const groupId = groupOf(random, scene);
  const lead = numberNear(random, peer.dataSequences.get(groupId) ?? 0);
  return encodeGroupHeartbeat({
    groupId,
    ...instanceOf(random, scene, peer),
    sequence: numberNear(random, peer.sequence),
    startedAtMs: numberNear(random, peer.startedAtMs),
    hello: chance(random, 0.2),
    leaving: chance(random, 0.03),
    wantsCopies: chance(random, 0.2),
    digest: randomHex(random, 8),
    lead,
    trail: Math.min(chance(random, 0.7) ? 1 : numberNear(random, lead), lead + 1, MOST),
    intervalMs: capped(random, 12_500, 2 ** 32 - 1),
    dataPort: peer.address.port,
    name: nameOf(random),
  });
}

function drawNack(random: SeededRandom, scene: Scene, peer: FuzzPeer): Uint8Array {
  peer.sequence += 1;
  return encodeGroupNack({
    groupId: groupOf(random, scene),
    ...instanceOf(random, scene, peer),
    sequence: numberNear(random, peer.sequence),
    of: pick(random, scene.instances),
    missing: rangesNear(random, 20),
  });
}

// Datagrams that nobody signs.

export function drawUnproven(random: SeededRandom, peer: FuzzPeer): Uint8Array {
  const index = chance(random, 0.7) ? (peer.session?.remoteIndex ?? 1) : randomU32(random);
  const cookie = random.bytes(pick(random, [0, 0, 0, 16, 16, 255]));
  const counter = numberNear(random, peer.session?.counter ?? 0);
  switch (below(random, 8)) {
    case 0:
    case 1:
      return encodeQuery({
        nonce: randomHex(random, 8),
        incarnation: randomHex(random, 8),
        dataPort: 1 + below(random, 65_535),
        direct: chance(random, 0.5),
        peersKnown: below(random, 65_536),
        known: random.bytes(pick(random, [0, 0, 1, 8, 512])),
      });
    case 2:
    case 3: {
      const message = random.bytes(pick(random, [0, 0, 0, 1, 96, 900]));
      const senderIndex = chance(random, 0.5) ? below(random, 8) : randomU32(random);
      return encodeHandshakeInit({ senderIndex, suite: below(random, 4) % 3, cookie, message });
    }
    case 4: {
      const message = chance(random, 0.5) ? peer.claims() : random.bytes(below(random, 200));
      return encodeHandshakeResponse({
        senderIndex: randomU32(random),
        receiverIndex: index,
        message,
      });
    }
    case 5: {
      const message = chance(random, 0.5) ? peer.claims() : random.bytes(below(random, 200));
      return encodeHandshakeFinish({ receiverIndex: index, message });
    }
    case 6:
      return chance(random, 0.5)
        ? encodeCookie({ receiverIndex: index, cookie })
        : encodeReset({ receiverIndex: index, counter });
    default:
      return Uint8Array.from([
        ...encodeSealedHeader({ receiverIndex: index, counter }),
        ...random.bytes(below(random, 120)),
      ]);
  }
}

// Frames.

/** The payload of a packet: one to five frames, that may contradict what was said before. */
export function drawPayload(random: SeededRandom, peer: FuzzPeer): Uint8Array {
  const writer = new Writer(4096);
  for (let count = 1 + below(random, 5); count > 0; count -= 1) {
    const frame = drawFrame(random, peer);
    if (frame === undefined) writer.zeros(below(random, 30));
    else writeFrame(writer, frame);
    if (writer.lengthBytes > PAYLOAD_BYTES) break;
  }
  return Uint8Array.from(writer.finish().subarray(0, PAYLOAD_BYTES));
}

/** Undefined: padding. */
function drawFrame(random: SeededRandom, peer: FuzzPeer): Frame | undefined {
  const draw = below(random, 200);
  if (draw < 10) return undefined;
  if (draw < 20) return { type: FrameType.ping };
  if (draw < 70) return drawAck(random, peer);
  if (draw < 85) {
    const lane = pick(random, LANES);
    return { type: FrameType.advance, lane, base: nextInLane(random, peer, lane) };
  }
  if (draw === 199) return { type: FrameType.close, reason: below(random, 4) };
  const lane = pick(random, LANES);
  const sequence = Math.max(1, nextInLane(random, peer, lane));
  const base = chance(random, 0.9) ? 1 : Math.max(1, sequence - below(random, 5_000));
  if (draw < 140) {
    const record = chance(random, 0.8)
      ? drawRecordOf(random, peer, lane)
      : random.bytes(below(random, 60));
    return { type: FrameType.message, lane, sequence, base, record: record.subarray(0, 600) };
  }
  const slice = random.bytes(1 + below(random, 500));
  const offset = chance(random, 0.5) ? 0 : numberNear(random, 500);
  const totalBytes = Math.min(
    MOST,
    offset + slice.length + numberNear(random, below(random, chance(random, 0.7) ? 2_000 : 64_000)),
  );
  return {
    type: FrameType.fragment,
    lane,
    sequence,
    base,
    totalBytes,
    offset: Math.min(offset, totalBytes - slice.length),
    slice,
  };
}

/** Mostly the next one: what is far ahead of it settles all before it, and nothing is new then. */
function nextInLane(random: SeededRandom, peer: FuzzPeer, lane: LaneCode): number {
  const next = (peer.laneSequences[lane] ?? 0) + 1;
  const sequence = chance(random, 0.9) ? next + below(random, 2) : numberNear(random, next);
  if (sequence > next + 10 && chance(random, 0.9)) return next;
  if (sequence <= next + 1) peer.laneSequences[lane] = sequence;
  return sequence;
}

function drawAck(random: SeededRandom, peer: FuzzPeer): Frame {
  const highest = Math.max(0, peer.session?.highest ?? 0);
  const last = chance(random, 0.8) ? below(random, highest + 1) : numberNear(random, highest);
  const ranges = [{ first: chance(random, 0.6) ? 0 : Math.max(0, last - below(random, 3)), last }];
  let { first } = ranges[0] ?? { first: 0 };
  while (chance(random, 0.3) && first >= 2) {
    const lower = first - 2 - below(random, Math.min(5, first - 1));
    if (lower < 0) break;
    ranges.push({ first: lower, last: lower });
    first = lower;
  }
  const creditDatagrams = numberNear(random, 256);
  return { type: FrameType.ack, delayUs: numberNear(random, 100), creditDatagrams, ranges };
}

// Records.

/** A record of a kind that belongs into the lane, most of the time. */
export function drawRecordOf(random: SeededRandom, peer: FuzzPeer, lane: LaneCode): Uint8Array {
  const kinds = Object.values(RecordKind).filter((kind) => LANE_OF_KIND[kind] === lane);
  const kind = chance(random, 0.95) ? pick(random, kinds) : pick(random, Object.values(RecordKind));
  return encodeRecord(recordOf(random, peer, kind));
}

function recordOf(
  random: SeededRandom,
  peer: FuzzPeer,
  kind: MessageRecord["kind"],
): MessageRecord {
  const common = {
    incarnation: chance(random, 0.9) ? peer.incarnation : randomHex(random, 8),
    messageSequence: numberNear(random, below(random, 1000)),
    sentAtMs: numberNear(random, 1_770_000_000_000),
    body: bodyOf(random, 300),
  };
  if (kind === RecordKind.reply) {
    const requestSequence = peer.requests.at(-1 - below(random, 3)) ?? numberNear(random, 1);
    return { kind, ...common, requestSequence, status: pick(random, Object.values(ReplyStatus)) };
  }
  if (kind === RecordKind.receipt && chance(random, 0.8)) {
    const known = peer.messageIds.slice(-4);
    const messageIds = known.length > 0 ? known : [randomHex(random, 16)];
    return { kind, ...common, body: encodeReceipt({ status: "read", messageIds }) };
  }
  if (kind === RecordKind.examination && chance(random, 0.8)) {
    return { kind, ...common, body: encodeExamination(examinationOf(random)) };
  }
  return { kind, ...common };
}

/** Keys are few, so that some are asked twice, and answered by who was not asked. */
function examinationOf(random: SeededRandom): Examination {
  const key = pick(random, ["00", "01", "02"]).repeat(16);
  const purpose = pick(random, Object.values(ExaminationPurpose));
  switch (purpose) {
    case ExaminationPurpose.ask:
      return { purpose, key };
    case ExaminationPurpose.ready:
      return { purpose, key, busy: chance(random, 0.3), clockMs: numberNear(random, 0) };
    case ExaminationPurpose.report:
      return { purpose, key, heard: [{ way: below(random, 256), count: below(random, 256) }] };
  }
}

/** A whole record with a long body, for fragments. */
export function drawLongText(random: SeededRandom, peer: FuzzPeer): Uint8Array {
  const body = new Uint8Array(pick(random, [1500, 5000, 20_000, 65_536])).fill(0x61);
  const common = {
    incarnation: peer.incarnation,
    messageSequence: below(random, 1e6),
    sentAtMs: 0,
  };
  return encodeRecord({ kind: RecordKind.text, ...common, body });
}

// SYNC.

/** The content of a SYNC record. `datagrams`: to be told as kept. */
export function drawSync(
  random: SeededRandom,
  scene: Scene,
  peer: FuzzPeer,
  datagrams: readonly Uint8Array[],
): Uint8Array {
  const asked = peer.syncs.at(-1) ?? randomU32(random);
  const request = chance(random, 0.8) ? asked : randomU32(random);
  return encodeGroupSync(syncOf(random, scene, request, datagrams));
}

function syncOf(
  random: SeededRandom,
  scene: Scene,
  request: number,
  datagrams: readonly Uint8Array[],
): GroupSync {
  const streams = streamsOf(random, scene);
  switch (below(random, 12)) {
    case 0:
    case 1:
      return {
        purpose: GroupSyncPurpose.ask,
        request: randomU32(random),
        partial: chance(random, 0.2),
        streams,
      };
    case 2:
    case 3:
    case 4:
      return { purpose: GroupSyncPurpose.offer, request, partial: chance(random, 0.2), streams };
    case 5:
    case 6:
    case 7:
      return {
        purpose: GroupSyncPurpose.fetch,
        request: randomU32(random),
        keyIds: scene.keyIds.slice(0, 16),
        streams,
      };
    case 8:
      return { purpose: GroupSyncPurpose.busy, request };
    default: {
      const last = chance(random, 0.6);
      const looked = last ? numberNear(random, 20) : 0;
      const index = chance(random, 0.8) ? 0 : below(random, 256);
      return { purpose: GroupSyncPurpose.data, request, index, last, looked, datagrams };
    }
  }
}

function streamsOf(random: SeededRandom, scene: Scene): SyncStream[] {
  const count = chance(random, 0.9) ? below(random, 5) : 60;
  return Array.from({ length: count }, (_, i) => ({
    ...(i < scene.instances.length && chance(random, 0.7)
      ? pick(random, scene.instances)
      : { device: randomHex(random, 32), incarnation: randomHex(random, 8) }),
    latestHlc: numberNear(random, scene.wallMs * 1024),
    ranges: rangesNear(random, 20),
  }));
}
