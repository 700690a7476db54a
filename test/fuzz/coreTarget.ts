/** A whole core, attacked by peers with keys of their own and by people who forge addresses. */
import { type CoreContext, TRUST_NOTHING } from "../../src/core/context.js";
import { type Address, addressKey, type ReceivedDatagram } from "../../src/core/io.js";
import { groupKeyOf } from "../../src/crypto/groupSeal.js";
import { randomHex } from "../../src/crypto/random.js";
import { UdpchatError } from "../../src/errors.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  MAX_DATAGRAM_BYTES,
  MIN_SEALED_BYTES,
} from "../../src/wire/constants.js";
import { encodeUtf8, fromHex, toHex, Writer } from "../../src/wire/cursor.js";
import {
  type Frame,
  FrameType,
  fragmentOverheadBytes,
  type LaneCode,
  messageFrameBytes,
  writeFrame,
} from "../../src/wire/frames.js";
import { encodeGroupSealHeader } from "../../src/wire/group.js";
import { encodeOpenSync, encodeSealedSync, syncAssociatedData } from "../../src/wire/groupSync.js";
import { encodeRecord, RecordKind, ReplyStatus } from "../../src/wire/record.js";
import { clearSuite } from "../support/clearSuite.js";
import { SECRET_GROUP, TEST_GROUP } from "../support/groupBus.js";
import { SeededRandom } from "../support/seededRandom.js";
import { simIdentity, simVerify } from "../support/simIdentity.js";
import {
  drawFetched,
  drawGroupDatagram,
  drawHeartbeat,
  drawLongText,
  drawPayload,
  drawRecordOf,
  drawSync,
  drawUnproven,
  drawUnsigned,
  type Scene,
} from "./coreDraws.js";
import { FuzzPeer } from "./corePeer.js";
import { CoreWorld, drawnLimits, EPOCH_MS, HONEST, NOBODY_PREFIX } from "./coreWorld.js";
import { HonestTalk } from "./honestTalk.js";
import { drawKeyNote } from "./keyNoteDraws.js";
import { below, chance, mutate, noise, pick } from "./mutate.js";
import { Progress } from "./progress.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

const LIFETIME_INPUTS = 2_500;
const BOUNDS_EVERY_INPUTS = 20;
const TYPES = Object.values(DatagramType);
/** Peers that run and answer; one with a key that never shows itself; and names without anybody. */
const RUNNING = 2;
const PEERS = 3;
const GHOSTS = 3;
const MAX_PAYLOAD_BYTES = MAX_DATAGRAM_BYTES - MIN_SEALED_BYTES;
/** What an application may be told by a command. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  "LIMIT_REACHED",
  "NOT_A_MEMBER",
  "INVALID_GROUP",
]);
const LANES: readonly LaneCode[] = [0, 1, 2, 3];
const VIAS: readonly ReceivedDatagram["via"][] = ["data", "discovery", "group"];
const COMMANDS = [
  "text",
  "text",
  "request",
  "request",
  "say",
  "say",
  "saySecret",
  "long",
  "cancel",
  "reply",
  "reply",
  "query",
  "interfaces",
  "invite",
  "remove",
  "rejoin",
  "forget",
  "block",
] as const;

export const coreTarget: FuzzTarget = {
  name: "core",
  weight: 12,
  lifetimeInputs: LIFETIME_INPUTS,
  open: (random) => new CoreSubject(random),
};

type Terms = Readonly<Record<string, string | number | boolean>>;

class CoreSubject implements FuzzSubject {
  readonly #world: CoreWorld;
  readonly #peers: readonly FuzzPeer[];
  readonly #talk: HonestTalk;
  readonly #progress: Progress;
  readonly #blocked = new Set<string>();
  /** For seals, and for what the subject starts anew. */
  readonly #random: SeededRandom;
  #token = 0;
  #fed = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    const limits = drawnLimits(random);
    const trust: CoreContext["trust"] = {
      ...TRUST_NOTHING,
      isBlocked: (device) => this.#blocked.has(device),
    };
    const common = { verify: simVerify, handshakeSuite: clearSuite, announce: true };
    const host = (name: string) => ({
      ...common,
      identity: simIdentity(name),
      random: new SeededRandom(below(random, 2 ** 32)),
      name,
      dataPort: DEFAULT_DATA_PORT,
      startedAtMs: EPOCH_MS,
    });
    this.#world = new CoreWorld({
      victim: { ...host("victim"), limits, trust },
      honest: host("honest"),
    });
    this.#talk = new HonestTalk(this.#world);
    this.#progress = new Progress(this.#world.victim);
    this.#peers = Array.from({ length: PEERS + GHOSTS }, (_, i) => this.#peer(i));
    this.#world.onUnicast = (bytes, to) => {
      this.#peers.find(({ address }) => addressKey(address) === addressKey(to))?.take(bytes);
    };
    this.#arrive();
  }

  #peer(index: number): FuzzPeer {
    const isGhost = index >= PEERS;
    const address = isGhost ? `${NOBODY_PREFIX}0.${index}` : `10.0.1.${index}`;
    const from = { address, port: DEFAULT_DATA_PORT };
    return new FuzzPeer({
      name: `mallory ${index}`,
      address: from,
      incarnation: randomHex(this.#random, 8),
      startedAtMs: EPOCH_MS + 1_000 * index,
      honestAbroad: index < RUNNING,
      send: (bytes) => this.#world.receiveSoon({ bytes, from, onLink: true, via: "data" }),
    });
  }

  /** The peers that run are met: by beacon, in both groups, and in a session. */
  #arrive(): void {
    for (const peer of this.#peers.slice(0, RUNNING)) {
      peer.connect();
      for (let turn = 0; turn < 3; turn += 1) {
        for (const { groupId } of [TEST_GROUP, SECRET_GROUP]) {
          const scene = { ...this.#scene(), groupIds: [groupId] };
          const unsigned = drawHeartbeat(this.#random, scene, peer);
          const signed = peer.signed(unsigned);
          const bytes = groupId === TEST_GROUP.groupId ? signed : this.#groupSealed(signed, 0);
          this.#world.receive({ bytes, from: peer.address, onLink: true, via: "group" });
        }
        this.#world.pass(400);
      }
    }
  }

  #scene(): Scene {
    const { victim, honest } = this.#world;
    const cores = [victim, honest].map(({ core: { id, incarnation } }) => ({
      device: id,
      incarnation,
    }));
    const peers = this.#peers?.map(({ device, incarnation }) => ({ device, incarnation })) ?? [];
    return {
      wallMs: this.#world.wallMs,
      groupIds: [TEST_GROUP.groupId, SECRET_GROUP.groupId],
      instances: [...cores, ...peers],
      keyIds: this.#secrets().map((secret) => groupKeyOf(secret, this.#random).id),
    };
  }

  /** Of the secret group, the present one first. */
  #secrets(): readonly string[] {
    const { keys, formerKeys } = this.#world.victim;
    return [keys.key, ...formerKeys.slice(-4)];
  }

  // Drawing.

  draw(random: SeededRandom): FuzzInput {
    const passMs = chance(random, 0.8) ? random.uniform() * 3 : random.uniform() * 60;
    const drawn = this.#drawKind(random);
    return { ...drawn, with: { ...drawn.with, passMs: Math.round(passMs * 100) / 100 } };
  }

  #drawKind(random: SeededRandom): FuzzInput {
    const draw = random.uniform();
    if (draw < 0.16) return this.#drawSigned(random);
    if (draw < 0.28) return this.#drawGroupSealed(random);
    if (draw < 0.52) return this.#drawPacket(random);
    if (draw < 0.62) return this.#drawRecord(random);
    if (draw < 0.72) return this.#drawSyncRecord(random);
    if (draw < 0.76) return this.#drawNote(random);
    if (draw < 0.88) return this.#drawRaw(random);
    if (draw < 0.93) return this.#drawCommand(random);
    if (draw < 0.95) return { kind: "connect", with: this.#by(random, RUNNING) };
    if (draw < 0.956) return { kind: "restart", with: this.#by(random, RUNNING) };
    if (draw < 0.994) return { kind: "pass", with: { ms: below(random, 400) } };
    if (draw < 0.9995) return { kind: "pass", with: { ms: below(random, 8_000) } };
    const kind = chance(random, 0.5) ? "sleep" : "pass";
    return { kind, with: { ms: below(random, kind === "sleep" ? 3_600_000 : 300_000) } };
  }

  #by(random: SeededRandom, count: number): { by: number } {
    return { by: below(random, count) };
  }

  #peerOf({ by = 0 }: Terms): FuzzPeer {
    const peer = this.#peers[Number(by)] ?? this.#peers[0];
    if (peer === undefined) throw new Error("no peers");
    return peer;
  }

  /** Where it seems to come from: where the peer is, or a forged source. */
  #from(random: SeededRandom, by: number): Terms {
    const own = by < PEERS ? this.#peerOf({ by }).address : nobody(random);
    const others = [HONEST, ...this.#peers.slice(0, PEERS).map(({ address }) => address)];
    const at = by >= PEERS || chance(random, 0.9) ? own : pick(random, others);
    return {
      address: at.address,
      port: chance(random, 0.95) ? at.port : 1 + below(random, 65_535),
      onLink: chance(random, 0.95),
      via: chance(random, 0.8) ? "group" : pick(random, VIAS),
    };
  }

  #drawSigned(random: SeededRandom): FuzzInput {
    const by = chance(random, 0.75) ? below(random, RUNNING) : below(random, PEERS + GHOSTS);
    const unsigned = drawUnsigned(random, this.#scene(), this.#peerOf({ by }));
    const hex = toHex(chance(random, 0.12) ? mutate(random, unsigned) : unsigned);
    return { kind: "signed", hex, with: { by, ...this.#from(random, by) } };
  }

  #drawGroupSealed(random: SeededRandom): FuzzInput {
    const by = chance(random, 0.85) ? below(random, RUNNING) : below(random, PEERS + GHOSTS);
    const scene = { ...this.#scene(), groupIds: [SECRET_GROUP.groupId] };
    const unsigned = drawGroupDatagram(random, scene, this.#peerOf({ by }));
    const hex = toHex(chance(random, 0.12) ? mutate(random, unsigned) : unsigned);
    const key = chance(random, 0.8) ? 0 : below(random, this.#secrets().length);
    return { kind: "group-sealed", hex, with: { by, key, ...this.#from(random, by) } };
  }

  #drawPacket(random: SeededRandom): FuzzInput {
    const { by } = this.#by(random, RUNNING);
    const payload = drawPayload(random, this.#peerOf({ by }));
    const hex = toHex(chance(random, 0.15) ? mutate(random, payload) : payload);
    const sessions = chance(random, 0.93) ? 0 : below(random, 4);
    const counters = chance(random, 0.93) ? 0 : below(random, 5_000);
    return { kind: "packet", hex, with: { by, sessions, counters, ...this.#path(random, by) } };
  }

  /** A session may be used from elsewhere: the path follows. */
  #path(random: SeededRandom, by: number): Terms {
    const at = chance(random, 0.98)
      ? this.#peerOf({ by }).address
      : pick(random, [HONEST, ...this.#peers.slice(0, PEERS).map(({ address }) => address)]);
    return { address: at.address, port: at.port };
  }

  #drawRecord(random: SeededRandom): FuzzInput {
    const { by } = this.#by(random, RUNNING);
    const peer = this.#peerOf({ by });
    const lane = pick(random, LANES);
    if (lane === 0 && chance(random, 0.2)) {
      return { kind: "record", hex: toHex(drawLongText(random, peer)), with: { by, lane } };
    }
    const record = drawRecordOf(random, peer, lane);
    const hex = toHex(chance(random, 0.1) ? mutate(random, record) : record);
    return { kind: "record", hex, with: { by, lane } };
  }

  #drawSyncRecord(random: SeededRandom): FuzzInput {
    const { by } = this.#by(random, RUNNING);
    const peer = this.#peerOf({ by });
    const secret = chance(random, 0.4);
    const groupId = secret ? SECRET_GROUP.groupId : TEST_GROUP.groupId;
    const scene = { ...this.#scene(), groupIds: [groupId] };
    const datagrams = Array.from({ length: below(random, 4) }, () => {
      const draw = random.uniform();
      if (draw < 0.2) return pick(random, this.#world.seen);
      if (draw < 0.4) return peer.signed(drawGroupDatagram(random, scene, peer));
      return peer.signed(drawFetched(random, scene, peer));
    }).filter(({ length }) => length > 0 && length <= MAX_DATAGRAM_BYTES);
    const content = drawSync(random, scene, peer, datagrams);
    const hex = toHex(chance(random, 0.15) ? mutate(random, content) : content);
    return { kind: "sync", hex, with: { by, secret } };
  }

  #drawNote(random: SeededRandom): FuzzInput {
    const { by } = this.#by(random, RUNNING);
    const peers = this.#peers.slice(0, PEERS);
    const { keys, core } = this.#world.victim;
    const note = drawKeyNote(random, this.#peerOf({ by }), {
      keys,
      secrets: this.#secrets(),
      // Nobody is to keep the two honest nodes from each other, which each member could.
      devices: [...peers.map(({ device }) => device), randomHex(random, 32)],
      victim: core.id,
    });
    const hex = toHex(chance(random, 0.1) ? mutate(random, note) : note);
    return { kind: "note", hex, with: { by } };
  }

  #drawRaw(random: SeededRandom): FuzzInput {
    const by = below(random, PEERS + GHOSTS);
    const at = this.#from(random, by);
    const draw = random.uniform();
    const bytes = (): Uint8Array => {
      if (draw < 0.45) {
        const unproven = drawUnproven(random, this.#peerOf({ by }));
        return chance(random, 0.3) ? mutate(random, unproven) : unproven;
      }
      const seen = pick(random, this.#world.seen);
      if (draw < 0.7) return seen;
      if (draw < 0.9) return mutate(random, seen, pick(random, this.#world.seen));
      return noise(random, 1300, TYPES);
    };
    return { kind: "raw", hex: toHex(bytes()), with: { ...at, via: pick(random, VIAS) } };
  }

  #drawCommand(random: SeededRandom): FuzzInput {
    const what = pick(random, COMMANDS);
    const to = chance(random, 0.8) ? below(random, PEERS) : -1;
    return { kind: "command", with: { what, to, number: below(random, 1000) } };
  }

  // Feeding.

  feed(input: FuzzInput): FuzzVerdict {
    const { kind, with: terms = {} } = input;
    const bytes = fromHex(input.hex ?? "");
    this.#world.pass(Number(terms["passMs"] ?? 0));
    const peer = this.#peerOf(terms);
    this.#world.victim.events.length = 0;
    this.#world.honest.events.length = 0;
    switch (kind) {
      case "raw":
        this.#receive(bytes, terms);
        break;
      case "signed":
        this.#receive(peer.signed(bytes), terms);
        break;
      case "group-sealed":
        this.#receive(this.#groupSealed(peer.signed(bytes), Number(terms["key"] ?? 0)), terms);
        break;
      case "packet":
        this.#sendPacket(peer, bytes, terms);
        break;
      case "record":
        this.#sendRecord(peer, bytes, LANES[Number(terms["lane"])] ?? 0);
        break;
      case "sync":
        this.#sendSync(peer, bytes, terms["secret"] === true);
        break;
      case "note":
        this.#sendNote(peer, bytes);
        break;
      case "connect":
        peer.connect();
        break;
      case "restart":
        peer.restart(randomHex(this.#random, 8));
        peer.connect();
        break;
      case "command":
        this.#command(terms);
        break;
      case "sleep":
        this.#world.sleep(Number(terms["ms"] ?? 0));
        break;
      case "pass":
        this.#world.pass(Number(terms["ms"] ?? 0));
        break;
      default:
        throw new Error(`no such input: ${kind}`);
    }
    this.#fed += 1;
    if (this.#fed % BOUNDS_EVERY_INPUTS === 0) this.#world.check();
    return this.#progress.verdict();
  }

  #receive(bytes: Uint8Array, terms: Terms): void {
    const { address = "10.0.1.0", port = 1, onLink = true, via = "data" } = terms;
    const from: Address = { address: String(address), port: Number(port) };
    const came = VIAS.find((one) => one === via) ?? "data";
    this.#world.receive({ bytes, from, onLink: onLink === true, via: came });
  }

  #groupSealed(datagram: Uint8Array, keyIndex: number): Uint8Array {
    const secret = this.#secrets()[keyIndex] ?? this.#world.victim.keys.key;
    const key = groupKeyOf(secret, this.#random);
    const { groupId } = SECRET_GROUP;
    return key.seal((nonce) => encodeGroupSealHeader({ groupId, keyId: key.id, nonce }), datagram);
  }

  #sendPacket(peer: FuzzPeer, payload: Uint8Array, terms: Terms): void {
    const { sessions = 0, counters = 0, ...path } = terms;
    const back = { sessions: Number(sessions), counters: Number(counters) };
    const bytes = peer.packet(payload, back);
    if (bytes === undefined) return;
    this.#receive(bytes, { ...peer.address, ...path, via: "data" });
  }

  /** In one packet, or in as many as it needs. */
  #sendRecord(peer: FuzzPeer, record: Uint8Array, lane: LaneCode): void {
    const sequence = (peer.laneSequences[lane] ?? 0) + 1;
    peer.laneSequences[lane] = sequence;
    const position = { lane, sequence, base: 1 };
    if (messageFrameBytes(position, record.length) <= MAX_PAYLOAD_BYTES) {
      this.#sendFrame(peer, { type: FrameType.message, ...position, record });
      return;
    }
    const totalBytes = record.length;
    const room = MAX_PAYLOAD_BYTES - fragmentOverheadBytes(position, totalBytes);
    for (let offset = 0; offset < totalBytes; offset += room) {
      const slice = record.subarray(offset, offset + room);
      this.#sendFrame(peer, { type: FrameType.fragment, ...position, totalBytes, offset, slice });
    }
  }

  #sendFrame(peer: FuzzPeer, frame: Frame): void {
    const writer = new Writer(MAX_PAYLOAD_BYTES);
    writeFrame(writer, frame);
    this.#sendPacket(peer, Uint8Array.from(writer.finish()), {});
  }

  #sendSync(peer: FuzzPeer, content: Uint8Array, isSecret: boolean): void {
    const body = isSecret
      ? this.#sealedSync(peer, content)
      : encodeOpenSync(TEST_GROUP.groupId, content);
    this.#sendRecord(peer, noteRecord(RecordKind.groupSync, body), 3);
  }

  #sealedSync(peer: FuzzPeer, content: Uint8Array): Uint8Array {
    const { groupId } = SECRET_GROUP;
    const { keys, core } = this.#world.victim;
    const key = groupKeyOf(keys.key, this.#random);
    const seal = { groupId, from: peer.device, to: core.id, keyId: key.id };
    let drawn = new Uint8Array(0);
    let header = drawn;
    const sealed = key.seal((nonce) => {
      drawn = Uint8Array.from(nonce);
      header = Uint8Array.from(syncAssociatedData({ ...seal, nonce }));
      return header;
    }, content);
    return encodeSealedSync({ ...seal, nonce: drawn }, sealed.subarray(header.length));
  }

  #sendNote(peer: FuzzPeer, body: Uint8Array): void {
    this.#sendRecord(peer, noteRecord(RecordKind.groupKey, body), 0);
  }

  #command(terms: Terms): void {
    try {
      this.#carryOut(String(terms["what"]), Number(terms["to"]), Number(terms["number"]));
    } catch (error) {
      if (!(error instanceof UdpchatError) || !EXPECTED_CODES.has(error.code)) throw error;
    }
  }

  #carryOut(what: string, to: number, number: number): void {
    const world = this.#world;
    const { victim, nowMs, wallMs } = world;
    const peer = this.#peers[to];
    const device = peer?.device ?? world.honest.core.id;
    const lastKnown = peer?.address ?? HONEST;
    const target = { kind: "device", id: device, lastKnown } as const;
    const text = encodeUtf8(`command ${number}`);
    this.#token += 1;
    const token = this.#token;
    world.command(victim, (core) => {
      switch (what) {
        case "text":
        case "request":
          core.send(nowMs, { token, target, kind: what, body: text, sentAtMs: wallMs });
          break;
        case "long":
          core.send(nowMs, {
            token,
            target,
            kind: "text",
            body: new Uint8Array(60 * number),
            sentAtMs: wallMs,
          });
          break;
        case "say":
          core.say(nowMs, TEST_GROUP.groupId, text, wallMs);
          break;
        case "saySecret":
          core.say(nowMs, SECRET_GROUP.groupId, new Uint8Array(5 * number), wallMs);
          break;
        case "cancel":
          core.cancel(nowMs, token - 1 - (number % 5));
          break;
        case "reply": {
          const key = victim.running.splice(number % 3, 1)[0];
          if (key !== undefined)
            core.reply(nowMs, { key, status: ReplyStatus.ok, body: text, sentAtMs: wallMs });
          break;
        }
        case "query":
          core.query(nowMs);
          break;
        case "interfaces":
          core.interfacesChanged(nowMs);
          break;
        case "invite":
          core.inviteToGroup(nowMs, SECRET_GROUP.groupId, target, token);
          break;
        case "remove":
          if (peer !== undefined) core.removeFromGroup(nowMs, SECRET_GROUP.groupId, device);
          break;
        case "rejoin":
          core.leaveGroup(nowMs, TEST_GROUP.groupId);
          core.joinGroup(nowMs, TEST_GROUP);
          break;
        case "forget":
          core.forgetBefore(nowMs, wallMs - 1_000 * number);
          break;
        case "block":
          // The one that has no session; the others are needed.
          if (number % 10 === 0) {
            const hidden = this.#peerOf({ by: RUNNING }).device;
            this.#blocked.add(hidden);
            core.blocked(nowMs, hidden);
          }
          break;
        default:
          throw new Error(`no such command: ${what}`);
      }
    });
  }

  /** Bounds, and that the honest still understand each other: in the secret group while both may. */
  check(): void {
    const { victim, honest } = this.#world;
    this.#world.check();
    this.#world.rest();
    const secret = !victim.expelled && !honest.expelled && victim.keys.key === honest.keys.key;
    this.#talk.talk({ secret });
    this.#world.check();
    this.#progress.verdict();
  }

  /** For whoever wants to see how deep it got. */
  victimCounters(): Readonly<Record<string, number>> {
    return this.#world.victim.core.counters();
  }

  close(): void {}
}

/** Mostly another one each time: what a single datagram brings its address shows then. */
function nobody(random: SeededRandom): Address {
  const address = `${NOBODY_PREFIX}${below(random, 250)}.${below(random, 250)}`;
  return { address, port: DEFAULT_DATA_PORT };
}

function noteRecord(
  kind: typeof RecordKind.groupKey | typeof RecordKind.groupSync,
  body: Uint8Array,
): Uint8Array {
  return encodeRecord({ kind, incarnation: "00".repeat(8), messageSequence: 1, sentAtMs: 0, body });
}
