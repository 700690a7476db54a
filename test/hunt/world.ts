import process from "node:process";
import type { Transmit } from "../../src/core/io.js";
import type { MessengerApi, MessengerEvent } from "../../src/messenger/types.js";
import type { LanHandlers, LanOptions } from "../../src/net/lan.js";
import { SeededRandom } from "../support/seededRandom.js";
import {
  CALM,
  destinationText,
  type Faults,
  SimMedium,
  type Station,
} from "../support/simMedium.js";
import { JournalDisk } from "./diskJournal.js";
import type { Timeline } from "./hostClock.js";
import type { HostPlan } from "./hostPlan.js";
import { HuntHost } from "./huntHost.js";
import { Ledger } from "./ledger.js";
import { SimLan } from "./simLan.js";

/** Actions of one moment: more is a loop that lets no time pass. */
const MOST_AT_ONCE = 20_000;

/** True if nothing passes from one host to another now. */
export type Cut = (from: Station, to: Station, transmit: Transmit) => boolean;

/** What arrives of a datagram. */
export type Tampering = (from: Station, to: Station, transmit: Transmit) => Transmit;

/**
 * Whole messengers on a simulated LAN, under one clock. One seed decides everything that chance
 * decides: two runs of one plan are the same, step by step.
 */
export class HuntWorld {
  readonly seed: number;
  readonly hosts: HuntHost[] = [];
  /** Second machines with the key of a host. Bounded by the plan. */
  readonly clones: HuntHost[] = [];
  readonly ledger: Ledger;
  /** Of every pair of hosts, unless `linkFaults` has something else for it. */
  weather: Faults = CALM;
  /** Bounded by the faults of the plan that are on. */
  readonly cuts = new Set<Cut>();
  /** What happens to datagrams of hosts on their way. Bounded by the faults that are on. */
  readonly tampering = new Set<Tampering>();
  /** Sees every datagram as it arrives. Bounded by the invariants. */
  readonly arrivals = new Set<(from: Station, to: Station, transmit: Transmit) => void>();
  /** Hears every datagram of a host as it is sent. Bounded by the plan. */
  readonly taps = new Set<(from: SimLan, transmit: Transmit) => void>();
  /** How often what happened: faults, work, and what the cores counted. */
  readonly stats = new Map<string, number>();
  /** When the last fault ended; undefined before. */
  peaceSinceMs: number | undefined;
  datagramsSent = 0;
  bytesSent = 0;
  /** One line per step and event, and per datagram if asked for. */
  readonly trace: string[] = [];
  readonly #traced: { readonly datagrams: boolean };
  readonly #medium: SimMedium<Station>;
  readonly #chances = new Map<string, SeededRandom>();
  /** By name of sender and receiver: asked for with every datagram. */
  readonly #linkChances = new Map<string, Map<string, SeededRandom>>();
  /** Bounded by the hosts. */
  readonly #outside = new Set<Promise<unknown>>();

  constructor(seed: number, traced: { readonly datagrams: boolean } = { datagrams: false }) {
    this.seed = seed;
    this.#traced = traced;
    this.#medium = new SimMedium<Station>({
      faults: () => this.weather,
      passes: (from, to, transmit) => !this.#isCut(from, to, transmit),
      random: (from, to) => this.#linkChance(from.name, to.name),
      sent: (from, transmit) => this.#sent(from, transmit),
      lost: () => this.count("datagrams lost"),
      arriving: (from, to, transmit) => this.#arriving(from, to, transmit),
    });
    this.ledger = new Ledger(() => this.nowMs);
  }

  get nowMs(): number {
    return this.#medium.nowMs;
  }

  get timeline(): Timeline {
    return this.#medium;
  }

  /** Chance of its own for everything that has a name, the same in every run of the seed. */
  chance(name: string): SeededRandom {
    let chance = this.#chances.get(name);
    if (chance === undefined) {
      chance = new SeededRandom(this.seed ^ hashOf(name));
      this.#chances.set(name, chance);
    }
    return chance;
  }

  /** Of each pair its own: what is left out of a plan then changes little elsewhere. */
  #linkChance(from: string, to: string): SeededRandom {
    let chances = this.#linkChances.get(from);
    if (chances === undefined) {
      chances = new Map();
      this.#linkChances.set(from, chances);
    }
    let chance = chances.get(to);
    if (chance === undefined) {
      chance = this.chance(`${from} to ${to}`);
      chances.set(to, chance);
    }
    return chance;
  }

  #isCut(from: Station, to: Station, transmit: Transmit): boolean {
    for (const cut of this.cuts) if (cut(from, to, transmit)) return true;
    return false;
  }

  addHost(plan: HostPlan): HuntHost {
    const host = new HuntHost(this, plan, this.seed ^ hashOf(plan.name));
    this.hosts.push(host);
    return host;
  }

  /** Another machine with the same key, which joins the same open groups and keeps nothing of it. */
  cloneOf(original: HuntHost): HuntHost {
    const name = `${original.name}'s clone ${this.clones.length + 1}`;
    const plan = {
      ...original.plan,
      name,
      address: `10.77.230.${this.clones.length + 1}`,
      disk: new JournalDisk(this.chance(`disk of ${name}`)),
    };
    const clone = new HuntHost(this, plan, this.seed ^ hashOf(name));
    for (const [label, secret] of original.groups) if (!secret) clone.groups.set(label, secret);
    this.clones.push(clone);
    this.ledger.cloned.add(original);
    return clone;
  }

  openLan(host: HuntHost, options: LanOptions, handlers: LanHandlers): SimLan {
    const lan = new SimLan({
      name: host.name,
      card: host.card,
      options,
      handlers,
      dataPort: this.#freePort(host, options.dataPort),
      send: (from, transmit) => {
        if (host.sending()) this.#medium.send(from, host.dialect.worded(transmit));
      },
      whenRunning: (read) => host.machine.whenRunning(read),
      closed: (gone) => {
        const { stations } = this.#medium;
        stations.splice(stations.indexOf(gone), 1);
      },
    });
    this.#medium.stations.push(lan);
    return lan;
  }

  /** Another user of the machine may have the wanted one. */
  #freePort(host: HuntHost, wanted: number): number {
    const isTaken = (port: number): boolean =>
      this.#medium.stations.some(
        ({ address }) => address.address === host.card.address && address.port === port,
      );
    if (!isTaken(wanted)) return wanted;
    this.count("data port taken");
    for (let port = 40_000; ; port += 1) if (!isTaken(port)) return port;
  }

  /** A datagram from outside every host, as an attacker on the LAN sends it. */
  inject(from: Station, transmit: Transmit): void {
    this.#medium.send(from, transmit);
  }

  /** Something else than a host hears what is on the LAN, until it is told to be gone. */
  listen(station: Station): () => void {
    const { stations } = this.#medium;
    stations.push(station);
    return () => {
      const at = stations.indexOf(station);
      if (at !== -1) stations.splice(at, 1);
    };
  }

  /** Takes place at a time of the simulation, or now if that is over. */
  at(atMs: number, action: () => void): void {
    this.#medium.agenda.add(Math.max(atMs, this.nowMs), action);
  }

  /** Lets time pass: every action in turn, and what it sets off in full before the next. */
  async run(spanMs: number): Promise<void> {
    const endMs = this.nowMs + spanMs;
    let atMs = this.nowMs;
    let actions = 0;
    await turnOfEventLoop();
    do {
      await endOfMicrotasks();
      if (this.#outside.size > 0) await this.#outsideDone();
      actions = atMs === this.nowMs ? actions + 1 : 0;
      atMs = this.nowMs;
      if (actions > MOST_AT_ONCE) {
        this.ledger.fault("timePasses", `${actions} actions at ${atMs}`);
        return;
      }
    } while (this.#medium.step(endMs));
  }

  /** Work of the real machine: no time of the simulation passes until it is done. */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside.add(work);
    try {
      return await work;
    } finally {
      this.#outside.delete(work);
    }
  }

  async #outsideDone(): Promise<void> {
    while (this.#outside.size > 0) {
      await Promise.allSettled(this.#outside);
      await turnOfEventLoop();
    }
  }

  told(host: HuntHost, run: number, event: MessengerEvent): void {
    this.ledger.told(host, run, event);
    this.count(`event ${eventName(event)}`);
    this.note(host.name, `${eventName(event)} ${brief(event)}`);
  }

  /** Takes the counts of a messenger that ends into the statistics. */
  ended(messenger: MessengerApi): void {
    for (const [name, count] of Object.entries(messenger.status().counters)) {
      this.count(`core ${name}`, count);
    }
  }

  count(what: string, times = 1): void {
    this.stats.set(what, (this.stats.get(what) ?? 0) + times);
  }

  note(who: string, what: string): void {
    this.trace.push(`${this.nowMs.toFixed(3)} ${who} ${what}`);
  }

  #arriving(from: Station, to: Station, sent: Transmit): Transmit {
    let transmit = sent;
    if (from instanceof SimLan)
      for (const tamper of this.tampering) transmit = tamper(from, to, transmit);
    for (const see of this.arrivals) see(from, to, transmit);
    return transmit;
  }

  #sent(from: Station, transmit: Transmit): void {
    if (this.#traced.datagrams) {
      this.note(
        from.name,
        `${destinationText(transmit.destination)} type ${transmit.bytes[2]}, ${transmit.bytes.length} bytes`,
      );
    }
    // What an attacker says is no host's.
    if (!(from instanceof SimLan)) return;
    this.datagramsSent += 1;
    this.bytesSent += transmit.bytes.length;
    for (const tap of this.taps) tap(from, transmit);
  }

  end(): void {
    for (const host of [...this.hosts, ...this.clones]) {
      host.kill();
      host.plan.disk.end();
    }
  }
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  return hash >>> 0;
}

function eventName(event: MessengerEvent): string {
  switch (event.type) {
    case "presence":
      return `presence ${event.presence.event}`;
    case "delivery":
      return `delivery ${event.progress.status}`;
    case "warning":
      return `warning ${event.warning.code}`;
    default:
      return event.type;
  }
}

function brief(event: MessengerEvent): string {
  switch (event.type) {
    case "message":
      return `${event.message.group ?? ""} "${event.message.text.slice(0, 60)}"`;
    case "presence":
      return `${event.presence.group ?? "roster"} ${event.presence.peer.name}`;
    case "delivery":
      return event.progress.id;
    case "gap":
      return `${event.gap.group} ${event.gap.from.name} ${event.gap.count}`;
    case "warning":
      return event.warning.message;
    default:
      return "";
  }
}

/**
 * Everything that promises set off is done: Node takes the next tick when no microtask is left. Much
 * cheaper than a turn of the event loop, and there is one for every datagram.
 */
function endOfMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
