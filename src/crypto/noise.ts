/**
 * Suite 1: Noise_XX_25519_ChaChaPoly_BLAKE2b (noiseprotocol.org, revision 34). XX hides who the
 * initiator is from everybody but the responder, and proves both keys; on a LAN its third message
 * costs nothing that a person could notice.
 */
import NoiseState from "noise-handshake";
import sodium from "sodium-native";
import { asBuffer, malformed } from "../wire/cursor.js";
import type { Established, HandshakeSuite } from "./handshake.js";
import { type AgreementKeyPair, agreementKeyOf, type DeviceIdentity } from "./identity.js";
import { packetSeal } from "./packetSeal.js";
import type { RandomSource } from "./random.js";

/** On the wire: which suite a handshake speaks. */
export const NOISE_SUITE_ID = 1;
/** Both sides mix it in: a handshake of another version or use of Noise does not fit. */
const PROLOGUE = Buffer.from("udpchat 1 noise xx");
const KEY_BYTES = 32;
const NOTHING = new Uint8Array(0);

/** The suite of a device. Its sessions prove the key that the X25519 one was derived from. */
export function noiseSuite(identity: DeviceIdentity): HandshakeSuite {
  const own = identity.agreement;
  return {
    id: NOISE_SUITE_ID,
    initiate(claims, random) {
      const ephemeral = ephemeralKey(random);
      const begin = (): Begun => {
        const state = newState(true, own, ephemeral);
        return { state, message: send(state, NOTHING) };
      };
      const attempts = new Attempts(begin);
      return {
        message1: attempts.message,
        finish: (message2) =>
          attempts.proceed((state) => {
            const remoteClaims = receive(state, message2);
            const message3 = send(state, claims);
            return { ...established(state, remoteClaims), message3 };
          }),
      };
    },
    respond(received, claims, random) {
      const ephemeral = ephemeralKey(random);
      const message1 = Uint8Array.from(received); // a datagram's memory may be used again
      const begin = (): Begun => {
        const state = newState(false, own, ephemeral);
        receive(state, message1);
        return { state, message: send(state, claims) };
      };
      const attempts = new Attempts(begin);
      return {
        message2: attempts.message,
        accept: (message3) =>
          attempts.proceed((state) => established(state, receive(state, message3))),
      };
    },
  };
}

interface Begun {
  readonly state: NoiseState;
  /** Our message that ends this step. */
  readonly message: Buffer;
}

/**
 * A Noise state is of no use any more once a message did not open: a forged datagram would end an
 * honest handshake. So the beginning is made again, from the same keys, when that has happened;
 * it costs the forger a datagram that fits our index, and us two more key agreements.
 */
class Attempts {
  readonly message: Uint8Array;
  readonly #begin: () => Begun;
  #state: NoiseState | undefined;

  constructor(begin: () => Begun) {
    const { state, message } = begin();
    this.#begin = begin;
    this.#state = state;
    this.message = message;
  }

  proceed<Result>(step: (state: NoiseState) => Result): Result {
    const state = this.#state ?? this.#begin().state;
    this.#state = undefined;
    return step(state);
  }
}

function newState(isInitiator: boolean, own: AgreementKeyPair, ephemeral: Buffer): NoiseState {
  // The state wipes its ephemeral key at the end.
  const secretKey = Buffer.from(ephemeral);
  const publicKey = Buffer.alloc(KEY_BYTES);
  sodium.crypto_scalarmult_base(publicKey, secretKey);
  const state = new NoiseState("XX", isInitiator, own);
  state.initialise(PROLOGUE);
  state.e = { publicKey, secretKey };
  return state;
}

function ephemeralKey(random: RandomSource): Buffer {
  return Buffer.from(random.bytes(KEY_BYTES));
}

/** The next message. Throws MALFORMED_DATAGRAM for a remote key of small order. */
function send(state: NoiseState, payload: Uint8Array): Buffer {
  try {
    return state.send(asBuffer(payload));
  } catch {
    throw malformed("handshake key");
  }
}

/** The payload of a message. Throws MALFORMED_DATAGRAM if it does not open. */
function receive(state: NoiseState, message: Uint8Array): Uint8Array {
  try {
    return state.recv(Buffer.from(message)); // a copy: the state wipes keys that it read
  } catch {
    throw malformed("handshake message");
  }
}

function established(state: NoiseState, remoteClaims: Uint8Array): Established {
  const { tx, rx, rs } = state;
  if (tx === null || rx === null || rs === null) throw malformed("handshake is not complete");
  return {
    protector: packetSeal(tx, rx),
    remoteClaims,
    proves(device) {
      const claimed = agreementKeyOf(device);
      return claimed !== undefined && asBuffer(claimed).equals(rs);
    },
  };
}
