import { Core, type CoreOptions, type CoreOutput } from "../../src/core/core.js";
import {
  type Address,
  type CoreEvent,
  type GroupKeys,
  type ReceivedDatagram,
  type RequestKey,
  type Transmit,
} from "../../src/core/io.js";
import type { Limits } from "../../src/core/limits.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  MAX_AMPLIFICATION,
  MAX_DATAGRAM_BYTES,
  MAX_PROBE_BYTES,
} from "../../src/wire/constants.js";
import { datagramType } from "../../src/wire/header.js";
import { ReplyStatus } from "../../src/wire/record.js";
import { FIRST_KEYS, SECRET_GROUP, TEST_GROUP } from "../support/groupBus.js";
import { KeptLog } from "../support/keptLog.js";
import type { SeededRandom } from "../support/seededRandom.js";

const VICTIM: Address = { address: "10.0.0.1", port: DEFAULT_DATA_PORT };
export const HONEST: Address = { address: "10.0.0.2", port: DEFAULT_DATA_PORT };
/** Of addresses that nobody is at: only forged datagrams come from there. */
export const NOBODY_PREFIX = "10.66.";
/** Wall clock at monotonic 0. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** What the honest node writes begins so, and nothing else does. */
const HONEST_BEGINNINGS = ["talk ", "said at "] as const;

const PASSAGE_MS = 0.2;
/** Datagrams that are remembered, to be said again. */
const MOST_SEEN = 400;
/** A core that wants to be woken at once so often in a row makes no progress. */
const MOST_WAKES_AT_ONCE = 100;
/** Pacing alone takes a wake-up for every few datagrams. */
const MOST_WAKES = { atOnce: 2_000, perMs: 4 };
/**
 * Datagrams to the attackers while they only answer what they are asked. Acknowledgements, probes
 * and repeats are a few a second; two that set each other off are hundreds.
 */
const REST = { beforeMs: 5_000, spanMs: 5_000, mostDatagrams: 150 };
const MOST_HELD_GROUP_BYTES = 16 * 1024 * 1024;

/** A core under test, with what a driver does for it. */
export class Host {
  readonly core: Core;
  readonly at: Address;
  readonly log = new KeptLog();
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Of the secret group. */
  keys: GroupKeys = FIRST_KEYS;
  expelled = false;
  /** Former keys of the secret group, the first ones too. */
  readonly formerKeys: string[] = [FIRST_KEYS.key];
  /** Requests of others than the honest node: the application takes its time. */
  readonly running: RequestKey[] = [];
  /** Told since it was last emptied. */
  readonly events: CoreEvent[] = [];
  eventCount = 0;
  transmitCount = 0;

  constructor(at: Address, options: Omit<CoreOptions, "groupLog">) {
    this.at = at;
    this.core = new Core(0, { ...options, groupLog: this.log });
  }
}

export interface WorldOptions {
  readonly victim: Omit<CoreOptions, "groupLog">;
  readonly honest: Omit<CoreOptions, "groupLog">;
}

/** The limits of a core under attack: the usual ones, or such as are soon reached. */
export function drawnLimits(random: SeededRandom): Partial<Limits> {
  if (random.uniform() < 0.4) return {};
  return {
    peers: 32,
    addressesPerPeer: 2,
    membersPerGroup: 16,
    halfOpenHandshakes: 16,
    sessions: 16,
    queuedMessagesPerPeer: 64,
    queuedBytesPerPeer: 1024 * 1024,
    reassemblyBytesPerPeer: 128 * 1024,
    reassemblyBytes: 256 * 1024,
    repliesPerPeer: 32,
    groupLogDatagrams: 300,
    heldGroupDatagrams: 64,
  };
}

/**
 * A victim and an honest node on a LAN without faults, and a clock. Both are in an open and a
 * secret group. Whoever attacks puts datagrams in and hears what the victim sends.
 */
export class CoreWorld {
  nowMs = 0;
  readonly victim: Host;
  readonly honest: Host;
  /** What the victim received, the latest ones. */
  readonly seen: Uint8Array[] = [];
  /** Hears what the victim sends by unicast to anybody but the honest node. */
  onUnicast: (bytes: Uint8Array, to: Address) => void = () => undefined;
  /** What is on its way, by time of arrival. */
  readonly #agenda: { atMs: number; arrive: () => void }[] = [];
  /** Bytes by address, of those that nobody is at. */
  readonly #receivedFrom = new Map<string, number>();
  readonly #sentTo = new Map<string, number>();
  #seenCount = 0;
  /** Ids of messages of the honest node; as many as it wrote. */
  readonly #shown = new Set<string>();
  /** From the victim to anybody but the honest node. */
  #unicasts = 0;

  constructor({ victim, honest }: WorldOptions) {
    this.victim = new Host(VICTIM, victim);
    this.honest = new Host(HONEST, honest);
    for (const host of [this.victim, this.honest]) {
      host.core.joinGroup(0, TEST_GROUP);
      host.core.joinGroup(0, SECRET_GROUP, FIRST_KEYS);
      this.#settle(host);
    }
    this.pass(4_000);
  }

  get wallMs(): number {
    return EPOCH_MS + Math.floor(this.nowMs);
  }

  /** A datagram arrives at the victim, whose memory is used for something else after the turn. */
  receive(datagram: ReceivedDatagram): void {
    const { address } = datagram.from;
    const { bytes } = datagram;
    if (address.startsWith(NOBODY_PREFIX)) {
      this.#receivedFrom.set(address, (this.#receivedFrom.get(address) ?? 0) + bytes.length);
    }
    this.#remember(bytes);
    const lent = Uint8Array.from(bytes);
    this.victim.core.receive(this.nowMs, { ...datagram, bytes: lent });
    this.#settle(this.victim);
    lent.fill(0);
  }

  /** The same, a moment later. */
  receiveSoon(datagram: ReceivedDatagram): void {
    this.#later(() => this.receive(datagram));
  }

  /** A command of the application of a host. */
  command(host: Host, say: (core: Core) => void): void {
    say(host.core);
    this.#settle(host);
  }

  /** Lets time pass, with everything that is due in it. */
  pass(spanMs: number): void {
    const endMs = this.nowMs + spanMs;
    let wakes = 0;
    let atOnce = 0;
    for (;;) {
      const arrivalMs = this.#agenda[0]?.atMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(arrivalMs, this.victim.wakeAtMs, this.honest.wakeAtMs);
      if (nextMs > endMs) break;
      atOnce = nextMs <= this.nowMs ? atOnce + 1 : 0;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (arrivalMs <= this.nowMs) {
        atOnce = 0;
        this.#agenda.shift()?.arrive();
        continue;
      }
      wakes += 1;
      this.#wakeDue();
      if (atOnce > MOST_WAKES_AT_ONCE)
        throw new Error("wants to be woken at once, again and again");
      if (wakes > MOST_WAKES.atOnce + MOST_WAKES.perMs * spanMs) {
        throw new Error(`was woken ${wakes} times in ${spanMs} ms`);
      }
    }
    this.nowMs = endMs;
  }

  /** Nobody says anything of his own accord: then hardly anything is said. Throws. */
  rest(): void {
    this.pass(REST.beforeMs);
    const before = this.#unicasts;
    this.pass(REST.spanMs);
    const sent = this.#unicasts - before;
    if (sent <= REST.mostDatagrams) return;
    throw new Error(`${sent} datagrams in ${REST.spanMs} ms of rest`);
  }

  /** The machines were asleep: nobody is woken meanwhile, and what was on its way is late. */
  sleep(spanMs: number): void {
    this.nowMs += spanMs;
    this.#wakeDue();
  }

  /** What must hold at any time. Throws. */
  check(): void {
    const { core } = this.victim;
    const { limits } = core;
    const usage = core.usage();
    const bounds: Record<string, number> = {
      peers: limits.peers,
      sessions: limits.sessions,
      halfOpenHandshakes: limits.halfOpenHandshakes,
      reassemblyBytes: limits.reassemblyBytes,
      groupMembers: limits.groups * limits.membersPerGroup,
      groupHeldBytes: MOST_HELD_GROUP_BYTES,
    };
    for (const [what, most] of Object.entries(bounds)) {
      const used = usage[what] ?? Number.NaN;
      if (!(used >= 0 && used <= most))
        throw new Error(`${what}: ${used}, and the limit is ${most}`);
    }
    for (const groupId of this.victim.log.groupIds()) this.#checkLog(groupId);
    for (const [address, sent] of this.#sentTo) {
      const received = this.#receivedFrom.get(address) ?? 0;
      if (sent <= MAX_AMPLIFICATION * received) continue;
      throw new Error(`${sent} bytes to ${address}, from which ${received} came`);
    }
  }

  #checkLog(groupId: string): void {
    const most = this.victim.core.limits.groupLogDatagrams;
    const ranges = this.victim.log.streams(groupId).flatMap((stream) => stream.ranges);
    const kept = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    if (kept > most) throw new Error(`${kept} datagrams are kept, and the limit is ${most}`);
  }

  #wakeDue(): void {
    for (const host of [this.victim, this.honest]) {
      if (host.wakeAtMs > this.nowMs) continue;
      host.core.wake(this.nowMs);
      this.#settle(host);
    }
  }

  /** What a driver does after a turn: events first, then datagrams, then the next wake-up. */
  #settle(host: Host): void {
    for (let output = this.#poll(host); ; output = this.#poll(host)) {
      for (const transmit of output.transmits) this.#carry(host, transmit);
      host.transmitCount += output.transmits.length;
      if (!this.#apply(host, output.events)) break;
    }
  }

  #poll(host: Host): CoreOutput {
    const output = host.core.poll(this.nowMs);
    if (Number.isNaN(output.wakeAtMs)) throw new Error("wakeAtMs is not a number");
    host.wakeAtMs = output.wakeAtMs;
    host.log.settle(output.events);
    host.eventCount += output.events.length;
    return output;
  }

  /** True if the application said something about it. */
  #apply(host: Host, events: readonly CoreEvent[]): boolean {
    let replied = false;
    for (const event of events) {
      if (host === this.victim) this.#assertSaid(event);
      host.events.push("body" in event ? { ...event, body: Uint8Array.from(event.body) } : event);
      if (event.kind === "groupKeys" && event.groupId === SECRET_GROUP.groupId) {
        host.formerKeys.push(host.keys.key);
        host.keys = event.keys;
      }
      if (event.kind === "groupExpelled") host.expelled = true;
      if (event.kind === "examinationAsked") {
        host.core.readyForExamination(this.nowMs, event.key, this.wallMs);
        replied = true;
      }
      if (event.kind !== "request") continue;
      const other = host === this.victim ? this.honest : this.victim;
      if (event.from.id !== other.core.id) {
        host.running.push(event.key);
        continue;
      }
      const { key, body } = event;
      const reply = { key, status: ReplyStatus.ok, body: Uint8Array.from(body) };
      host.core.reply(this.nowMs, { ...reply, sentAtMs: this.wallMs });
      replied = true;
    }
    return replied;
  }

  /** What the honest node is said to have written it did write, and it comes once. */
  #assertSaid(event: CoreEvent): void {
    if (event.kind !== "message" && event.kind !== "groupMessage" && event.kind !== "request")
      return;
    if (event.from.id !== this.honest.core.id) return;
    const text = Buffer.from(event.body).toString();
    const isOwn = HONEST_BEGINNINGS.some((beginning) => text.startsWith(beginning));
    if (!isOwn) throw new Error(`the honest node never said ${JSON.stringify(text)}`);
    if (this.#shown.has(event.messageId)) throw new Error(`shown twice: ${event.messageId}`);
    this.#shown.add(event.messageId);
  }

  #carry(from: Host, { bytes, destination }: Transmit): void {
    const isProbe = datagramType(bytes) === DatagramType.probe;
    const maxBytes = isProbe ? MAX_PROBE_BYTES : MAX_DATAGRAM_BYTES;
    if (bytes.length > maxBytes) throw new Error(`sends ${bytes.length} bytes`);
    const other = from === this.victim ? this.honest : this.victim;
    if (destination.kind === "unicast") {
      const { address, port } = destination.to;
      if (address === other.at.address && port === other.at.port) {
        this.#deliver(from, other, bytes, "data");
      } else if (from === this.victim) {
        if (address.startsWith(NOBODY_PREFIX)) {
          this.#sentTo.set(address, (this.#sentTo.get(address) ?? 0) + bytes.length);
        }
        this.#unicasts += 1;
        this.onUnicast(bytes, destination.to);
      }
      return;
    }
    const via = destination.kind === "multicast" ? "group" : "discovery";
    this.#deliver(from, other, bytes, via);
    // What one sends to everybody comes back.
    this.#deliver(from, from, bytes, via);
  }

  #deliver(from: Host, to: Host, bytes: Uint8Array, via: ReceivedDatagram["via"]): void {
    const datagram = { bytes: Uint8Array.from(bytes), from: from.at, onLink: true, via };
    this.#later(() => {
      if (to === this.victim) {
        this.receive(datagram);
        return;
      }
      to.core.receive(this.nowMs, datagram);
      this.#settle(to);
      datagram.bytes.fill(0);
    });
  }

  #later(arrive: () => void): void {
    this.#agenda.push({ atMs: this.nowMs + PASSAGE_MS, arrive });
  }

  #remember(bytes: Uint8Array): void {
    this.seen[this.#seenCount % MOST_SEEN] = Uint8Array.from(bytes);
    this.#seenCount += 1;
  }
}
