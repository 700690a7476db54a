import { UdpchatError } from "../errors.js";

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HIGH_WORD = 2 ** 32;
/** What is shorter shares memory with others: an ArrayBuffer of its own costs more than filling it. */
const POOLED_BYTES = 512;

/** What a decoder throws: the peer's fault, dropped and counted by whoever received it. */
export function malformed(what: string): UdpchatError {
  return new UdpchatError("MALFORMED_DATAGRAM", `malformed datagram: ${what}`);
}

/** Bytes of `text` in UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8"); // six times as fast as a TextEncoder
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
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
  return asBuffer(bytes).toString("hex");
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The bytes of a hexadecimal string that is known to be well-formed. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex")); // `from` would go through an iterator
}

/**
 * Appends fields to one growing-never buffer. Big-endian; varints as in RFC 9000 section 16.
 * The buffer is allocated once at `capacityBytes`; writing past it throws RangeError (our bug).
 */
export class Writer {
  readonly #bytes: Uint8Array;
  #capacityBytes: number;
  #length = 0;

  constructor(capacityBytes: number) {
    this.#bytes = newBytes(capacityBytes);
    this.#capacityBytes = capacityBytes;
  }

  /** Starts afresh, over what was written: views of that change too. Never grows. */
  restart(capacityBytes: number): this {
    this.#capacityBytes = Math.min(capacityBytes, this.#bytes.length);
    this.#length = 0;
    return this;
  }

  get lengthBytes(): number {
    return this.#length;
  }

  get remainingBytes(): number {
    return this.#capacityBytes - this.#length;
  }

  u8(value: number): this {
    this.#bytes[this.#claim(1)] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#claim(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#claim(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
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
    this.#bytes.set(value, this.#claim(value.length));
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
    const at = this.#claim(countBytes);
    this.#bytes.fill(0, at, at + countBytes);
    return this;
  }

  /** What was written, as a view that later writes do not move. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#length);
  }

  /** Where the next `countBytes` go. */
  #claim(countBytes: number): number {
    const at = this.#length;
    if (at + countBytes > this.#capacityBytes) throw new RangeError("written past the end");
    this.#length = at + countBytes;
    return at;
  }
}

/** Memory that is written before it is read. */
function newBytes(countBytes: number): Uint8Array {
  return countBytes < POOLED_BYTES ? Buffer.allocUnsafe(countBytes) : new Uint8Array(countBytes);
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
  /** The same, once hexadecimal is read. */
  #buffer: Buffer | undefined;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#at(this.#take(1));
  }

  u16(): number {
    const start = this.#take(2);
    return (this.#at(start) << 8) | this.#at(start + 1);
  }

  u32(): number {
    const start = this.#take(4);
    const high = (this.#at(start) << 8) | this.#at(start + 1);
    return ((high << 16) | (this.#at(start + 2) << 8) | this.#at(start + 3)) >>> 0;
  }

  /** Eight bytes as a number; above 2^53 - 1 is malformed. */
  u64(): number {
    const high = this.u32();
    if (high >= 0x20_0000) throw malformed("number above 2^53");
    return high * HIGH_WORD + this.u32();
  }

  varint(): number {
    const first = this.u8();
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
    const start = this.#take(countBytes);
    this.#buffer ??= asBuffer(this.#bytes);
    return this.#buffer.toString("hex", start, start + countBytes);
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

  /** A byte that was taken. */
  #at(index: number): number {
    return this.#bytes[index] ?? 0;
  }

  #take(countBytes: number): number {
    const start = this.#offset;
    if (start + countBytes > this.#bytes.length) throw malformed("truncated");
    this.#offset = start + countBytes;
    return start;
  }
}
