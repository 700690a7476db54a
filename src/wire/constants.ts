/** Numbers fixed by version 1 of the protocol. Changing one is a new protocol version. */

/** No datagram of ours is larger (RFC 8899 section 5.1.2: BASE_PLPMTU for UDP over IP). */
export const MAX_DATAGRAM_BYTES = 1200;

/** But a probe, which may be there to find out whether fragments of IP pass: on Ethernet it is two. */
export const MAX_PROBE_BYTES = 2000;

/**
 * First byte of every datagram. 0xF9 occurs nowhere in valid UTF-8 (RFC 3629 section 1), so a
 * plain-text datagram is never taken for one of ours, nor one of ours for text.
 */
export const MAGIC = 0xf9;

/** Second byte of every datagram. */
export const PROTOCOL_VERSION = 1;

/** magic u8, version u8, type u8, flags u8. */
export const HEADER_BYTES = 4;

/** Third byte of a datagram. */
export const DatagramType = {
  beacon: 0x01,
  leave: 0x02,
  query: 0x03,
  answer: 0x04,
  handshakeInit: 0x10,
  handshakeResponse: 0x11,
  handshakeFinish: 0x12,
  cookie: 0x13,
  sealed: 0x14,
  reset: 0x15,
  groupData: 0x20,
  groupHeartbeat: 0x21,
  groupNack: 0x22,
  groupSealed: 0x23,
  probe: 0x30,
} as const;

/** An Ed25519 public key (RFC 8032): the name of a device. */
export const DEVICE_BYTES = 32;
/** A random number drawn at every start of a device. */
export const INCARNATION_BYTES = 8;
/** An Ed25519 signature (RFC 8032), always the last bytes of a signed datagram. */
export const SIGNATURE_BYTES = 64;
/** The first bytes of a hash of the group's canonical name. */
export const GROUP_ID_BYTES = 8;
/** Tells what somebody holds of a group from what others hold. */
export const GROUP_DIGEST_BYTES = 8;
/** Groups that a beacon mentions: an answer with them is at most three times as long as a query. */
export const MAX_BEACON_GROUPS = 12;
export const NONCE_BYTES = 8;

/** header 4, receiver index 4, counter 8. */
export const SEALED_HEADER_BYTES = 16;

/** ChaCha20-Poly1305 and XChaCha20-Poly1305 alike (RFC 8439 section 2.8). */
export const SEAL_TAG_BYTES = 16;
/** Tells the key of a secret group from others. */
export const GROUP_KEY_ID_BYTES = 8;
/** Of XChaCha20: long enough to be drawn at random. */
export const GROUP_NONCE_BYTES = 24;
/** header, group id, key id, nonce. */
export const GROUP_SEAL_HEADER_BYTES =
  HEADER_BYTES + GROUP_ID_BYTES + GROUP_KEY_ID_BYTES + GROUP_NONCE_BYTES;

/** Nicknames, UTF-8. */
export const MAX_NAME_BYTES = 32;
/** A message body, UTF-8: what `send`, `ask` and `say` accept. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Room for extension fields that version 1 does not know; receivers skip them. */
export const MAX_EXTENSION_BYTES = 255;
/** Ranges in one NACK or ACK. */
export const MAX_RANGES = 64;
/** Bloom filter of a query. 512 bytes hold 400 peers at 1 % false positives. */
export const MAX_BLOOM_BYTES = 512;
/** A query is padded to this, so that an answer is at most three times as long. */
export const MIN_QUERY_BYTES = 128;
/** A first handshake message is padded to this, for the same reason. */
export const MIN_HANDSHAKE_INIT_BYTES = 192;
/** What a responder under load wants to see again: it proves the source address. */
export const COOKIE_BYTES = 16;
/** A cookie datagram is padded to this: the handshake that it brings is at most three times as long. */
export const MIN_COOKIE_DATAGRAM_BYTES = 64;
/** SEALED with an index that is only half open is answered from this length on, also for that. */
export const MIN_REMINDING_BYTES = 64;
/** A reset is padded to this: it brings a handshake as well. */
export const MIN_RESET_BYTES = 64;
/** SEALED of no more than this is empty: too little to be answered with a reset. */
export const MIN_SEALED_BYTES = SEALED_HEADER_BYTES + SEAL_TAG_BYTES;
/** Nothing that comes from an address that is not proven brings more than so many times its bytes. */
export const MAX_AMPLIFICATION = 3;

/** UDP port of everything that is for one peer alone, unless configured otherwise. */
export const DEFAULT_DATA_PORT = 22400;
/** UDP port of discovery and groups, the same for everybody, unless configured otherwise. */
export const DEFAULT_DISCOVERY_PORT = 22401;
/** Where beacons and queries go besides broadcast: administratively scoped (RFC 2365 section 6.1). */
export const DISCOVERY_GROUP_ADDRESS = "239.255.22.40";
/** A group for examinations alone, in the range that groups with a name are in (RFC 2365 section 6.2). */
export const EXAMINATION_GROUP_ADDRESS = "239.192.22.40";
/** The chat group when none is named: it lies in IANA's internetwork control block. */
export const DEFAULT_GROUP_ADDRESS = "224.0.1.100";
