import type { Address } from "../../src/core/io.js";
import {
  DatagramType,
  MAX_DATAGRAM_BYTES,
  MIN_SEALED_BYTES,
  SEAL_TAG_BYTES,
  SEALED_HEADER_BYTES,
} from "../../src/wire/constants.js";
import { encodeUtf8, Writer } from "../../src/wire/cursor.js";
import {
  type AckFrame,
  type Frame,
  FrameType,
  Lane,
  type LaneCode,
  type MessageFrame,
  readFrames,
  writeFrame,
} from "../../src/wire/frames.js";
import { encodeRecord, RecordKind } from "../../src/wire/record.js";
import {
  decodeCookie,
  decodeHandshakeResponse,
  decodeSealedHeader,
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeSealedHeader,
} from "../../src/wire/session.js";
import { CLEAR_TAG } from "./clearSuite.js";
import type { SessionHost, SessionWire } from "./sessionWire.js";
import { simIdentity } from "./simIdentity.js";

const MAX_PAYLOAD_BYTES = MAX_DATAGRAM_BYTES - MIN_SEALED_BYTES;

/** What a datagram from the host held. */
export interface Opened {
  readonly counter: number;
  readonly sizeBytes: number;
  readonly frames: Frame[];
}

/**
 * A peer that speaks the wire by hand (suite 0), so that it can say what no honest one would.
 * It acknowledges and answers nothing by itself. Takes the tap of its wire.
 */
export class RawPeer {
  readonly address: Address;
  readonly device: string;
  /** Sealed datagrams that came in, oldest first. */
  readonly opened: Opened[] = [];
  /** All datagrams that came in. */
  readonly datagrams: Uint8Array[] = [];
  readonly #wire: SessionWire;
  readonly #host: SessionHost;
  #localIndex = 0x0a0b_0c00;
  remoteIndex = 0;
  #counter = 0;
  readonly #sent: Uint8Array[] = [];

  constructor(wire: SessionWire, host: SessionHost, name = "raw", lastByte = 99) {
    this.#wire = wire;
    this.#host = host;
    this.address = { address: `10.0.0.${lastByte}`, port: 22400 };
    this.device = simIdentity(name).device;
    const before = wire.tap;
    wire.tap = (datagram) => {
      if (datagram.to.address !== this.address.address) return before(datagram);
      this.#take(datagram.bytes);
      return false;
    };
  }

  /** A new session, begun by us. */
  connect(options: { creditDatagrams?: number; incarnation?: string } = {}): void {
    this.#localIndex += 1;
    this.#counter = 0;
    const response = this.#begin(new Uint8Array(0));
    this.remoteIndex = decodeHandshakeResponse(response).senderIndex;
    const claims = encodeClaims({
      device: this.device,
      incarnation: options.incarnation ?? "00".repeat(8),
      dataPort: this.address.port,
      creditDatagrams: options.creditDatagrams ?? 256,
      announces: true,
      name: "raw",
    });
    this.inject(encodeHandshakeFinish({ receiverIndex: this.remoteIndex, message: claims }));
  }

  /** Sends frames in one packet, lets them arrive, and returns the packet number. */
  send(...frames: Frame[]): number {
    const writer = new Writer(MAX_PAYLOAD_BYTES);
    for (const frame of frames) writeFrame(writer, frame);
    return this.sendPayload(writer.finish());
  }

  sendPayload(payload: Uint8Array): number {
    const counter = this.#counter;
    this.#counter += 1;
    const datagram = sealed(this.remoteIndex, counter, payload);
    this.#sent[counter] = datagram;
    this.inject(datagram);
    return counter;
  }

  /** The same datagram of this session once more. */
  repeat(packetNumber: number): void {
    this.inject(this.datagramOf(packetNumber));
  }

  /** A packet of this session as it was sent. */
  datagramOf(packetNumber: number): Uint8Array {
    return this.#sent[packetNumber] ?? new Uint8Array(0);
  }

  /** A packet of the session before this one. */
  sendInOld(remoteIndex: number, counter: number, ...frames: Frame[]): void {
    const writer = new Writer(MAX_PAYLOAD_BYTES);
    for (const frame of frames) writeFrame(writer, frame);
    this.inject(sealed(remoteIndex, counter, writer.finish()));
  }

  inject(datagram: Uint8Array): void {
    this.#wire.inject(this.address, this.#host, datagram);
    this.#wire.run(2 * this.#wire.delayMs);
  }

  /** Frames of one type that came in. */
  framesOf<Type extends Frame["type"]>(type: Type): Extract<Frame, { type: Type }>[] {
    const isType = (frame: Frame): frame is Extract<Frame, { type: Type }> => frame.type === type;
    return this.opened.flatMap((packet) => packet.frames.filter(isType));
  }

  /** True if the host acknowledged the packet. */
  wasAcknowledged(packetNumber: number): boolean {
    return this.framesOf(FrameType.ack).some((ack) => covers(ack, packetNumber));
  }

  /** The response to our first message; shows a cookie if the host wants one. */
  #begin(cookie: Uint8Array): Uint8Array {
    const message = new Uint8Array(0);
    const before = this.datagrams.length;
    this.inject(encodeHandshakeInit({ senderIndex: this.#localIndex, suite: 0, cookie, message }));
    const came = this.datagrams.slice(before);
    const asked = came.find((d) => d[2] === DatagramType.cookie);
    if (asked !== undefined && cookie.length === 0) return this.#begin(decodeCookie(asked).cookie);
    const response = came.find((d) => d[2] === DatagramType.handshakeResponse);
    if (response === undefined) throw new Error("no handshake response");
    return response;
  }

  #take(bytes: Uint8Array): void {
    this.datagrams.push(bytes);
    if (bytes[2] !== DatagramType.sealed) return;
    const { counter } = decodeSealedHeader(bytes);
    const frames = readFrames(bytes.subarray(SEALED_HEADER_BYTES, -SEAL_TAG_BYTES));
    this.opened.push({ counter, sizeBytes: bytes.length, frames });
  }
}

function covers(ack: AckFrame, packetNumber: number): boolean {
  return ack.ranges.some(({ first, last }) => first <= packetNumber && packetNumber <= last);
}

export function sealed(receiverIndex: number, counter: number, payload: Uint8Array): Uint8Array {
  const header = encodeSealedHeader({ receiverIndex, counter });
  return Uint8Array.from([...header, ...payload, ...CLEAR_TAG]);
}

/** An ACK of the packets up to `last`. */
export function ackUpTo(last: number, creditDatagrams = 256): AckFrame {
  return { type: FrameType.ack, delayUs: 0, creditDatagrams, ranges: [{ first: 0, last }] };
}

/** A text or a request in a MESSAGE frame. */
export function messageFrame(
  sequence: number,
  options: { lane?: LaneCode; base?: number; text?: string } = {},
): MessageFrame {
  const { lane = Lane.ordered, base = 1, text = `text ${sequence}` } = options;
  const record = encodeRecord({
    kind: lane === Lane.ordered ? RecordKind.text : RecordKind.request,
    incarnation: "00".repeat(8),
    messageSequence: sequence,
    sentAtMs: 0,
    body: encodeUtf8(text),
  });
  return { type: FrameType.message, lane, sequence, base, record };
}

/** A payload that acknowledges those packets alone. */
export function ackOf(first: number, last = first): Uint8Array {
  const writer = new Writer(MAX_PAYLOAD_BYTES);
  writeFrame(writer, { ...ackUpTo(last), ranges: [{ first, last }] });
  return writer.finish();
}

/** Numbers of the packets that are sent to an address where nobody is, from now on. */
export function numbersTo(wire: SessionWire, { address }: Address): number[] {
  const numbers: number[] = [];
  const before = wire.tap;
  wire.tap = (datagram) => {
    if (datagram.to.address !== address) return before(datagram);
    if (datagram.type === DatagramType.sealed) {
      numbers.push(decodeSealedHeader(datagram.bytes).counter);
    }
    return false;
  };
  return numbers;
}
