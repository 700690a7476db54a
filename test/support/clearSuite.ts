import type { HandshakeSuite, PacketProtector } from "../../src/crypto/handshake.js";
import { UdpchatError } from "../../src/errors.js";

const clearProtector: PacketProtector = {
  overheadBytes: 0,
  seal(_counter, header, payload) {
    const datagram = new Uint8Array(header.length + payload.length);
    datagram.set(header);
    datagram.set(payload, header.length);
    return datagram;
  },
  open: (_counter, _header, sealed) => sealed,
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
