import type {
  Established,
  HandshakeSuite,
  InitiatorHandshake,
  PacketProtector,
} from "../../src/crypto/handshake.js";
import { blake2b } from "../../src/crypto/hash.js";
import { DEVICE_BYTES, SEAL_TAG_BYTES } from "../../src/wire/constants.js";
import { fromHex, malformed, toHex } from "../../src/wire/cursor.js";

/** What an attacker of the simulation does not know: nobody but this file uses it. */
const SECRET = Buffer.from("known to honest hosts of the simulation alone");
const NONCE_BYTES = 32;

/**
 * Noise XX with keyed hashes instead of its curves: who does not know `SECRET` can neither prove to
 * be a device nor seal or change a packet, and it costs a tenth. Nothing is hidden.
 */
export function simSuite(device: string): HandshakeSuite {
  return {
    id: 1,
    initiate(claims, random): InitiatorHandshake {
      const ours = random.bytes(NONCE_BYTES);
      return {
        message1: ours,
        finish(message2) {
          const theirs = message2.subarray(0, NONCE_BYTES);
          const responder = readProven(message2.subarray(NONCE_BYTES), "responder", ours, theirs);
          return {
            ...established(responder, mac("key", ours, theirs), "initiator"),
            message3: proven(device, claims, "initiator", ours, theirs),
          };
        },
      };
    },
    respond(message1, claims, random) {
      if (message1.length !== NONCE_BYTES) throw malformed("simulated handshake");
      const ours = random.bytes(NONCE_BYTES);
      return {
        message2: Buffer.concat([ours, proven(device, claims, "responder", message1, ours)]),
        accept: (message3) =>
          established(
            readProven(message3, "initiator", message1, ours),
            mac("key", message1, ours),
            "responder",
          ),
      };
    },
  };
}

type Role = "initiator" | "responder";

interface Proven {
  readonly device: string;
  readonly claims: Uint8Array;
}

function mac(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
  return blake2b(Buffer.concat([SECRET, ...bytes]), 32);
}

/** tag, device, claims. */
function proven(device: string, claims: Uint8Array, role: Role, ...nonces: Uint8Array[]) {
  const content = Buffer.concat([fromHex(device), claims]);
  return Buffer.concat([mac(role, ...nonces, content).subarray(0, SEAL_TAG_BYTES), content]);
}

function readProven(bytes: Uint8Array, role: Role, ...nonces: Uint8Array[]): Proven {
  const content = bytes.subarray(SEAL_TAG_BYTES);
  const tag = mac(role, ...nonces, content).subarray(0, SEAL_TAG_BYTES);
  if (content.length < DEVICE_BYTES || Buffer.compare(tag, bytes.subarray(0, SEAL_TAG_BYTES)) !== 0)
    throw malformed("simulated handshake");
  return {
    device: toHex(content.subarray(0, DEVICE_BYTES)),
    claims: content.subarray(DEVICE_BYTES),
  };
}

function established(other: Proven, key: Uint8Array, we: Role): Established {
  const they = we === "initiator" ? "responder" : "initiator";
  const tagOf = (by: Role, counter: number, header: Uint8Array, payload: Uint8Array): Uint8Array =>
    mac(key, by, `${counter}`, header, payload).subarray(0, SEAL_TAG_BYTES);
  const protector: PacketProtector = {
    overheadBytes: SEAL_TAG_BYTES,
    seal: (counter, header, payload) =>
      Buffer.concat([header, payload, tagOf(we, counter, header, payload)]),
    open(counter, header, sealed) {
      const payload = sealed.subarray(0, -SEAL_TAG_BYTES);
      const tag = sealed.subarray(payload.length);
      return Buffer.compare(tag, tagOf(they, counter, header, payload)) === 0 ? payload : undefined;
    },
  };
  return {
    protector,
    remoteClaims: other.claims,
    proves: (device) => device === other.device,
  };
}

/** The same suite, which tells of every counter that a packet is sealed with a second time. */
export function watchedSuite(suite: HandshakeSuite, reused: (counter: number) => void) {
  const watched = <Result extends Established>(result: Result): Result => {
    let highest = -1;
    const { protector } = result;
    return {
      ...result,
      protector: {
        ...protector,
        seal(counter, header, payload) {
          // Packet numbers only grow: one that does not was used, or skipped, before.
          if (counter <= highest) reused(counter);
          highest = Math.max(highest, counter);
          return protector.seal(counter, header, payload);
        },
      },
    };
  };
  return {
    id: suite.id,
    initiate(claims, random) {
      const handshake = suite.initiate(claims, random);
      const { message1 } = handshake;
      return { message1, finish: (message2) => watched(handshake.finish(message2)) };
    },
    respond(message1, claims, random) {
      const handshake = suite.respond(message1, claims, random);
      const { message2 } = handshake;
      return { message2, accept: (message3) => watched(handshake.accept(message3)) };
    },
  } satisfies HandshakeSuite;
}
