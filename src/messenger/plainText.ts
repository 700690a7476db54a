import { KeyedTokenBuckets } from "../core/tokenBucket.js";
import { UdpchatError } from "../errors.js";
import type { LanDatagram } from "../net/lan.js";
import { decodeUtf8, encodeUtf8 } from "../wire/cursor.js";

/** The largest payload of UDP over IPv4: 65,535 less 20 of the IP and 8 of the UDP header. */
export const MAX_PLAIN_BYTES = 65_507;

/** What one address may send us, and how many addresses we keep count of. */
const DATAGRAMS_PER_SECOND = 200;
const MAX_ADDRESSES = 1024;

/** The text of a bare datagram without its last newline; undefined if it is none or empty. */
export function readPlainText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_PLAIN_BYTES) return undefined;
  try {
    const text = decodeUtf8(bytes).replace(/\r?\n$/, "");
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * The bytes of a bare datagram.
 * @throws UdpchatError MESSAGE_TOO_LARGE, INVALID_ARGUMENT
 */
export function plainBytes(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length === 0) {
    throw new UdpchatError("INVALID_ARGUMENT", "an empty text cannot be sent", {
      remedy: "give it some text",
    });
  }
  if (bytes.length > MAX_PLAIN_BYTES) {
    throw new UdpchatError(
      "MESSAGE_TOO_LARGE",
      `the text has ${bytes.length} bytes: at most ${MAX_PLAIN_BYTES} fit a datagram`,
      { remedy: "send it in parts" },
    );
  }
  return bytes;
}

/** Takes in datagrams that are not of our protocol: text from anybody, so within limits. */
export class PlainTextReader {
  readonly #buckets = new KeyedTokenBuckets({
    ratePerSecond: DATAGRAMS_PER_SECOND,
    burst: DATAGRAMS_PER_SECOND,
    maxKeys: MAX_ADDRESSES,
  });
  #dropped = 0;

  /** Datagrams that were no text, or too many of one address. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The text, or undefined if it is to be dropped. */
  read(nowMs: number, datagram: LanDatagram): string | undefined {
    const allowed = this.#buckets.take(nowMs, datagram.from.address);
    const text = allowed ? readPlainText(datagram.bytes) : undefined;
    if (text === undefined) this.#dropped += 1;
    return text;
  }
}
