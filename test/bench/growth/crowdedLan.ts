import { Core } from "../../../src/core/core.js";
import type { Transmit } from "../../../src/core/io.js";
import type { Identity } from "../../../src/crypto/identity.js";
import { uniformBetween } from "../../../src/crypto/random.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
} from "../../../src/wire/constants.js";
import { datagramType, withSignature } from "../../../src/wire/header.js";
import {
  type Beacon,
  decodeBeacon,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
} from "../../../src/wire/presence.js";
import { Agenda } from "../../support/agenda.js";
import { clearSuite } from "../../support/clearSuite.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { simIdentity, simVerify } from "../../support/simIdentity.js";
import { EPOCH_MS } from "../../support/simMedium.js";

/** Everybody comes within this time: not one burst of hellos, which few networks see. */
const COME_WITHIN_MS = 60_000;
const ON_THE_WAY_MS = 0.3;
/** Of its interval each waits a random part: PROTOCOL.md section 3.1. */
const JITTER = { low: 0.75, high: 1.25 };

/**
 * One whole core on a LAN with many others that do no more than the core hears of: they say who
 * they are as often as the core does, and answer what is asked of them alone.
 */
export class CrowdedLan {
  readonly core: Core;
  readonly peers: readonly LeanPeer[];
  nowMs = 0;
  /** What the core said of itself, UDP payload; once, on however many interfaces it leaves. */
  readonly beacons = { count: 0, bytes: 0 };
  readonly #agenda = new Agenda();
  readonly #random: SeededRandom;
  readonly #byAddress: ReadonlyMap<string, LeanPeer>;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  /** Of the core, as its latest beacon says. */
  #intervalMs = 10_000;

  constructor(seed: number, peerCount: number) {
    this.#random = new SeededRandom(seed);
    this.peers = Array.from({ length: peerCount }, (_, i) => new LeanPeer(i));
    this.#byAddress = new Map(this.peers.map((peer) => [peer.address, peer]));
    this.core = new Core(0, {
      identity: simIdentity("the one that is looked at"),
      verify: simVerify,
      handshakeSuite: clearSuite,
      random: this.#random,
      name: "observed",
      dataPort: DEFAULT_DATA_PORT,
      startedAtMs: EPOCH_MS,
      announce: true,
    });
    this.#pump();
  }

  /** The others come. */
  fill(): void {
    for (const peer of this.peers) {
      this.#agenda.add(this.nowMs + uniformBetween(this.#random, 0, COME_WITHIN_MS), () =>
        this.#speak(peer),
      );
    }
  }

  run(spanMs: number): void {
    const endMs = this.nowMs + spanMs;
    for (;;) {
      const next = this.#agenda.takeUntil(endMs);
      this.nowMs = next?.atMs ?? endMs;
      if (next === undefined) return;
      next.action();
    }
  }

  #speak(peer: LeanPeer): void {
    const intervalMs = this.#intervalMs;
    this.#arrive(peer, peer.beacon(intervalMs), "discovery");
    const waitMs = intervalMs * uniformBetween(this.#random, JITTER.low, JITTER.high);
    this.#agenda.add(this.nowMs + waitMs, () => this.#speak(peer));
  }

  #arrive(from: LeanPeer, bytes: Uint8Array, via: "data" | "discovery"): void {
    const port = via === "data" ? DEFAULT_DATA_PORT : DEFAULT_DISCOVERY_PORT;
    const source = { address: from.address, port };
    this.core.receive(this.nowMs, { bytes, from: source, onLink: true, via });
    this.#pump();
  }

  #pump(): void {
    const { transmits, wakeAtMs } = this.core.poll(this.nowMs);
    for (const transmit of transmits) this.#carry(transmit);
    if (wakeAtMs === Number.POSITIVE_INFINITY || wakeAtMs === this.#wakeAtMs) return;
    this.#wakeAtMs = wakeAtMs;
    this.#agenda.add(Math.max(wakeAtMs, this.nowMs), () => {
      if (this.#wakeAtMs !== wakeAtMs) return; // a later poll moved it
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.core.wake(this.nowMs);
      this.#pump();
    });
  }

  #carry({ bytes, destination }: Transmit): void {
    if (datagramType(bytes) === DatagramType.beacon) {
      this.beacons.count += 1;
      this.beacons.bytes += bytes.length;
      this.#intervalMs = decodeBeacon(bytes).intervalMs / JITTER.high;
      return;
    }
    if (datagramType(bytes) !== DatagramType.query || destination.kind !== "unicast") return;
    const asked = this.#byAddress.get(destination.to.address);
    if (asked === undefined) return;
    const answer = asked.answer(decodeQuery(bytes).nonce);
    this.#agenda.add(this.nowMs + 2 * ON_THE_WAY_MS, () => this.#arrive(asked, answer, "data"));
  }
}

/** Somebody who says that he is there, and does nothing else. */
export class LeanPeer {
  readonly name: string;
  readonly address: string;
  readonly #identity: Identity;
  readonly #incarnation: string;
  #sequence = 0;
  #intervalMs = 0;

  constructor(index: number) {
    this.name = `peer ${index}`;
    this.address = `10.77.${(index >> 8) + 1}.${index & 255}`;
    this.#identity = simIdentity(this.name);
    this.#incarnation = index.toString(16).padStart(16, "0");
  }

  /** Device key. */
  get id(): string {
    return this.#identity.device;
  }

  beacon(intervalMs: number): Uint8Array {
    this.#intervalMs = intervalMs;
    this.#sequence += 1;
    return this.#signed(encodeBeacon(this.#said()));
  }

  answer(nonce: string): Uint8Array {
    const beacon = this.#said();
    return this.#signed(encodeAnswer({ nonce, heldUs: 0, announces: true, beacon }));
  }

  #said(): Beacon {
    return {
      device: this.id,
      incarnation: this.#incarnation,
      sequence: this.#sequence,
      startedAtMs: EPOCH_MS,
      intervalMs: Math.ceil(this.#intervalMs * JITTER.high),
      dataPort: DEFAULT_DATA_PORT,
      groups: [],
      name: this.name,
    };
  }

  #signed(unsigned: Uint8Array): Uint8Array {
    return withSignature(unsigned, this.#identity.sign(unsigned));
  }
}
