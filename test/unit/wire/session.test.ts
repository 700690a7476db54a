import { describe, expect, it } from "vitest";
import {
  MIN_COOKIE_DATAGRAM_BYTES,
  MIN_HANDSHAKE_INIT_BYTES,
} from "../../../src/wire/constants.js";
import { toHex } from "../../../src/wire/cursor.js";
import {
  decodeClaims,
  decodeCookie,
  decodeHandshakeInit,
  decodeReset,
  encodeClaims,
  encodeCookie,
  encodeHandshakeInit,
  encodeReset,
  encodeSealedHeader,
  type HandshakeClaims,
  MAX_CLAIMS_BYTES,
} from "../../../src/wire/session.js";
import { extension } from "./datagrams.js";
import { expectMalformed } from "./malformed.js";

const claims: HandshakeClaims = {
  device: "11".repeat(32),
  incarnation: "22".repeat(8),
  dataPort: 22_400,
  creditDatagrams: 256,
  announces: true,
  name: "n".repeat(32),
};

describe("handshake init", () => {
  const init = {
    senderIndex: 7,
    suite: 0,
    cookie: new Uint8Array(0),
    message: Uint8Array.of(1, 2, 3),
  };

  it("is padded, and refused if it is not", () => {
    const bytes = encodeHandshakeInit(init);
    expect(bytes).toHaveLength(MIN_HANDSHAKE_INIT_BYTES);
    expect(decodeHandshakeInit(bytes).message).toEqual(init.message);
    expectMalformed(() => decodeHandshakeInit(bytes.subarray(0, -1)), "padded");
  });

  it("refuses a message longer than the datagram", () => {
    const bytes = encodeHandshakeInit(init);
    bytes[10] = 0xff;
    expectMalformed(() => decodeHandshakeInit(bytes), "truncated");
  });
});

describe("cookie", () => {
  it("is padded, and refused if it is not", () => {
    const bytes = encodeCookie({ receiverIndex: 7, cookie: Uint8Array.of(1, 2, 3) });
    expect(bytes).toHaveLength(MIN_COOKIE_DATAGRAM_BYTES);
    expect(decodeCookie(bytes).cookie).toEqual(Uint8Array.of(1, 2, 3));
    expectMalformed(() => decodeCookie(bytes.subarray(0, -1)), "padded");
  });
});

describe("claims", () => {
  it("fit MAX_CLAIMS_BYTES with the longest name", () => {
    expect(encodeClaims(claims)).toHaveLength(MAX_CLAIMS_BYTES);
  });

  it("skip extensions, whole ones only", () => {
    const body = encodeClaims(claims).subarray(0, -1);
    const extended = Uint8Array.of(...body, ...extension(255));
    expect(decodeClaims(extended)).toEqual(claims);
    expectMalformed(() => decodeClaims(extended.subarray(0, -1)), "truncated");
    expectMalformed(() => decodeClaims(Uint8Array.of(...extended, 0)), "trailing");
  });

  it("refuse port 0 and a name of 33 bytes", () => {
    expectMalformed(() => decodeClaims(encodeClaims({ ...claims, dataPort: 0 })), "port");
    const tooLong = Uint8Array.of(...encodeClaims({ ...claims, name: "" }).subarray(0, -2), 33);
    expectMalformed(() => decodeClaims(Uint8Array.of(...tooLong, ...new Uint8Array(34))), "name");
  });
});

describe("sealed header and reset", () => {
  const header = { receiverIndex: 0xfedc_ba98, counter: 2 ** 40 };

  it("is 16 bytes and carries the packet number in the last eight", () => {
    const hex = toHex(encodeSealedHeader(header));
    expect(hex).toBe("f9011400" + "fedcba98" + "0000010000000000");
  });

  it("comes back in the reset, which is padded", () => {
    expect(encodeReset(header)).toHaveLength(64);
    expect(decodeReset(encodeReset(header))).toEqual(header);
    expectMalformed(() => decodeReset(encodeReset(header).subarray(0, 63)), "padded");
  });
});
