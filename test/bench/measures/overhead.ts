import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  sign as signWithNode,
  verify as verifyWithNode,
} from "node:crypto";
import { groupKeyOf } from "../../../src/crypto/groupSeal.js";
import { identityFromSeed, verifyEd25519 } from "../../../src/crypto/identity.js";
import { NOISE_SUITE_ID, noiseSuite } from "../../../src/crypto/noise.js";
import { packetSeal } from "../../../src/crypto/packetSeal.js";
import { systemRandom } from "../../../src/crypto/systemRandom.js";
import {
  GROUP_NONCE_BYTES,
  GROUP_SEAL_HEADER_BYTES,
  SEAL_TAG_BYTES,
  SEALED_HEADER_BYTES,
  SIGNATURE_BYTES,
} from "../../../src/wire/constants.js";
import { encodeGroupSealHeader, GROUP_SEAL_OVERHEAD_BYTES } from "../../../src/wire/group.js";
import { withSignature } from "../../../src/wire/header.js";
import { type Beacon, encodeAnswer, encodeBeacon } from "../../../src/wire/presence.js";
import {
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeSealedHeader,
} from "../../../src/wire/session.js";
import { type Result, resultOf } from "../result.js";

const ROUNDS = 7;
const CALLS = 2_000;
/** A handshake is some hundred times as costly as a seal. */
const HANDSHAKES = 100;
const WARM_UP_SHARE = 0.2;
/** A line of chat, and the most that one datagram carries. */
const PAYLOADS_BYTES = [64, 1_172] as const;
const KEY_BYTES = 32;
const BEACON_BYTES = 190;
const NAME = "alice";
const RANDOM = systemRandom;

/** One thing to be timed: `calls` of it, one after the other. */
interface Contestant {
  readonly what: string;
  readonly calls: number;
  readonly run: () => void;
  /** What to take the time of, if not `run`: microseconds of one call. */
  readonly timeUs?: (calls: number) => number;
}

/** What protection costs: in microseconds, beside node:crypto's, and in bytes. */
export async function measureOverhead(): Promise<Result[]> {
  return [...timesOf([...handshakes(), ...seals(), ...signatures(), ...groupSeals()]), ...sizes()];
}

/** Rounds of all contestants in turn: what disturbs the machine disturbs them all. */
function timesOf(contestants: readonly Contestant[]): Result[] {
  const samples = new Map(contestants.map(({ what }) => [what, [] as number[]]));
  for (const { run, calls } of contestants) timeOfUs(run, Math.ceil(calls * WARM_UP_SHARE));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { what, run, calls, timeUs } of contestants) {
      samples.get(what)?.push(timeUs === undefined ? timeOfUs(run, calls) : timeUs(calls));
    }
  }
  return contestants.map(({ what }) => {
    const times = samples.get(what) ?? [];
    const facts = { best: Number(Math.min(...times).toPrecision(3)) };
    return resultOf(what, times, { unit: "µs", facts });
  });
}

/** Of one call, microseconds. */
function timeOfUs(run: () => void, calls: number): number {
  const startMs = performance.now();
  for (let call = 0; call < calls; call += 1) run();
  return (1000 * (performance.now() - startMs)) / calls;
}

const identities = [1, 2].map((byte) => identityFromSeed(new Uint8Array(KEY_BYTES).fill(byte)));
const [initiator, responder] = identities;

function parties() {
  if (initiator === undefined || responder === undefined) throw new Error("unreachable");
  return { initiator, responder };
}

function claimsOf(device: string, name: string): Uint8Array {
  const claims = { device, incarnation: "00".repeat(8), dataPort: 22400, creditDatagrams: 256 };
  return encodeClaims({ ...claims, announces: true, name });
}

/** The two sides of Noise XX apart: the time of each, with the other's between its own. */
function handshakes(): Contestant[] {
  const { initiator: ours, responder: theirs } = parties();
  const [suite, other] = [noiseSuite(ours), noiseSuite(theirs)];
  const claims = claimsOf(ours.device, NAME);
  const otherClaims = claimsOf(theirs.device, NAME);
  const spent = { initiatorMs: 0, responderMs: 0 };
  const both = (): void => {
    const startMs = performance.now();
    const one = suite.initiate(claims, RANDOM);
    const firstMs = performance.now();
    const two = other.respond(one.message1, otherClaims, RANDOM);
    const secondMs = performance.now();
    const established = one.finish(two.message2);
    established.proves(theirs.device);
    const thirdMs = performance.now();
    two.accept(established.message3).proves(ours.device);
    spent.initiatorMs += firstMs - startMs + (thirdMs - secondMs);
    spent.responderMs += secondMs - firstMs + (performance.now() - thirdMs);
  };
  const of = (side: keyof typeof spent) => (calls: number) => {
    spent[side] = 0;
    for (let call = 0; call < calls; call += 1) both();
    return (1000 * spent[side]) / calls;
  };
  const { message1 } = suite.initiate(claims, RANDOM);
  const calls = HANDSHAKES;
  return [
    { what: "handshake, initiator", calls, run: both, timeUs: of("initiatorMs") },
    { what: "handshake, responder", calls, run: both, timeUs: of("responderMs") },
    {
      what: "of that, what a first message alone costs the responder",
      calls,
      run: () => void other.respond(message1, otherClaims, RANDOM),
    },
  ];
}

function seals(): Contestant[] {
  const [tx, rx] = [RANDOM.bytes(KEY_BYTES), RANDOM.bytes(KEY_BYTES)].map((key) =>
    Buffer.from(key),
  );
  if (tx === undefined || rx === undefined) return [];
  const ours = packetSeal(tx, rx);
  const theirs = packetSeal(rx, tx);
  const header = encodeSealedHeader({ receiverIndex: 1, counter: 1 });
  return PAYLOADS_BYTES.flatMap((sizeBytes) => {
    const payload = RANDOM.bytes(sizeBytes);
    const sealed = ours.seal(1, header, payload).subarray(SEALED_HEADER_BYTES);
    const of = `${sizeBytes} bytes`;
    return [
      { what: `seal ${of}`, calls: CALLS, run: () => void ours.seal(1, header, payload) },
      {
        what: `seal ${of} with node:crypto`,
        calls: CALLS,
        run: () => void sealWithNode(tx, header, payload),
      },
      { what: `open ${of}`, calls: CALLS, run: () => void theirs.open(1, header, sealed) },
      {
        what: `open ${of} with node:crypto`,
        calls: CALLS,
        run: () => void openWithNode(tx, header, sealed),
      },
    ];
  });
}

/** Of packet number 1: four zero bytes, then the number as 64 bits, little-endian. */
const NONCE = Buffer.from("000000000100000000000000", "hex");

function sealWithNode(key: Buffer, header: Uint8Array, payload: Uint8Array): Buffer {
  const cipher = createCipheriv("chacha20-poly1305", key, NONCE, { authTagLength: SEAL_TAG_BYTES });
  cipher.setAAD(header, { plaintextLength: payload.length });
  return Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
}

function openWithNode(key: Buffer, header: Uint8Array, sealed: Uint8Array): Buffer {
  const textBytes = sealed.length - SEAL_TAG_BYTES;
  const decipher = createDecipheriv("chacha20-poly1305", key, NONCE, {
    authTagLength: SEAL_TAG_BYTES,
  });
  decipher.setAAD(header, { plaintextLength: textBytes });
  decipher.setAuthTag(sealed.subarray(textBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, textBytes)), decipher.final()]);
}

/** RFC 8410: what goes before a raw Ed25519 seed, and before a raw public key, in DER. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

function signatures(): Contestant[] {
  const { initiator: ours } = parties();
  const message = RANDOM.bytes(BEACON_BYTES);
  const signature = ours.sign(message);
  const seed = Buffer.alloc(KEY_BYTES, 1);
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(ours.device, "hex")]),
    format: "der",
    type: "spki",
  });
  if (!verifyWithNode(null, message, publicKey, signature)) throw new Error("keys differ");
  const of = `(Ed25519) ${BEACON_BYTES} bytes`;
  const calls = CALLS / 4;
  return [
    { what: `sign ${of}`, calls, run: () => void ours.sign(message) },
    {
      what: `sign ${of} with node:crypto`,
      calls,
      run: () => void signWithNode(null, message, privateKey),
    },
    { what: `verify ${of}`, calls, run: () => void verifyEd25519(ours.device, message, signature) },
    {
      what: `verify ${of} with node:crypto`,
      calls,
      run: () => void verifyWithNode(null, message, publicKey, signature),
    },
  ];
}

/** node:crypto has no XChaCha20-Poly1305 to be put beside it. */
function groupSeals(): Contestant[] {
  const key = groupKeyOf("5e".repeat(KEY_BYTES), RANDOM);
  const headerOf = (nonce: Uint8Array): Uint8Array =>
    encodeGroupSealHeader({ groupId: "00".repeat(8), keyId: key.id, nonce });
  const datagram = RANDOM.bytes(250);
  const sealed = key.seal(headerOf, datagram);
  const header = sealed.subarray(0, GROUP_SEAL_HEADER_BYTES);
  const nonce = header.subarray(GROUP_SEAL_HEADER_BYTES - GROUP_NONCE_BYTES);
  const body = sealed.subarray(GROUP_SEAL_HEADER_BYTES);
  if (key.open(nonce, header, body) === undefined) throw new Error("does not open");
  return [
    { what: "group seal, 250 bytes", calls: CALLS, run: () => void key.seal(headerOf, datagram) },
    { what: "group open, 250 bytes", calls: CALLS, run: () => void key.open(nonce, header, body) },
  ];
}

function sizes(): Result[] {
  const { initiator: ours, responder: theirs } = parties();
  const one = noiseSuite(ours).initiate(claimsOf(ours.device, NAME), RANDOM);
  const two = noiseSuite(theirs).respond(one.message1, claimsOf(theirs.device, NAME), RANDOM);
  const { message3 } = one.finish(two.message2);
  const senderIndex = 1;
  const receiverIndex = 2;
  const init = encodeHandshakeInit({
    senderIndex,
    suite: NOISE_SUITE_ID,
    cookie: new Uint8Array(0),
    message: one.message1,
  });
  const response = encodeHandshakeResponse({ senderIndex, receiverIndex, message: two.message2 });
  const finish = encodeHandshakeFinish({ receiverIndex, message: message3 });
  const beacon: Beacon = {
    device: ours.device,
    incarnation: "00".repeat(8),
    sequence: 1,
    startedAtMs: 1,
    intervalMs: 12_500,
    dataPort: 22400,
    groups: [],
    name: NAME,
  };
  const signed = (unsigned: Uint8Array): Uint8Array => withSignature(unsigned, ours.sign(unsigned));
  const answer = encodeAnswer({ nonce: "00".repeat(8), heldUs: 1, announces: true, beacon });
  const bytes = (what: string, size: number): Result => resultOf(what, [size], { unit: "bytes" });
  return [
    bytes("handshake: first message on the wire", init.length),
    bytes("handshake: second message", response.length),
    bytes("handshake: third message", finish.length),
    bytes("added to a unicast datagram: header and tag", SEALED_HEADER_BYTES + SEAL_TAG_BYTES),
    bytes("added to an open group datagram: signature", SIGNATURE_BYTES),
    bytes("added to a secret one beyond that", GROUP_SEAL_OVERHEAD_BYTES),
    bytes(`beacon of ${NAME}`, signed(encodeBeacon(beacon)).length),
    bytes("answer to a query", signed(answer).length),
  ];
}
