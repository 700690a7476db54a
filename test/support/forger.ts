import type { InitiatorHandshake } from "../../src/crypto/handshake.js";
import { type DeviceIdentity, type Identity, identityFromSeed } from "../../src/crypto/identity.js";
import { NOISE_SUITE_ID, noiseSuite } from "../../src/crypto/noise.js";
import { randomHex, randomU32 } from "../../src/crypto/random.js";
import { systemRandom } from "../../src/crypto/systemRandom.js";
import { encodeUtf8 } from "../../src/wire/cursor.js";
import { encodeGroupData } from "../../src/wire/group.js";
import { withSignature } from "../../src/wire/header.js";
import { type Beacon, encodeBeacon, encodeQuery } from "../../src/wire/presence.js";
import {
  decodeCookie,
  decodeHandshakeResponse,
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeSealedHeader,
  type HandshakeClaims,
} from "../../src/wire/session.js";

/** A key that nobody else has. */
export function throwAwayKey(): DeviceIdentity {
  return identityFromSeed(systemRandom.bytes(32));
}

/** The whole datagram, signed by whoever: `signer` need not be who it names. */
export function signedBy(signer: Identity, unsigned: Uint8Array): Uint8Array {
  return withSignature(unsigned, signer.sign(unsigned));
}

/** The unsigned beacon of a device that started just now. */
export function beaconOf(device: string, changes: Partial<Beacon> = {}): Uint8Array {
  return encodeBeacon({
    device,
    incarnation: randomHex(systemRandom, 8),
    sequence: 1,
    startedAtMs: Date.now(),
    intervalMs: 12_500,
    dataPort: 22400,
    groups: [],
    name: `fake ${device.slice(0, 8)}`,
    ...changes,
  });
}

/** One unsigned line of a device in a group. */
export function lineOf(device: string, groupId: string, sequence: number): Uint8Array {
  return encodeGroupData({
    groupId,
    device,
    incarnation: randomHex(systemRandom, 8),
    sequence,
    name: "fake",
    entries: [
      {
        messageSequence: 1,
        sentAtMs: Date.now(),
        hlc: Date.now() * 1024,
        continues: false,
        continued: false,
        body: encodeUtf8("nobody said this"),
      },
    ],
  });
}

/** A query with a nonce of its own, as short as it may be. */
export function queryFrom(port: number, options: { readonly direct?: boolean } = {}): Uint8Array {
  return encodeQuery({
    nonce: randomHex(systemRandom, 8),
    incarnation: randomHex(systemRandom, 8),
    dataPort: port,
    direct: options.direct ?? false,
    peersKnown: 0,
    known: new Uint8Array(0),
  });
}

/** A packet of no session, `sizeBytes` (16 or more) long. */
export function sealedNoise(sizeBytes: number, receiverIndex = randomU32(systemRandom)) {
  const header = encodeSealedHeader({ receiverIndex, counter: randomU32(systemRandom) });
  return Buffer.concat([header, systemRandom.bytes(sizeBytes - header.length)]);
}

/** A first message of suite 1: with this content, or with a key of its own. */
export function initOf(
  message = noiseSuite(throwAwayKey()).initiate(new Uint8Array(0), systemRandom).message1,
  options: { readonly senderIndex?: number; readonly cookie?: Uint8Array } = {},
): Uint8Array {
  const { senderIndex = randomU32(systemRandom), cookie = new Uint8Array(0) } = options;
  return encodeHandshakeInit({ senderIndex, suite: NOISE_SUITE_ID, cookie, message });
}

/** Our side of one handshake, by hand. */
export class HandHandshake {
  readonly senderIndex = randomU32(systemRandom);
  readonly #handshake: InitiatorHandshake;

  /** `claims`: what the key `identity` says of itself, the truth unless changed. */
  constructor(identity: DeviceIdentity, claims: Partial<HandshakeClaims> = {}) {
    const encoded = encodeClaims({
      device: identity.device,
      incarnation: randomHex(systemRandom, 8),
      dataPort: 22400,
      creditDatagrams: 64,
      announces: true,
      name: "mallory",
      ...claims,
    });
    this.#handshake = noiseSuite(identity).initiate(encoded, systemRandom);
  }

  init(cookie?: Uint8Array): Uint8Array {
    const { senderIndex } = this;
    const shown = cookie === undefined ? {} : { cookie };
    return initOf(this.#handshake.message1, { senderIndex, ...shown });
  }

  /** The first message again, with what a cookie datagram brought. */
  initWith(cookieDatagram: Uint8Array): Uint8Array {
    return this.init(decodeCookie(cookieDatagram).cookie);
  }

  /** The third message, what protects the session, and its index at the other side. */
  finish(responseDatagram: Uint8Array) {
    const { senderIndex: receiverIndex, message } = decodeHandshakeResponse(responseDatagram);
    const { message3, protector } = this.#handshake.finish(message);
    const bytes = encodeHandshakeFinish({ receiverIndex, message: message3 });
    return { bytes, protector, receiverIndex };
  }
}
