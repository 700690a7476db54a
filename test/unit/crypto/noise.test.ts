/**
 * Noise XX: against the published vectors, and our own handshake and first sealed packets against
 * what is stored in test/fixtures/noise/session.json. A difference in that one is a change of the
 * protocol; if it is meant, write it anew with UPDATE_GOLDEN=1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import NoiseState from "noise-handshake";
import sodium from "sodium-native";
import { describe, expect, it } from "vitest";
import { agreementKeyOf, identityFromSeed } from "../../../src/crypto/identity.js";
import { noiseSuite } from "../../../src/crypto/noise.js";
import { packetSeal } from "../../../src/crypto/packetSeal.js";
import type { RandomSource } from "../../../src/crypto/random.js";
import { encodeUtf8, fromHex, toHex, Writer } from "../../../src/wire/cursor.js";
import { FrameType, writeFrame } from "../../../src/wire/frames.js";
import {
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeSealedHeader,
} from "../../../src/wire/session.js";

interface Vector {
  readonly init_prologue: string;
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly resp_prologue: string;
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
  readonly source: string;
}

const FOLDER = new URL("../../fixtures/noise/", import.meta.url);
const { vectors }: { vectors: readonly Vector[] } = JSON.parse(
  readFileSync(new URL("xx-vectors.json", FOLDER), "utf8"),
);
const SESSION_FILE = new URL("session.json", FOLDER);

const alice = identityFromSeed(new Uint8Array(32).fill(0xa1));
const bob = identityFromSeed(new Uint8Array(32).fill(0xb0));

describe.each(vectors)("the vector of $source", (vector) => {
  it("is met byte for byte, up to the sealed messages behind the handshake", () => {
    const initiator = stateOf(
      true,
      vector.init_prologue,
      vector.init_static,
      vector.init_ephemeral,
    );
    const responder = stateOf(
      false,
      vector.resp_prologue,
      vector.resp_static,
      vector.resp_ephemeral,
    );
    const [first, second, third, ...sealed] = vector.messages;
    for (const [message, from, to] of [
      [first, initiator, responder],
      [second, responder, initiator],
      [third, initiator, responder],
    ] as const) {
      const ciphertext = from.send(Buffer.from(message?.payload ?? "", "hex"));
      expect(toHex(ciphertext)).toBe(message?.ciphertext);
      expect(toHex(to.recv(Buffer.from(ciphertext)))).toBe(message?.payload);
    }
    for (const { hash } of [initiator, responder]) {
      if (vector.handshake_hash !== undefined) {
        expect(toHex(hash ?? Buffer.alloc(0))).toBe(vector.handshake_hash);
      }
    }
    // They take turns, the responder first; each direction counts for itself.
    const seals = [sealOf(responder), sealOf(initiator)];
    expect(sealed.length).toBeGreaterThan(0);
    for (const [index, { payload, ciphertext }] of sealed.entries()) {
      const from = seals[index % 2];
      const to = seals[(index + 1) % 2];
      const counter = Math.floor(index / 2);
      const nothing = new Uint8Array(0);
      expect(toHex(from?.seal(counter, nothing, fromHex(payload)) ?? nothing)).toBe(ciphertext);
      expect(toHex(to?.open(counter, nothing, fromHex(ciphertext)) ?? nothing)).toBe(payload);
    }
  });
});

function stateOf(isInitiator: boolean, prologue: string, secret: string, ephemeral: string) {
  const state = new NoiseState("XX", isInitiator, keyPair(secret));
  state.initialise(Buffer.from(prologue, "hex"));
  state.e = keyPair(ephemeral);
  return state;
}

function keyPair(secret: string) {
  const secretKey = Buffer.from(secret, "hex");
  const publicKey = Buffer.alloc(32);
  sodium.crypto_scalarmult_base(publicKey, secretKey);
  return { publicKey, secretKey };
}

function sealOf({ tx, rx }: NoiseState) {
  if (tx === null || rx === null) throw new Error("the handshake is not complete");
  return packetSeal(tx, rx);
}

describe("our handshake", () => {
  it("is what the fixture holds, with the first packets each way", () => {
    const session = recordedSession();
    if (process.env["UPDATE_GOLDEN"] !== undefined) {
      writeFileSync(SESSION_FILE, `${JSON.stringify(session, null, 2)}\n`);
    }
    expect(session).toEqual(JSON.parse(readFileSync(SESSION_FILE, "utf8")));
  });

  it("proves the device key that is claimed, and no other", () => {
    const { atInitiator, atResponder } = handshake();
    expect(atInitiator.proves(bob.device)).toBe(true);
    expect(atResponder.proves(alice.device)).toBe(true);
    expect(atInitiator.proves(alice.device)).toBe(false);
    expect(atResponder.proves("00".repeat(32))).toBe(false);
    expect(atResponder.proves("")).toBe(false);
  });

  it("hides the claims from everybody else", () => {
    const { message1, message2, message3 } = handshake();
    for (const message of [message1, message2, message3]) {
      expect(Buffer.from(message).includes("who")).toBe(false);
      expect(Buffer.from(message).includes(Buffer.from(alice.agreement.publicKey))).toBe(false);
    }
  });

  it("survives forged messages, also several", () => {
    const initiator = noiseSuite(alice).initiate(encodeUtf8("who a"), randomOf(1));
    const responder = noiseSuite(bob).respond(initiator.message1, encodeUtf8("who b"), randomOf(2));
    for (const forged of forgeries(responder.message2)) {
      expect(() => initiator.finish(forged)).toThrow("handshake message");
    }
    const finished = initiator.finish(responder.message2);
    for (const forged of forgeries(finished.message3)) {
      expect(() => responder.accept(forged)).toThrow("handshake message");
    }
    const accepted = responder.accept(finished.message3);
    const sealed = finished.protector.seal(0, new Uint8Array(0), encodeUtf8("hello"));
    expect(accepted.protector.open(0, new Uint8Array(0), sealed)).toEqual(Buffer.from("hello"));
  });

  it("leaves the datagrams as they came", () => {
    const { message1, message2, message3 } = handshake();
    const again = handshake();
    expect([message1, message2, message3]).toEqual([
      again.message1,
      again.message2,
      again.message3,
    ]);
  });

  it("refuses a point of small order, which would make the secret known to all", () => {
    expect(() =>
      noiseSuite(bob).respond(new Uint8Array(32), encodeUtf8("who b"), randomOf(2)),
    ).toThrow("handshake key");
    expect(agreementKeyOf("00".repeat(32))).toBeUndefined();
  });
});

/** Every bit of some bytes flipped, and cut at some lengths. */
function forgeries(message: Uint8Array): Uint8Array[] {
  const forged: Uint8Array[] = [];
  for (let index = 0; index < message.length; index += 7) {
    const copy = Uint8Array.from(message);
    copy[index] = (copy[index] ?? 0) ^ (1 << (index % 8));
    forged.push(copy, message.slice(0, index));
  }
  return forged;
}

function handshake() {
  const initiator = noiseSuite(alice).initiate(encodeUtf8("who a"), randomOf(1));
  const responder = noiseSuite(bob).respond(initiator.message1, encodeUtf8("who b"), randomOf(2));
  const atInitiator = initiator.finish(responder.message2);
  const atResponder = responder.accept(atInitiator.message3);
  const { message1 } = initiator;
  const { message2 } = responder;
  return { atInitiator, atResponder, message1, message2, message3: atInitiator.message3 };
}

/** Every byte of chance is `value`. */
function randomOf(value: number): RandomSource {
  return { uniform: () => 0.5, bytes: (countBytes) => new Uint8Array(countBytes).fill(value) };
}

function recordedSession() {
  const claims = (device: string, name: string) =>
    encodeClaims({
      device,
      incarnation: "a1a2a3a4a5a6a7a8",
      dataPort: 22_400,
      creditDatagrams: 256,
      announces: true,
      name,
    });
  const aliceIndex = 0x0a0a_0a0a;
  const bobIndex = 0x0b0b_0b0b;
  const initiator = noiseSuite(alice).initiate(claims(alice.device, "alice"), randomOf(0x11));
  const responder = noiseSuite(bob).respond(
    initiator.message1,
    claims(bob.device, "bob"),
    randomOf(0x22),
  );
  const atInitiator = initiator.finish(responder.message2);
  const atResponder = responder.accept(atInitiator.message3);
  const ping = new Writer(1);
  writeFrame(ping, { type: FrameType.ping });
  const toBob = encodeSealedHeader({ receiverIndex: bobIndex, counter: 0 });
  const toAlice = encodeSealedHeader({ receiverIndex: aliceIndex, counter: 0x01_0203_0405 });
  return {
    about: "Ed25519 seeds and the bytes of both ephemeral X25519 secrets; then every datagram",
    initiatorSeed: "a1".repeat(32),
    responderSeed: "b0".repeat(32),
    initiatorEphemeral: "11".repeat(32),
    responderEphemeral: "22".repeat(32),
    init: toHex(
      encodeHandshakeInit({
        senderIndex: aliceIndex,
        suite: 1,
        cookie: new Uint8Array(0),
        message: initiator.message1,
      }),
    ),
    response: toHex(
      encodeHandshakeResponse({
        senderIndex: bobIndex,
        receiverIndex: aliceIndex,
        message: responder.message2,
      }),
    ),
    finish: toHex(
      encodeHandshakeFinish({ receiverIndex: bobIndex, message: atInitiator.message3 }),
    ),
    sealedPingToResponder: toHex(atInitiator.protector.seal(0, toBob, ping.finish())),
    sealedPingToInitiator: toHex(
      atResponder.protector.seal(0x01_0203_0405, toAlice, ping.finish()),
    ),
  };
}
