import { describe, expect, it } from "vitest";
import { groupKeyOf, newGroupKey } from "../../../src/crypto/groupSeal.js";
import { passphraseGroupKey } from "../../../src/crypto/passphrase.js";
import { systemRandom } from "../../../src/crypto/systemRandom.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { decodeSealedGroup, encodeGroupSealHeader } from "../../../src/wire/group.js";

const groupId = "0011223344556677";
const key = groupKeyOf("6b".repeat(32), systemRandom);
const text = encodeUtf8("only for us");

function sealed(): Uint8Array {
  return key.seal((nonce) => encodeGroupSealHeader({ groupId, keyId: key.id, nonce }), text);
}

describe("a sealed group datagram", () => {
  it("opens with the key it was sealed with", () => {
    const { nonce, header, sealed: rest, keyId } = decodeSealedGroup(sealed());
    expect(keyId).toBe(key.id);
    expect(key.open(nonce, header, rest)).toEqual(Buffer.from(text));
  });

  it("shows nothing of what is inside, and never looks the same twice", () => {
    expect(Buffer.from(sealed()).includes("only")).toBe(false);
    expect(Buffer.from(sealed()).equals(sealed())).toBe(false);
  });

  it("does not open with another key, cut short, or with a bit changed anywhere", () => {
    const datagram = sealed();
    const { nonce, header, sealed: rest } = decodeSealedGroup(datagram);
    expect(newGroupKey(systemRandom).open(nonce, header, rest)).toBeUndefined();
    for (let length = 0; length < rest.length; length += 1) {
      expect(key.open(nonce, header, rest.subarray(0, length))).toBeUndefined();
    }
    for (let bit = 0; bit < datagram.length * 8; bit += 1) {
      const changed = Uint8Array.from(datagram);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (bit < 24) continue; // magic, version and type are checked before
      const parts = decodeSealedGroup(changed);
      expect(key.open(parts.nonce, parts.header, parts.sealed), `bit ${bit}`).toBeUndefined();
    }
  });
});

describe("the id of a group key", () => {
  it("is the same for the same key, differs for another, and is no part of the secret", () => {
    expect(groupKeyOf(key.secret, systemRandom).id).toBe(key.id);
    expect(newGroupKey(systemRandom).id).not.toBe(key.id);
    expect(key.secret).not.toContain(key.id);
  });
});

describe("the key of a passphrase", () => {
  it("is the same for everybody who knows it, and another for every other group or passphrase", async () => {
    const [first, again, composed, otherGroup, otherPhrase] = await Promise.all([
      passphraseGroupKey("#ops", "caf\u00e9 at dawn"),
      passphraseGroupKey("#ops", "caf\u00e9 at dawn"),
      passphraseGroupKey("#ops", "cafe\u0301 at dawn"),
      passphraseGroupKey("#dev", "caf\u00e9 at dawn"),
      passphraseGroupKey("#ops", "caf\u00e9 at dusk"),
    ]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(again).toBe(first);
    expect(composed).toBe(first);
    expect(new Set([first, otherGroup, otherPhrase]).size).toBe(3);
  });

  it("is Argon2id with the parameters that the protocol names", async () => {
    // argon2id, t=3, m=65536 KiB, p=1, salt = BLAKE2b-128 of the domain and the label.
    expect(await passphraseGroupKey("#ops", "correct horse")).toMatchInlineSnapshot(
      `"ff091f0f45e0bf4dfba176886db4f2c9fd7443ffd564ed781f7f9ab9c60c337d"`,
    );
  });
});
