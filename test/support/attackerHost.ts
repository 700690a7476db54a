import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Address } from "../../src/core/io.js";
import { killProcessGroup, type NamespaceHost } from "./namespaceLan.js";

const SCRIPT = fileURLToPath(new URL("attackerSockets.cjs", import.meta.url));
const HEADER_BYTES = 8;

/** A datagram that came to one of the attacker's sockets. */
export interface Received {
  readonly socket: number;
  readonly from: Address;
  readonly payload: Uint8Array;
}

/** Addresses of an attacker, next to those of the LAN: `10.77.1.1` to `10.77.1.200`. */
export function manyAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.77.1.${i + 1}`);
}

/** A host on the LAN whose sockets say what they are told to, at the speed they are told to. */
export class AttackerHost {
  readonly received: Received[] = [];
  /** Called with what comes in, as it comes. */
  onReceived: (received: Received) => void = () => undefined;
  readonly #child: ChildProcessWithoutNullStreams;
  #pending = Buffer.alloc(0);
  #ready: () => void = () => undefined;
  #stderr = "";

  /** Binds every `address:port`; `perMs` datagrams leave each millisecond at most. */
  static async start(
    host: NamespaceHost,
    bindings: readonly Address[],
    perMs = 5,
  ): Promise<AttackerHost> {
    const names = bindings.map(({ address, port }) => `${address}:${port}`);
    const child = host.spawn(process.execPath, [SCRIPT, String(perMs), ...names]);
    const attacker = new AttackerHost(child);
    await new Promise<void>((resolve, reject) => {
      attacker.#ready = resolve;
      child.once("close", () => reject(new Error(`the attacker ended: ${attacker.#stderr}`)));
    });
    return attacker;
  }

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    child.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** Queues datagrams from one of the sockets; they leave in this order. */
  send(socket: number, to: Address, payload: Uint8Array): void {
    const frame = Buffer.alloc(4 + HEADER_BYTES + payload.length);
    frame.writeUInt32BE(HEADER_BYTES + payload.length, 0);
    frame.writeUInt16BE(socket, 4);
    frame.set(to.address.split(".").map(Number), 6);
    frame.writeUInt16BE(to.port, 10);
    frame.set(payload, 4 + HEADER_BYTES);
    this.#child.stdin.write(frame);
  }

  /** Settles when everything that was queued has left. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve;
      this.send(0, { address: "0.0.0.0", port: 0 }, new Uint8Array(0));
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "close");
    killProcessGroup(this.#child);
    await ended;
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 4) {
      const length = this.#pending.readUInt32BE(0);
      if (this.#pending.length < 4 + length) return;
      const frame = this.#pending.subarray(4, 4 + length);
      this.#pending = this.#pending.subarray(4 + length);
      this.#takeFrame(frame);
    }
  }

  #takeFrame(frame: Buffer): void {
    const port = frame.readUInt16BE(6);
    if (port === 0) {
      this.#ready();
      return;
    }
    const from = { address: [...frame.subarray(2, 6)].join("."), port };
    const payload = Uint8Array.from(frame.subarray(HEADER_BYTES));
    const received = { socket: frame.readUInt16BE(0), from, payload };
    this.received.push(received);
    this.onReceived(received);
  }
}

/** Resident memory of a process, MiB (proc(5)). */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
