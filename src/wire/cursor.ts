import { UdpchatError } from "../errors.js";

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HIGH_WORD = 2 ** 32;

/** What a decoder throws: the peer's fault, dropped and counted by whoever received it. */
export function malformed(what: string): UdpchatError {
  return new UdpchatError("MALFORMED_DATAGRAM", `malformed datagram: ${what}`);
}

/** Bytes of `text` in UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Strict UTF-8: throws `MALFORMED_DATAGRAM` on anything else (RFC 3629 section 3). */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    throw malformed("text is not UTF-8");
  }
}

/** Lower-case hexadecimal of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** The bytes of a hexadecimal string that is known to be well-formed. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/**
 * Appends fields to one growing-never buffer. Big-endian; varints as in RFC 9000 section 16.
 * The buffer is allocated once at `capacityBytes`; writing past it throws RangeError (our bug).
 */
export class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #length = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get lengthBytes(): number {
    return this.#length;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#length;
  }

  u8(value: number): this {
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  /** A whole number up to 2^53 - 1 in eight bytes. */
  u64(value: number): this {
    this.u32(Math.floor(value / HIGH_WORD));
    return this.u32(value % HIGH_WORD);
  }

  varint(value: number): this {
    if (value < 0x40) return this.u8(value);
    if (value < 0x4000) return this.u16(value | 0x4000);
    if (value < 0x4000_0000) return this.u32((value | 0x8000_0000) >>> 0);
    this.u32((Math.floor(value / HIGH_WORD) | 0xc000_0000) >>> 0);
    return this.u32(value % HIGH_WORD);
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Fixed-width field given as hexadecimal. */
  hex(value: string): this {
    return this.bytes(Buffer.from(value, "hex"));
  }

  /** `length u8` and the bytes. */
  shortBytes(value: Uint8Array): this {
    if (value.length > 0xff) throw new RangeError("more than 255 bytes in a short field");
    return this.u8(value.length).bytes(value);
  }

  zeros(countBytes: number): this {
    this.#bytes.fill(0, this.#length, this.#length + countBytes);
    this.#length += countBytes;
    return this;
  }

  /** What was written, as a view that later writes do not move. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Bytes that a varint of `value` takes. */
export function varintBytes(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x4000_0000) return 4;
  return 8;
}

/** Reads fields in order; every read past the end throws `MALFORMED_DATAGRAM`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Eight bytes as a number; above 2^53 - 1 is malformed. */
  u64(): number {
    const high = this.u32();
    if (high >= 0x20_0000) throw malformed("number above 2^53");
    return high * HIGH_WORD + this.u32();
  }

  varint(): number {
    const first = this.#view.getUint8(this.#take(1));
    const prefix = first >> 6;
    if (prefix === 0) return first;
    if (prefix === 1) return ((first & 0x3f) << 8) | this.u8();
    if (prefix === 2) return (((first & 0x3f) << 24) | (this.u8() << 16) | this.u16()) >>> 0;
    const high = ((first & 0x3f) << 24) | (this.u8() << 16) | this.u16();
    if (high >= 0x20_0000) throw malformed("number above 2^53");
    return high * HIGH_WORD + this.u32();
  }

  /** A view of the next bytes, not a copy. */
  bytes(countBytes: number): Uint8Array {
    const start = this.#take(countBytes);
    return this.#bytes.subarray(start, start + countBytes);
  }

  hex(countBytes: number): string {
    return toHex(this.bytes(countBytes));
  }

  shortBytes(): Uint8Array {
    return this.bytes(this.u8());
  }

  skip(countBytes: number): void {
    this.#take(countBytes);
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remainingBytes);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.remainingBytes !== 0) throw malformed("trailing bytes");
  }

  #take(countBytes: number): number {
    const start = this.#offset;
    if (start + countBytes > this.#bytes.length) throw malformed("truncated");
    this.#offset = start + countBytes;
    return start;
  }
}
