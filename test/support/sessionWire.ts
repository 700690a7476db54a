import { type CoreContext, TRUST_NOTHING, type Trust } from "../../src/core/context.js";
import { Counters } from "../../src/core/counters.js";
import {
  type Address,
  addressKey,
  type CoreEvent,
  Outputs,
  type SendTarget,
} from "../../src/core/io.js";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.js";
import type { MayBeSent } from "../../src/core/session/handshakes.js";
import { Sessions } from "../../src/core/session/sessions.js";
import { SourceGate } from "../../src/core/sourceGate.js";
import type { HandshakeSuite } from "../../src/crypto/handshake.js";
import type { Identity } from "../../src/crypto/identity.js";
import { randomHex } from "../../src/crypto/random.js";
import { UdpchatError } from "../../src/errors.js";
import { DatagramType, INCARNATION_BYTES } from "../../src/wire/constants.js";
import { encodeUtf8 } from "../../src/wire/cursor.js";
import { datagramType } from "../../src/wire/header.js";
import { clearSuite } from "./clearSuite.js";
import { SeededRandom } from "./seededRandom.js";
import { simIdentity } from "./simIdentity.js";

/** A datagram on the wire, as a tap sees it. */
export interface Tapped {
  readonly from: SessionHost;
  readonly to: Address;
  readonly bytes: Uint8Array;
  readonly type: number | undefined;
}

export interface HostOptions {
  readonly limits?: Partial<Limits>;
  readonly seed?: number;
  readonly trust?: Trust;
  readonly identity?: Identity;
  /** Default: the clear one. */
  readonly suite?: HandshakeSuite;
  /** It has a place in rosters. Default: yes. */
  readonly announces?: boolean;
}

/** A few `Sessions` on a wire with a fixed delay; a tap decides the fate of every datagram. */
export class SessionWire {
  nowMs = 0;
  readonly delayMs: number;
  /** False drops the datagram. */
  tap: (datagram: Tapped) => boolean = () => true;
  readonly #hosts: SessionHost[] = [];
  readonly #flying: { atMs: number; from: Address; to: Address; bytes: Uint8Array }[] = [];

  constructor(delayMs = 0.5) {
    this.delayMs = delayMs;
  }

  host(name: string, options: HostOptions = {}): SessionHost {
    const address = { address: `10.0.0.${this.#hosts.length + 1}`, port: 22400 };
    const host = new SessionHost(this, name, address, options);
    this.#hosts.push(host);
    return host;
  }

  /** Lets time pass: datagrams fly, timers fire. */
  run(spanMs: number): void {
    const endMs = this.nowMs + spanMs;
    for (;;) {
      this.#pumpAll();
      const nextFlight = Math.min(...this.#flying.map((f) => f.atMs), Number.POSITIVE_INFINITY);
      const nextWake = Math.min(...this.#hosts.map((h) => h.sessions.nextWakeMs()));
      const nextMs = Math.min(nextFlight, Math.max(nextWake, this.nowMs));
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      if (nextFlight <= nextMs) this.#land();
      else for (const host of this.#hosts) host.sessions.wake(nextMs);
    }
    this.nowMs = endMs;
  }

  /** Puts a datagram on the wire as if `from` had sent it. */
  inject(from: Address, to: SessionHost, bytes: Uint8Array): void {
    this.#flying.push({ atMs: this.nowMs + this.delayMs, from, to: to.address, bytes });
  }

  #land(): void {
    const index = this.#flying.findIndex((flight) => flight.atMs <= this.nowMs);
    const [flight] = this.#flying.splice(index, 1);
    if (flight === undefined) return;
    for (const host of this.#hosts) {
      if (!host.up || addressKey(host.address) !== addressKey(flight.to)) continue;
      const { bytes, from } = flight;
      host.receive(this.nowMs, bytes, from);
    }
  }

  #pumpAll(): void {
    for (const host of this.#hosts) {
      host.sessions.flush(this.nowMs);
      const { transmits, events } = host.context.outputs.drain();
      host.events.push(...events);
      for (const { bytes, destination } of transmits) {
        if (destination.kind !== "unicast" || !host.up) continue;
        const { to } = destination;
        const type = datagramType(bytes);
        host.sent.push(type ?? 0);
        if (!this.tap({ from: host, to, bytes, type })) continue;
        this.#flying.push({ atMs: this.nowMs + this.delayMs, from: host.address, to, bytes });
      }
    }
  }
}

export class SessionHost {
  readonly name: string;
  address: Address;
  up = true;
  context: CoreContext;
  sessions: Sessions;
  events: CoreEvent[] = [];
  /** Types of the datagrams sent. */
  sent: number[] = [];
  /** Where peers were told to be alive, oldest first. */
  readonly heardAt: Address[] = [];
  /** Where the roster would find a device. */
  readonly roster = new Map<string, Address>();
  /** What the roster would let go to where a device is said to be. */
  mayBeSent: MayBeSent = () => true;
  readonly #wire: SessionWire;
  readonly #limits: Limits;
  readonly #options: HostOptions;
  readonly #random: SeededRandom;
  #tokens = 0;

  constructor(wire: SessionWire, name: string, address: Address, options: HostOptions) {
    this.#wire = wire;
    this.#options = options;
    this.name = name;
    this.address = address;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#random = new SeededRandom(options.seed ?? name.charCodeAt(0));
    this.context = this.#newContext();
    this.sessions = this.#newSessions();
  }

  get id(): string {
    return this.context.identity.device;
  }

  /** As `Core.receive` does: what is malformed is dropped and counted, all else is a bug. */
  receive(nowMs: number, bytes: Uint8Array, from: Address): void {
    try {
      this.sessions.receive(nowMs, { bytes, from, onLink: true, via: "data" });
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
      this.context.counters.add("datagramsMalformed");
    }
  }

  /** All state is gone; the same key starts again. */
  restart(): void {
    this.context = this.#newContext();
    this.sessions = this.#newSessions();
  }

  sendTo(host: SessionHost, text: string, kind: "text" | "request" = "text"): number {
    return this.send({ kind: "address", to: host.address }, text, { kind });
  }

  sendToDevice(host: SessionHost, text: string, kind: "text" | "request" = "text"): number {
    return this.send({ kind: "device", id: host.id }, text, { kind });
  }

  send(
    target: SendTarget,
    text: string,
    options: { kind?: "text" | "request" | "groupKey"; requiresVerified?: boolean } = {},
  ): number {
    this.#tokens += 1;
    this.sessions.send(this.#wire.nowMs, {
      token: this.#tokens,
      target,
      kind: options.kind ?? "text",
      requiresVerified: options.requiresVerified,
      body: encodeUtf8(text),
      sentAtMs: 1_700_000_000_000,
      messageSequence: this.#tokens,
    });
    return this.#tokens;
  }

  ofKind<Kind extends CoreEvent["kind"]>(kind: Kind): Extract<CoreEvent, { kind: Kind }>[] {
    const isKind = (event: CoreEvent): event is Extract<CoreEvent, { kind: Kind }> =>
      event.kind === kind;
    return this.events.filter(isKind);
  }

  /** Texts that arrived, in order. */
  get texts(): string[] {
    return this.ofKind("message").map((event) => Buffer.from(event.body).toString());
  }

  sentOfType(type: keyof typeof DatagramType): number {
    return this.sent.filter((sent) => sent === DatagramType[type]).length;
  }

  #newContext(): CoreContext {
    return {
      identity: this.#options.identity ?? simIdentity(this.name),
      verify: () => true,
      trust: this.#options.trust ?? TRUST_NOTHING,
      gate: new SourceGate(this.#limits),
      random: this.#random,
      incarnation: randomHex(this.#random, INCARNATION_BYTES),
      startedAtMs: 1_700_000_000_000,
      name: this.name,
      dataPort: this.address.port,
      limits: this.#limits,
      counters: new Counters(),
      outputs: new Outputs(),
    };
  }

  #newSessions(): Sessions {
    return new Sessions(this.context, {
      suite: this.#options.suite ?? clearSuite,
      creditDatagrams: 256,
      announces: this.#options.announces ?? true,
      addressOf: (device) => this.roster.get(device),
      mayBeSent: (...what) => this.mayBeSent(...what),
      noteArrived: () => undefined,
      heard: (_nowMs, { address, port }) => {
        this.heardAt.push({ address, port });
      },
    });
  }
}
