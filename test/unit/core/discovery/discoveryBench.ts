import { type CoreContext, TRUST_NOTHING } from "../../../../src/core/context.js";
import { Counters } from "../../../../src/core/counters.js";
import { Discovery, type DiscoveryOptions } from "../../../../src/core/discovery/discovery.js";
import {
  type Address,
  type CoreEvent,
  Outputs,
  type ReceivedDatagram,
  type Transmit,
} from "../../../../src/core/io.js";
import { DEFAULT_LIMITS, type Limits } from "../../../../src/core/limits.js";
import { SourceGate } from "../../../../src/core/sourceGate.js";
import { type Identity, identityFromSeed, verifyEd25519 } from "../../../../src/crypto/identity.js";
import { UdpchatError } from "../../../../src/errors.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { withSignature } from "../../../../src/wire/header.js";
import {
  type Beacon,
  type BeaconGroup,
  decodeBeacon,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
  type Instance,
  type Query,
} from "../../../../src/wire/presence.js";
import { SeededRandom } from "../../../support/seededRandom.js";

function identityOf(number: number): Identity {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, number);
  return identityFromSeed(seed);
}

export interface TimedTransmit extends Transmit {
  readonly atMs: number;
}

/** One `Discovery` under a clock that the test moves. Everything that came out is kept. */
export class DiscoveryBench {
  nowMs = 0;
  groups: BeaconGroup[] = [];
  verifications = 0;
  /** Devices that the user blocked. */
  readonly blocked = new Set<string>();
  /** Devices that `restarted` was called for. */
  readonly restarted: string[] = [];
  /** What `groupsAnnounced` was called with. */
  readonly announced: (Instance & { readonly groups: readonly BeaconGroup[] })[] = [];
  readonly context: CoreContext;
  readonly discovery: Discovery;
  readonly transmits: TimedTransmit[] = [];
  readonly events: CoreEvent[] = [];

  constructor(
    options: Partial<Omit<DiscoveryOptions, "groups">> & {
      readonly seed?: number;
      readonly limits?: Partial<Limits>;
    } = {},
  ) {
    this.context = {
      identity: identityOf(1_000_000 + (options.seed ?? 1)),
      verify: (device, message, signature) => {
        this.verifications += 1;
        return verifyEd25519(device, message, signature);
      },
      trust: { ...TRUST_NOTHING, isBlocked: (device) => this.blocked.has(device) },
      gate: new SourceGate({ ...DEFAULT_LIMITS, ...options.limits }),
      random: new SeededRandom(options.seed ?? 1),
      incarnation: "00000000000000aa",
      startedAtMs: 1_700_000_000_000,
      name: "me",
      dataPort: 22400,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      counters: new Counters(),
      outputs: new Outputs(),
    };
    this.discovery = new Discovery(0, this.context, {
      announce: options.announce ?? false,
      configuredPeers: options.configuredPeers ?? [],
      groups: () => this.groups,
      restarted: (_nowMs, device) => this.restarted.push(device),
      groupsAnnounced: (_nowMs, { device, incarnation }, groups) =>
        this.announced.push({ device, incarnation, groups }),
    });
  }

  /** Moves the clock, waking at every moment that was asked for. */
  runUntil(untilMs: number): void {
    for (let wakes = 0; this.discovery.nextWakeMs() <= untilMs; wakes += 1) {
      if (wakes > 100_000) throw new Error("woken without end");
      this.nowMs = Math.max(this.nowMs, this.discovery.nextWakeMs());
      this.discovery.wake(this.nowMs);
      this.#drain();
    }
    this.nowMs = untilMs;
  }

  query(): string {
    const nonce = this.discovery.query(this.nowMs);
    this.#drain();
    return nonce;
  }

  leave(): void {
    this.discovery.leave(this.nowMs);
    this.#drain();
  }

  compensate(lagMs: number): void {
    this.discovery.compensate(this.nowMs, lagMs);
    this.#drain();
  }

  heard(peer: FakePeer, address = peer.address, rttMs?: number, announces = true): void {
    const { dataPort: port, name, incarnation } = peer;
    const contact = { id: peer.identity.device, name, incarnation, announces, address, port };
    this.discovery.heard(this.nowMs, contact, rttMs);
    this.#drain();
  }

  mayBeSent({ device }: FakePeer, to: Address, sizeBytes: number): boolean {
    const allowed = this.discovery.mayBeSent(this.nowMs, device, to, sizeBytes);
    this.#drain();
    return allowed;
  }

  receive(bytes: Uint8Array, address: string, change: Partial<ReceivedDatagram> = {}): void {
    const from = { address, port: 22400 };
    this.discovery.receive(this.nowMs, { bytes, from, onLink: true, via: "discovery", ...change });
    this.#drain();
  }

  /** Malformed or not. */
  receiveHostile(bytes: Uint8Array, address: string): void {
    try {
      this.receive(bytes, address);
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
    }
  }

  /** A beacon of `peer`, returned, and its answer to the challenge that follows. */
  meet(peer: FakePeer, address = peer.address, beacon = peer.beacon()): Uint8Array {
    this.receive(beacon, address);
    const nonce = this.challengeTo(address, peer.dataPort);
    if (nonce === undefined) throw new Error("no challenge");
    this.receive(peer.answer(nonce, 0, beacon), address);
    return beacon;
  }

  /** The nonce of a challenge that is sent there within `withinMs`, as soon as it is. */
  challengeTo(address: string, port = 22400, withinMs = 100): string | undefined {
    const untilMs = this.nowMs + withinMs;
    const before = this.transmits.length;
    for (let atMs = this.nowMs; atMs <= untilMs; atMs += 1) {
      this.runUntil(atMs);
      const [challenge] = this.transmits
        .slice(before)
        .filter((sent) => sent.bytes[2] === DatagramType.query && isTo(sent, { address, port }));
      if (challenge !== undefined) return decodeQuery(challenge.bytes).nonce;
    }
    return undefined;
  }

  #drain(): void {
    const { transmits, events } = this.context.outputs.drain();
    this.transmits.push(...transmits.map((transmit) => ({ ...transmit, atMs: this.nowMs })));
    this.events.push(...events);
  }

  /** What was transmitted of this type. */
  sent(type: number): TimedTransmit[] {
    return this.transmits.filter(({ bytes }) => bytes[2] === type);
  }

  /** The changes told of `peer`, in order. */
  changes(peer: FakePeer): string[] {
    return this.events.flatMap((event) =>
      event.kind === "peer" && event.peer.id === peer.identity.device ? [event.change] : [],
    );
  }

  eventsOf<Kind extends CoreEvent["kind"]>(kind: Kind): Extract<CoreEvent, { kind: Kind }>[] {
    return this.events.filter(
      (event): event is Extract<CoreEvent, { kind: Kind }> => event.kind === kind,
    );
  }

  count(name: Parameters<Counters["get"]>[0]): number {
    return this.context.counters.get(name);
  }
}

/** Another device, as far as its datagrams go. */
export class FakePeer {
  readonly identity: Identity;
  incarnation = "0000000000000001";
  startedAtMs = 1_600_000_000_000;
  sequence = 0;
  name: string;
  address: string;
  dataPort = 22400;
  intervalMs = 12_500;

  constructor(number: number, change: { readonly name?: string; readonly address?: string } = {}) {
    this.identity = identityOf(number);
    this.name = change.name ?? `peer${number}`;
    this.address = change.address ?? `10.0.${number >> 8}.${number & 255}`;
  }

  get device(): string {
    return this.identity.device;
  }

  restart(startedAtMs: number, incarnation: string): void {
    Object.assign(this, { startedAtMs, incarnation, sequence: 0 });
  }

  beacon(change: Partial<Beacon> = {}): Uint8Array {
    this.sequence += 1;
    const { device, incarnation, startedAtMs, sequence, intervalMs, dataPort, name } = this;
    const own = { device, incarnation, startedAtMs, sequence, intervalMs, dataPort, name };
    return this.signed(encodeBeacon({ ...own, groups: [], ...change }));
  }

  leave(): Uint8Array {
    this.sequence += 1;
    const { device, incarnation, sequence } = this;
    return this.signed(encodeLeave({ device, incarnation, sequence }));
  }

  answer(nonce: string, heldMs = 0, beacon = this.beacon(), announces = true): Uint8Array {
    return this.signed(
      encodeAnswer({
        nonce,
        heldUs: heldMs * 1000,
        announces,
        beacon: decodeBeacon(beacon),
      }),
    );
  }

  signed(unsigned: Uint8Array): Uint8Array {
    return withSignature(unsigned, this.identity.sign(unsigned));
  }
}

/** A query of somebody else; the nonce is `number`. */
export function queryOf(number: number, change: Partial<Query> = {}): Uint8Array {
  return encodeQuery({
    nonce: number.toString(16).padStart(16, "0"),
    incarnation: "00000000000000bb",
    dataPort: 22400,
    direct: false,
    peersKnown: 0,
    known: new Uint8Array(0),
    ...change,
  });
}

/** The same datagram with one bit of its signature changed. */
export function forged(datagram: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(datagram);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

export function isTo(transmit: Transmit, to: Address): boolean {
  const { destination } = transmit;
  return (
    destination.kind === "unicast" &&
    destination.to.address === to.address &&
    destination.to.port === to.port
  );
}
