import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { packetSeal } from "../../../src/crypto/packetSeal.js";

const TX_KEY = Buffer.alloc(32, 0x11);
const RX_KEY = Buffer.alloc(32, 0x22);
const HEADER = Buffer.from("sixteen bytes 16");
const PAYLOAD = Buffer.from("what is said");

const ours = packetSeal(TX_KEY, RX_KEY);
const theirs = packetSeal(RX_KEY, TX_KEY);

/** RFC 8439 by another implementation; the nonce as Noise revision 34 section 12.3 has it. */
function reference(counter: bigint): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(counter, 4);
  const cipher = createCipheriv("chacha20-poly1305", TX_KEY, nonce, { authTagLength: 16 });
  cipher.setAAD(HEADER, { plaintextLength: PAYLOAD.length });
  return Buffer.concat([HEADER, cipher.update(PAYLOAD), cipher.final(), cipher.getAuthTag()]);
}

describe("a sealed packet", () => {
  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])(
    "is what RFC 8439 makes of it, and opens at the other side alone (number %d)",
    (counter) => {
      const datagram = ours.seal(counter, HEADER, PAYLOAD);
      expect(Buffer.from(datagram)).toEqual(reference(BigInt(counter)));
      const sealed = datagram.subarray(HEADER.length);
      expect(theirs.open(counter, HEADER, sealed)).toEqual(PAYLOAD);
      expect(ours.open(counter, HEADER, sealed)).toBeUndefined();
    },
  );

  it("does not open under another number or header, nor with any bit changed", () => {
    const sealed = ours.seal(7, HEADER, PAYLOAD).subarray(HEADER.length);
    expect(theirs.open(8, HEADER, sealed)).toBeUndefined();
    expect(theirs.open(7, Buffer.alloc(HEADER.length), sealed)).toBeUndefined();
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const bent = Uint8Array.from(sealed);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(theirs.open(7, HEADER, bent)).toBeUndefined();
    }
  });

  it("does not open when it is cut, at any length, down to nothing", () => {
    const sealed = ours.seal(7, HEADER, PAYLOAD).subarray(HEADER.length);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(theirs.open(7, HEADER, sealed.subarray(0, length))).toBeUndefined();
    }
  });

  it("may be empty", () => {
    const sealed = ours.seal(0, HEADER, new Uint8Array(0)).subarray(HEADER.length);
    expect(sealed).toHaveLength(ours.overheadBytes);
    expect(theirs.open(0, HEADER, sealed)).toHaveLength(0);
  });
});
