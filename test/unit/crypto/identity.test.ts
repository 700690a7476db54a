import sodium from "sodium-native";
import { describe, expect, it } from "vitest";
import { agreementKeyOf, identityFromSeed, verifyEd25519 } from "../../../src/crypto/identity.js";
import { fromHex, toHex } from "../../../src/wire/cursor.js";
import fc from "../../support/fastCheck.js";

/** RFC 8032 section 7.1, tests 1 to 3. */
const VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

describe.each(VECTORS)("RFC 8032 vector of $publicKey", (vector) => {
  const identity = identityFromSeed(fromHex(vector.seed));
  const message = fromHex(vector.message);

  it("gives the public key and the signature", () => {
    expect(identity.device).toBe(vector.publicKey);
    expect(toHex(identity.sign(message))).toBe(vector.signature);
  });

  it("verifies, and not for another message", () => {
    const signature = fromHex(vector.signature);
    expect(verifyEd25519(vector.publicKey, message, signature)).toBe(true);
    expect(verifyEd25519(vector.publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
  });
});

describe("verifyEd25519", () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(7));
  const message = new TextEncoder().encode("hello");
  const signature = identity.sign(message);

  it("is false for every flipped bit of the signature", () => {
    for (let bit = 0; bit < 8 * signature.length; bit += 1) {
      const damaged = Uint8Array.from(signature);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyEd25519(identity.device, message, damaged)).toBe(false);
    }
  });

  it.each([
    ["empty", ""],
    ["too short", identity.device.slice(2)],
    ["too long", `${identity.device}00`],
    ["no hexadecimal at all", "z".repeat(64)],
    ["hexadecimal with one wrong digit", `${identity.device.slice(0, 63)}g`],
    ["64 characters of more bytes", "é".repeat(64)],
    ["the point of order 1", `01${"00".repeat(31)}`],
    ["zero", "00".repeat(32)],
    ["not on the curve", `02${"00".repeat(31)}`],
    ["ones", "ff".repeat(32)],
  ])("is false for a key that is %s", (_what, device) => {
    expect(verifyEd25519(device, message, signature)).toBe(false);
  });

  it("is false for signatures of another length", () => {
    for (const length of [0, 63]) {
      expect(verifyEd25519(identity.device, message, signature.subarray(0, length))).toBe(false);
    }
    expect(verifyEd25519(identity.device, message, new Uint8Array(65))).toBe(false);
  });

  it("never throws, whatever the key and the signature", () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    const anyKey = fc.oneof(fc.string({ maxLength: 70 }), bytes.map(toHex));
    fc.assert(
      fc.property(anyKey, bytes, bytes, (device, text, mark) => {
        expect(verifyEd25519(device, text, mark)).toBe(false);
      }),
    );
  });

  it("reads views in the middle of a buffer", () => {
    const whole = new Uint8Array(200).fill(0xaa);
    whole.set(message, 3);
    whole.set(signature, 100);
    const text = whole.subarray(3, 3 + message.length);
    expect(verifyEd25519(identity.device, text, whole.subarray(100, 164))).toBe(true);
  });
});

describe("identityFromSeed", () => {
  it("gives the same identity for the same seed, and another for another", () => {
    const one = identityFromSeed(new Uint8Array(32).fill(1));
    expect(identityFromSeed(new Uint8Array(32).fill(1)).device).toBe(one.device);
    expect(identityFromSeed(new Uint8Array(32).fill(2)).device).not.toBe(one.device);
  });
});

describe("the agreement key", () => {
  it("belongs to the device: others can derive its public half from the name alone", () => {
    const identity = identityFromSeed(new Uint8Array(32).fill(7));
    const derived = agreementKeyOf(identity.device) ?? new Uint8Array(0);
    expect(Buffer.from(derived).equals(identity.agreement.publicKey)).toBe(true);
    const publicKey = Buffer.alloc(32);
    sodium.crypto_scalarmult_base(publicKey, identity.agreement.secretKey);
    expect(publicKey.equals(identity.agreement.publicKey)).toBe(true);
  });

  it("is undefined for what names no device", () => {
    expect(agreementKeyOf("")).toBeUndefined();
    expect(agreementKeyOf("ab".repeat(31))).toBeUndefined();
    expect(agreementKeyOf("zz".repeat(32))).toBeUndefined();
    // The neutral element has small order.
    expect(agreementKeyOf(`01${"00".repeat(31)}`)).toBeUndefined();
  });
});
