import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Address } from "../../src/core/io.js";
import type { NamespaceLan } from "./namespaceLan.js";

/** What tcpdump writes on this class of machine: pcap, little-endian, microseconds. */
const PCAP_MAGIC = 0xa1b2c3d4;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const UDP_HEADER_BYTES = 8;
const READY = /listening on/;
const TO_THE_END_MS = 300;

/** A UDP datagram that passed the bridge. */
export interface CapturedDatagram {
  readonly from: Address;
  readonly to: Address;
  readonly payload: Uint8Array;
}

/** The UDP datagrams over IPv4 in an Ethernet capture (pcap(5), RFC 791, RFC 768). */
export function udpDatagrams(pcap: Buffer): CapturedDatagram[] {
  if (pcap.length < FILE_HEADER_BYTES || pcap.readUInt32LE(0) !== PCAP_MAGIC) {
    throw new Error("not a capture");
  }
  const datagrams: CapturedDatagram[] = [];
  let offset = FILE_HEADER_BYTES;
  while (offset + RECORD_HEADER_BYTES <= pcap.length) {
    const frameBytes = pcap.readUInt32LE(offset + 8);
    offset += RECORD_HEADER_BYTES;
    const datagram = udpDatagram(pcap.subarray(offset, offset + frameBytes));
    if (datagram !== undefined) datagrams.push(datagram);
    offset += frameBytes;
  }
  return datagrams;
}

function udpDatagram(frame: Buffer): CapturedDatagram | undefined {
  if (frame.length < ETHERNET_BYTES + 20 || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return;
  const packet = frame.subarray(ETHERNET_BYTES);
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  if (packet.readUInt8(9) !== PROTOCOL_UDP) return undefined;
  const udp = packet.subarray(headerBytes);
  const sizeBytes = udp.readUInt16BE(4);
  return {
    from: { address: dotted(packet.subarray(12, 16)), port: udp.readUInt16BE(0) },
    to: { address: dotted(packet.subarray(16, 20)), port: udp.readUInt16BE(2) },
    payload: Uint8Array.from(udp.subarray(UDP_HEADER_BYTES, sizeBytes)),
  };
}

function dotted(address: Uint8Array): string {
  return [...address].join(".");
}

/** tcpdump on the bridge of a LAN: everything that passes, unicast included. */
export class Capture {
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];

  /** Captures from the moment that this resolves. */
  static async start(lan: NamespaceLan): Promise<Capture> {
    const capture = new Capture(lan);
    await capture.#ready();
    return capture;
  }

  private constructor(lan: NamespaceLan) {
    const { namespace, interfaceName } = lan.hub;
    const tcpdump = ["tcpdump", "-i", interfaceName, "-U", "--immediate-mode", "-B", "16384"];
    this.#child = spawn("ip", ["netns", "exec", namespace, ...tcpdump, "-s", "0", "-w", "-"]);
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = "";
      this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (READY.test(said)) resolve();
      });
      this.#child.once("error", reject);
      this.#child.once("close", () => reject(new Error(`tcpdump ended: ${said}`)));
    });
  }

  /** Ends it; returns the whole file, for {@link udpDatagrams}. */
  async stop(): Promise<Buffer> {
    await new Promise((resolve) => setTimeout(resolve, TO_THE_END_MS)); // what is in the kernel still
    const ended = once(this.#child, "close");
    this.#child.kill("SIGINT");
    await ended;
    return Buffer.concat(this.#chunks);
  }
}
