import type { CoreOptions } from "../../src/core/core.js";
import type { Address, CoreEvent, Destination, PeerView } from "../../src/core/io.js";
import { blake2b } from "../../src/crypto/hash.js";
import { type DeviceIdentity, identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { noiseSuite } from "../../src/crypto/noise.js";
import { toHex } from "../../src/wire/cursor.js";
import { datagramType } from "../../src/wire/header.js";
import type { Faults } from "./simMedium.js";
import { SimNetwork, type SimNode } from "./simNetwork.js";

/** Shorter than the shortest delay of the network: between two steps nothing arrives unheard. */
const STEP_MS = 0.05;

/** A datagram that the attacker heard on its way. */
export interface Overheard {
  readonly bytes: Uint8Array;
  readonly sender: SimNode;
  readonly from: Address;
  readonly destination: Destination;
  readonly atMs: number;
}

/**
 * A simulated LAN with real keys, handshakes and seals, and an attacker on it who hears every
 * datagram before anybody else does and sends whatever it likes from whatever address it likes.
 */
export class AttackedLan {
  readonly network: SimNetwork;
  /** The attacker's own address. */
  readonly outside: Address = { address: "10.77.0.250", port: 22400 };
  /** Everything that was sent, oldest first. */
  readonly overheard: Overheard[] = [];
  /** Called between the sending of a datagram and its arrival. */
  onHearing: (heard: Overheard) => void = () => undefined;
  readonly #nodes: SimNode[] = [];
  #unheard: Overheard[] = [];

  constructor(seed: number, faults: Partial<Faults> = {}) {
    this.network = new SimNetwork(seed, faults);
    this.network.tap = (sender, { bytes, destination }) => {
      const from = { ...sender.address };
      const copy = Uint8Array.from(bytes);
      const heard = { bytes: copy, sender, from, destination, atMs: this.network.nowMs };
      this.overheard.push(heard);
      this.#unheard.push(heard);
    };
  }

  get nowMs(): number {
    return this.network.nowMs;
  }

  get nodes(): readonly SimNode[] {
    return this.#nodes;
  }

  /** A node whose key is that of {@link keyOf} its name, or of `device`. */
  add(name: string, options: Partial<CoreOptions> & { readonly device?: string } = {}): SimNode {
    const { device = name, ...others } = options;
    const identity = keyOf(device);
    const node = this.network.addNode(name, {
      identity,
      verify: verifyEd25519,
      handshakeSuite: noiseSuite(identity),
      ...others,
    });
    this.#nodes.push(node);
    return node;
  }

  /** Lets time pass; the attacker is quicker than the network. */
  run(spanMs: number): void {
    this.runUntil(() => false, spanMs);
  }

  /** Runs until `done`, at most `spanMs`; true if it was reached. */
  runUntil(done: () => boolean, spanMs: number): boolean {
    const endMs = this.nowMs + spanMs;
    while (!done()) {
      this.#hear();
      if (this.nowMs >= endMs) return done();
      this.network.run(Math.min(STEP_MS, endMs - this.nowMs));
    }
    return true;
  }

  #hear(): void {
    const heard = this.#unheard;
    this.#unheard = [];
    for (const one of heard) this.onHearing(one);
  }

  /** Lets a datagram arrive at a node at once. */
  inject(to: SimNode, bytes: Uint8Array, from = this.outside, via: "data" | "discovery" = "data") {
    if (!to.up) return;
    to.core.receive(this.nowMs, { bytes: Uint8Array.from(bytes), from, onLink: true, via });
    this.network.pump(to);
  }

  /** Whom a datagram was for. */
  receiversOf({ destination, sender }: Overheard): SimNode[] {
    const others = this.#nodes.filter((node) => node !== sender && node.up);
    if (destination.kind !== "unicast") return others;
    return others.filter((node) => node.isAt(destination.to));
  }

  /** What was overheard of one type. */
  ofType(type: number): Overheard[] {
    return this.overheard.filter(({ bytes }) => datagramType(bytes) === type);
  }
}

/** The key pair of a name: the same in every run. */
export function keyOf(name: string): DeviceIdentity {
  return identityFromSeed(blake2b(`seed of ${name}`, 32));
}

/** What a node has told its user since `count` events ago were all: for comparison. */
export function eventsSince(node: SimNode, count: number): CoreEvent[] {
  return node.events.slice(count);
}

/** The roster, as far as an attacker must not change it. */
export function rosterOf(node: SimNode): Pick<PeerView, "id" | "name" | "state" | "incarnation">[] {
  return node.core
    .peers()
    .map(({ id, name, state, incarnation }) => ({ id, name, state, incarnation }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of one kind alone, in words that a failing test can show. */
export function described(events: readonly CoreEvent[]): string[] {
  return events.map((event) =>
    JSON.stringify(event, (_key, value: unknown) =>
      value instanceof Uint8Array ? toHex(value) : value,
    ),
  );
}
