import type { Address, Destination, Transmit } from "../../src/core/io.js";
import { datagramType } from "../../src/wire/header.js";
import type { SeededRandom } from "../support/seededRandom.js";
import type { Station } from "../support/simMedium.js";
import { memoryOf } from "./invariants/invariant.js";
import { oneOf, wholeBetween } from "./plan.js";
import { cryptoOf, type SimCrypto } from "./simHome.js";
import type { SimLan } from "./simLan.js";
import type { HuntWorld } from "./world.js";

/** A datagram of a host, as the attacker heard it. */
export interface Heard {
  readonly bytes: Uint8Array;
  /** Name of the host that sent it. */
  readonly sender: string;
  readonly from: Address;
  readonly destination: Destination;
}

/** Where a datagram of the attacker claims to come from. */
export type Source =
  | "own"
  /** Of the host that it is a copy of, or that it names. */
  | "named"
  /** Of any host. */
  | "host"
  /** Where nobody is: whoever answers there is an amplifier. */
  | "nowhere"
  /** Where nobody is, for copies of what genuinely moves a session there. */
  | "diverted";

export const SOURCES: readonly Source[] = ["own", "named", "host", "nowhere", "diverted"];

/** Addresses that attackers invent, and at which amplification is counted. */
const NOWHERE = "10.77.241.";
const DIVERTED = "10.77.242.";
const NOWHERE_ADDRESSES = 20;
/** The first ones for good, and of the rest the latest. */
const KEPT_FIRST = 150;
const KEPT_LATEST = 450;

export function isNowhere(address: string): boolean {
  return address.startsWith(NOWHERE);
}

/** Nobody is there, and nobody ever gets what is sent there. */
export function isInvented(address: string): boolean {
  return isNowhere(address) || address.startsWith(DIVERTED);
}

/**
 * Somebody on the LAN who hears every datagram, and sends what he likes from whatever address. He
 * has a key of his own, and no other. One for each world, with a memory of its traffic from its
 * beginning.
 */
export class Attacker {
  readonly name = "mallory";
  readonly address: Address = { address: "10.77.240.1", port: 22400 };
  readonly crypto: SimCrypto;
  /** Everything that he does by chance, in a run. */
  readonly chance: SeededRandom;
  /** How many datagrams he sent. */
  sent = 0;
  readonly #world: HuntWorld;
  readonly #first: Heard[] = [];
  /** A ring. */
  readonly #latest: Heard[] = [];
  #next = 0;

  constructor(world: HuntWorld) {
    this.#world = world;
    this.crypto = cryptoOf(world.hosts[0]?.plan.crypto.kind ?? "simulated", this.name);
    this.chance = world.chance(this.name);
    world.taps.add((from, transmit) => this.#hear(from, transmit));
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  /** What he remembers, the oldest first. */
  heard(fits: (heard: Heard) => boolean = () => true): Heard[] {
    const latest = [...this.#latest.slice(this.#next), ...this.#latest.slice(0, this.#next)];
    return [...this.#first, ...latest].filter(fits);
  }

  /** One of those that he remembers of a type. */
  anyOf(...types: readonly number[]): Heard | undefined {
    const found = this.heard(({ bytes }) => types.includes(datagramType(bytes) ?? -1));
    return found.length === 0 ? undefined : oneOf(this.chance, found);
  }

  /** An address of that kind; of `named`, that of a host of this name or what was heard of it. */
  sourceOf(source: Source, named?: Address): Address {
    switch (source) {
      case "own":
        return this.address;
      case "named":
        return named ?? this.address;
      case "host":
        return this.hostAddress();
      case "nowhere":
        return { address: `${NOWHERE}${this.#nowhere()}`, port: 22400 };
      case "diverted":
        return { address: `${DIVERTED}${this.#nowhere()}`, port: 22400 };
    }
  }

  #nowhere(): number {
    return wholeBetween(this.chance, 1, NOWHERE_ADDRESSES);
  }

  /** Where some host is, or was at first. */
  hostAddress(): Address {
    const { card, plan } = oneOf(this.chance, this.#world.hosts);
    return { address: card.address ?? plan.address, port: plan.dataPort };
  }

  send(bytes: Uint8Array, destination: Destination, source: Address = this.address): void {
    if (this.#world.peaceSinceMs !== undefined) return;
    this.sent += 1;
    const station: Station = {
      name: this.name,
      address: source,
      listensTo: () => false,
      receive: () => undefined,
    };
    this.#world.inject(station, { bytes: Uint8Array.from(bytes), destination });
  }

  /** Somewhere: to all, to a host, or to a group that he heard of. */
  anyDestination(): Destination {
    switch (wholeBetween(this.chance, 0, 3)) {
      case 0:
        return { kind: "lan" };
      case 1: {
        const groups = this.heard(({ destination }) => destination.kind === "multicast");
        const [heard] = groups.slice(wholeBetween(this.chance, 0, groups.length));
        return heard?.destination ?? { kind: "lan" };
      }
      default:
        return { kind: "unicast", to: this.hostAddress() };
    }
  }

  #hear({ name, address }: SimLan, { bytes, destination }: Transmit): void {
    // Who sends it does not change it afterwards; where it is sent to may change.
    const heard = { bytes, sender: name, from: { ...address }, destination };
    if (this.#first.length < KEPT_FIRST) {
      this.#first.push(heard);
      return;
    }
    this.#latest[this.#next] = heard;
    this.#next = (this.#next + 1) % KEPT_LATEST;
  }
}

/** The attacker of a world. He listens from the first call on. */
export function attackerOf(world: HuntWorld): Attacker {
  const memory = attackers(world);
  memory.attacker ??= new Attacker(world);
  return memory.attacker;
}

const attackers = memoryOf<{ attacker: Attacker | undefined }>(() => ({ attacker: undefined }));
