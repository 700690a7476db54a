import type { HandshakeSuite, PacketProtector } from "../../src/crypto/handshake.js";
import { UdpchatError } from "../../src/errors.js";
import { SEAL_TAG_BYTES } from "../../src/wire/constants.js";

/** As long as a real tag: sizes are then those of real datagrams. */
export const CLEAR_TAG = new Uint8Array(SEAL_TAG_BYTES);

const clearProtector: PacketProtector = {
  overheadBytes: SEAL_TAG_BYTES,
  seal: (_counter, header, payload) => Buffer.concat([header, payload, CLEAR_TAG]),
  open(_counter, _header, sealed) {
    const payload = sealed.subarray(0, -SEAL_TAG_BYTES);
    return CLEAR_TAG.every((byte, i) => sealed[payload.length + i] === byte) ? payload : undefined;
  },
};

/**
 * Suite 0, for tests alone: claims in the clear, nothing proven, nothing sealed. A test can then
 * read and write packets as an attacker on the path of sealed ones never could.
 */
export const clearSuite: HandshakeSuite = {
  id: 0,
  initiate: (claims) => ({
    message1: new Uint8Array(0),
    finish: (message2) => ({
      proves: () => true,
      message3: claims,
      remoteClaims: message2,
      protector: clearProtector,
    }),
  }),
  respond(message1, claims) {
    if (message1.length !== 0) {
      throw new UdpchatError("MALFORMED_DATAGRAM", "malformed datagram: clear handshake");
    }
    return {
      message2: claims,
      accept: (message3) => ({
        proves: () => true,
        remoteClaims: message3,
        protector: clearProtector,
      }),
    };
  },
};
