/**
 * The set of devices that need not answer a query, as a Bloom filter of m = 8 x size bits.
 *
 * A device has seven bit positions. With D = BLAKE2b-128(nonce, 8 bytes || device key, 32 bytes),
 * a = bytes 0-3 of D and b = bytes 4-7 of D with its lowest bit set, both big-endian:
 *
 *     position i = (a + i x b) mod m, for i = 0 to 6, in whole numbers without wrapping
 *
 * Position p is bit p mod 8 (0 is the least significant) of byte floor(p / 8). The nonce salts
 * it: two devices that collide in one query do not collide in the next.
 */
import { blake2b } from "../../crypto/hash.js";
import { DEVICE_BYTES, MAX_BLOOM_BYTES, NONCE_BYTES } from "../../wire/constants.js";
import { Writer } from "../../wire/cursor.js";

/** Near ln 2 x bits per device (Bloom 1970), which makes the fewest false positives. */
const HASHES = 7;
/** About 1 % false positives with seven hashes: 0.6185^10. */
const BITS_PER_DEVICE = 10;
/** Beyond these the others answer once more: better than a filter that silences strangers. */
const MAX_DEVICES = Math.floor((MAX_BLOOM_BYTES * 8) / BITS_PER_DEVICE);
const MIN_FILTER_BYTES = 8;
/** Somebody else lacks the one bit that is 0 as well with 7 / 768; a query has this room anyway. */
const FILTER_OF_OTHERS_BYTES = 96;
const DIGEST_BYTES = 16;

/** The filter of `devices` (hexadecimal keys) for a query; no device makes an empty filter. */
export function bloomOf(nonce: string, devices: Iterable<string>): Uint8Array {
  const included = [...devices].slice(0, MAX_DEVICES);
  if (included.length === 0) return new Uint8Array(0);
  const wantedBytes = Math.ceil((included.length * BITS_PER_DEVICE) / 8);
  const filter = new Uint8Array(Math.max(MIN_FILTER_BYTES, wantedBytes));
  const bytes = viewOf(filter);
  for (const device of included) {
    for (const position of positions(filter, nonce, device)) {
      bytes.setUint8(position >> 3, bytes.getUint8(position >> 3) | (1 << (position & 7)));
    }
  }
  return filter;
}

/** The filter of everybody but `device`, and of 1 % others: that one is asked for, in front of all. */
export function bloomOfOthers(nonce: string, device: string): Uint8Array {
  const filter = new Uint8Array(FILTER_OF_OTHERS_BYTES).fill(0xff);
  const [position = 0] = positions(filter, nonce, device);
  const bytes = viewOf(filter);
  bytes.setUint8(position >> 3, bytes.getUint8(position >> 3) & ~(1 << (position & 7)));
  return filter;
}

/** True if `device` is probably in the filter; never false if it is. An empty filter has nobody. */
export function bloomHas(filter: Uint8Array, nonce: string, device: string): boolean {
  if (filter.length === 0) return false;
  const bytes = viewOf(filter);
  return positions(filter, nonce, device).every(
    (position) => (bytes.getUint8(position >> 3) & (1 << (position & 7))) !== 0,
  );
}

function positions(filter: Uint8Array, nonce: string, device: string): number[] {
  const input = new Writer(NONCE_BYTES + DEVICE_BYTES).hex(nonce).hex(device).finish();
  const digest = blake2b(input, DIGEST_BYTES);
  const view = viewOf(digest);
  const start = view.getUint32(0);
  const step = (view.getUint32(4) | 1) >>> 0;
  return Array.from({ length: HASHES }, (_, i) => (start + i * step) % (filter.length * 8));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
