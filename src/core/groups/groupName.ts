import { blake2b } from "../../crypto/hash.js";
import { UdpchatError } from "../../errors.js";
import { GROUP_ID_BYTES } from "../../wire/constants.js";
import { encodeUtf8, toHex } from "../../wire/cursor.js";

/** A group as it is addressed: what the user typed, in its one canonical form. */
export interface GroupName {
  /** 16 hexadecimal digits: first 8 bytes of BLAKE2b-256(domain + label), by `HASH_DOMAINS`. */
  readonly groupId: string;
  /** "224.0.1.100", "224.0.1.100:8000" or "#ops". */
  readonly label: string;
  /** IPv4 multicast address, dotted decimal. */
  readonly address: string;
  readonly port: number;
  /** The label names a port other than the discovery port. */
  readonly explicitPort: boolean;
  /** Sealed with a key of its members; no relation of the open group with the same label. */
  readonly secret: boolean;
}

/** Hashed before the label: an open and a secret group of one label never mix. */
const HASH_DOMAINS = { open: "udpchat group 1\n", secret: "udpchat secret group 1\n" } as const;
const HASH_BYTES = 32;

/** UTF-8 of a name without its '#'. */
const MAX_GROUP_NAME_BYTES = 64;

/**
 * White space, control characters, halves of surrogate pairs, and the invisible characters that
 * change the direction of text: two names that look alike should be alike.
 */
const FORBIDDEN_IN_NAME = /[\s\p{Cc}\p{Cs}\p{Bidi_Control}]/u;

const DECIMAL = "(0|[1-9][0-9]{0,2})";
const ADDRESS_FORM = new RegExp(
  `^${DECIMAL}\\.${DECIMAL}\\.${DECIMAL}\\.${DECIMAL}(?::([1-9][0-9]{0,4}))?$`,
);

/**
 * Reads a group: a multicast address, `address:port`, or `#name`.
 *
 * Names are compared after NFC and lower case, and hashed into 239.192.0.0/14, the organisation
 * local scope (RFC 2365 section 6.2). Throws INVALID_GROUP with a remedy.
 */
export function parseGroupName(
  text: string,
  discoveryPort: number,
  options: { readonly secret?: boolean } = {},
): GroupName {
  const secret = options.secret ?? false;
  return text.startsWith("#")
    ? parseName(text.slice(1), discoveryPort, secret)
    : parseAddress(text, discoveryPort, secret);
}

function parseName(typed: string, discoveryPort: number, secret: boolean): GroupName {
  // Lower case can leave the composed form, hence composed twice.
  const name = typed.normalize("NFC").toLowerCase().normalize("NFC");
  const sizeBytes = encodeUtf8(name).length;
  if (sizeBytes === 0) {
    throw invalid("a group name is missing after '#'", "write a name such as #ops");
  }
  if (sizeBytes > MAX_GROUP_NAME_BYTES) {
    throw invalid(
      `the group name is ${sizeBytes} bytes long`,
      `use at most ${MAX_GROUP_NAME_BYTES} bytes of UTF-8`,
    );
  }
  if (FORBIDDEN_IN_NAME.test(name)) {
    throw invalid(
      "a group name cannot hold white space or control characters",
      "join words with '-', as in #night-shift",
    );
  }
  const label = `#${name}`;
  const hash = hashOf(label, secret);
  return {
    groupId: groupIdOf(hash),
    label,
    address: addressOfHash(hash),
    port: discoveryPort,
    explicitPort: false,
    secret,
  };
}

function parseAddress(text: string, discoveryPort: number, secret: boolean): GroupName {
  const match = ADDRESS_FORM.exec(text);
  if (match === null) {
    throw invalid(
      "a group is a multicast address, address:port or #name",
      "write it as 224.0.1.100, 239.1.2.3:9000 or #ops",
    );
  }
  const octets = match.slice(1, 5).map(Number);
  const [first = 0, second = 0, third = 0] = octets;
  if (octets.some((octet) => octet > 255) || first < 224 || first > 239) {
    throw invalid(
      "that is not an IPv4 multicast address",
      "choose one from 224.0.1.0 to 239.255.255.255, or a name such as #ops",
    );
  }
  // Routers and hosts speak their own protocols there, and switches flood it everywhere.
  if (first === 224 && second === 0 && third === 0) {
    throw invalid(
      "224.0.0.0/24 is the link-local control block (RFC 5771 section 4)",
      "choose an address from 224.0.1.0 to 239.255.255.255, or a name such as #ops",
    );
  }
  const port = match[5] === undefined ? discoveryPort : Number(match[5]);
  if (port > 65_535) {
    throw invalid(`there is no port ${port}`, "use a port from 1 to 65535, or none");
  }
  const address = octets.join(".");
  const explicitPort = port !== discoveryPort;
  const label = explicitPort ? `${address}:${port}` : address;
  const groupId = groupIdOf(hashOf(label, secret));
  return { groupId, label, address, port, explicitPort, secret };
}

function hashOf(label: string, secret: boolean): Uint8Array {
  return blake2b(HASH_DOMAINS[secret ? "secret" : "open"] + label, HASH_BYTES);
}

function groupIdOf(hash: Uint8Array): string {
  return toHex(hash.subarray(0, GROUP_ID_BYTES));
}

/** 239.192.0.0/14 and the 18 bits of the hash that follow the group id. */
function addressOfHash(hash: Uint8Array): string {
  const [a = 0, b = 0, c = 0] = hash.subarray(GROUP_ID_BYTES);
  return `239.${192 + (a & 0x03)}.${b}.${c}`;
}

function invalid(what: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_GROUP", what, { remedy });
}
