import { Core, type CoreOptions, type CoreOutput } from "../../src/core/core.js";
import { parseGroupName } from "../../src/core/groups/groupName.js";
import {
  type Address,
  addressKey,
  type CoreEvent,
  type GroupKeys,
  type SendTarget,
  type Transmit,
} from "../../src/core/io.js";
import { uniformBetween } from "../../src/crypto/random.js";
import { DEFAULT_DATA_PORT, DEFAULT_DISCOVERY_PORT } from "../../src/wire/constants.js";
import { decodeUtf8, encodeUtf8, toHex } from "../../src/wire/cursor.js";
import { ReplyStatus } from "../../src/wire/record.js";
import { clearSuite } from "./clearSuite.js";
import { KeptLog } from "./keptLog.js";
import { SeededRandom } from "./seededRandom.js";
import { simIdentity, simVerify } from "./simIdentity.js";

/** What the simulated LAN does to datagrams. Percentages are per datagram and receiver. */
export interface Faults {
  lossPercent: number;
  duplicatePercent: number;
  /** This share is held back by up to `reorderMs`, so that later ones overtake. */
  reorderPercent: number;
  reorderMs: number;
  /** Every datagram takes a time drawn from this range. */
  minDelayMs: number;
  maxDelayMs: number;
}

export const CALM: Faults = {
  lossPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  reorderMs: 20,
  minDelayMs: 0.1,
  maxDelayMs: 0.5,
};

const LOOK_EVERY_MS = 20;

/** Wall clock of the simulation at time 0. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/**
 * A LAN with many cores and no sockets. One seed decides every fault and every core's chance, so
 * that a run is its seed: `trace` of two runs of one seed is the same byte for byte.
 */
export class SimNetwork {
  readonly seed: number;
  readonly faults: Faults;
  readonly nodes: SimNode[] = [];
  /** One line per datagram sent, lost, delivered, and per event. */
  readonly trace: string[] = [];
  datagramsSent = 0;
  /** UDP payload of the datagrams sent. */
  bytesSent = 0;
  datagramsLost = 0;
  /** Hears every datagram as it is sent. */
  tap: (from: SimNode, transmit: Transmit) => void = () => undefined;
  /** Hears every datagram that is lost on its way to a node. */
  tapLost: (to: SimNode, transmit: Transmit) => void = () => undefined;
  /** Multicast to groups is dropped between these two; broadcast and unicast pass. */
  multicastBlocked: (from: SimNode, to: SimNode) => boolean = () => false;
  readonly #random: SeededRandom;
  #queue: Agenda = new Agenda();
  /** Nodes with different labels don't hear each other. */
  readonly #segments = new Map<SimNode, number>();
  #nowMs = 0;

  constructor(seed: number, faults: Partial<Faults> = {}) {
    this.seed = seed;
    this.faults = { ...CALM, ...faults };
    this.#random = new SeededRandom(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return EPOCH_MS + Math.floor(this.#nowMs);
  }

  /** Adds a node that is up at once. Two nodes of one `device` are one key in two places. */
  addNode(name: string, options: Partial<CoreOptions> & { device?: string } = {}): SimNode {
    const address = { address: `10.77.0.${this.nodes.length + 1}`, port: DEFAULT_DATA_PORT };
    const seed = Math.floor(this.#random.uniform() * 2 ** 32);
    const node = new SimNode(this, name, address, seed, options);
    this.nodes.push(node);
    this.pump(node);
    return node;
  }

  /** Cuts the LAN into segments; nodes that are not named stay in segment 0. */
  partition(...segments: SimNode[][]): void {
    this.#segments.clear();
    for (const [label, nodes] of segments.entries()) {
      for (const node of nodes) this.#segments.set(node, label + 1);
    }
  }

  heal(): void {
    this.#segments.clear();
  }

  /** Runs for a span of simulated time. */
  run(spanMs: number): void {
    this.runUntil(() => false, spanMs);
  }

  /** Runs until `done`, at most `spanMs`; true if it was reached. */
  runUntil(done: () => boolean, spanMs: number): boolean {
    const endMs = this.#nowMs + spanMs;
    while (!done()) {
      const next = this.#queue.takeUntil(endMs);
      if (next === undefined) {
        this.#nowMs = endMs;
        return done();
      }
      this.#nowMs = next.atMs;
      next.action();
    }
    return true;
  }

  /** The same, for what costs much to find out: looks now and then alone. */
  runUntilSeen(done: () => boolean, spanMs: number): boolean {
    const endMs = this.#nowMs + spanMs;
    while (!done() && this.#nowMs < endMs) {
      this.run(Math.min(LOOK_EVERY_MS, endMs - this.#nowMs));
    }
    return done();
  }

  /** Lets the node's core say what it wants, and carries it out. Call after every command. */
  pump(node: SimNode): void {
    const output = node.take(this.#nowMs);
    if (output === undefined) return;
    for (const event of output.events) this.trace.push(this.#line(node, describe(event)));
    for (const transmit of output.transmits) this.#transmit(node, transmit);
    if (output.wakeAtMs !== Number.POSITIVE_INFINITY) this.#wakeLater(node, output.wakeAtMs);
  }

  #wakeLater(node: SimNode, atMs: number): void {
    node.wakeAtMs = atMs;
    this.#queue.add(Math.max(atMs, this.#nowMs), () => {
      if (node.wakeAtMs !== atMs || !node.up) return; // a later poll moved it
      node.core.wake(this.#nowMs);
      this.pump(node);
    });
  }

  #transmit(from: SimNode, transmit: Transmit): void {
    const { bytes, destination } = transmit;
    const to = destination.kind === "lan" ? "lan" : addressKey(destination.to);
    this.datagramsSent += 1;
    this.bytesSent += bytes.length;
    this.trace.push(this.#line(from, `-> ${to} ${toHex(bytes)}`));
    this.tap(from, transmit);
    for (const node of this.nodes) {
      if (destination.kind === "unicast" && !node.isAt(destination.to)) continue;
      if (this.#segments.get(node) !== this.#segments.get(from)) continue;
      const isBlocked = destination.kind === "multicast" && this.multicastBlocked(from, node);
      // What a host sends to itself does not pass through the LAN.
      if (isBlocked && node !== from) continue;
      this.#carry(from, node, transmit);
    }
  }

  #carry(from: SimNode, to: SimNode, transmit: Transmit): void {
    // What a host sends to itself is not subject to the LAN.
    const faults = from === to ? CALM : this.faults;
    if (this.#chance(faults.lossPercent)) {
      this.datagramsLost += 1;
      this.trace.push(this.#line(to, "lost"));
      this.tapLost(to, transmit);
      return;
    }
    const copies = this.#chance(faults.duplicatePercent) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      let delayMs = uniformBetween(this.#random, faults.minDelayMs, faults.maxDelayMs);
      if (this.#chance(faults.reorderPercent)) delayMs += faults.reorderMs * this.#random.uniform();
      this.#queue.add(this.#nowMs + delayMs, () => this.#arrive(from.address, to, transmit));
    }
  }

  #arrive(from: Address, to: SimNode, transmit: Transmit): void {
    if (!to.up) return;
    to.core.receive(this.#nowMs, {
      bytes: transmit.bytes,
      from,
      onLink: true,
      via: transmit.destination.kind === "unicast" ? "data" : "discovery",
    });
    this.pump(to);
  }

  #chance(percent: number): boolean {
    return percent > 0 && this.#random.uniform() * 100 < percent;
  }

  #line(node: SimNode, what: string): string {
    return `${this.#nowMs.toFixed(3)} ${node.name} ${what}`;
  }
}

/** One host on the simulated LAN, with a handler for requests and a memory of what happened. */
export class SimNode {
  readonly name: string;
  address: Address;
  up = true;
  wakeAtMs = Number.POSITIVE_INFINITY;
  core: Core;
  /** Everything that the core told, oldest first. */
  readonly events: CoreEvent[] = [];
  /** What its disk keeps of groups: it survives a crash. */
  readonly log = new KeptLog();
  /** Texts that requests of this node were executed with, oldest first. */
  readonly executed: string[] = [];
  /** The reply to a request; null leaves it running. */
  handler: (text: string) => string | null = (text) => `re: ${text}`;
  readonly #network: SimNetwork;
  readonly #options: Partial<CoreOptions> & { device?: string };
  readonly #random: SeededRandom;
  #nextToken = 1;

  constructor(
    network: SimNetwork,
    name: string,
    address: Address,
    seed: number,
    options: Partial<CoreOptions> & { device?: string },
  ) {
    this.#network = network;
    this.name = name;
    this.address = address;
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.core = this.#boot();
  }

  /** The power fails: nothing more is sent or heard. */
  crash(): void {
    this.up = false;
  }

  /** The same device, a new incarnation. */
  restart(): void {
    this.up = true;
    this.core = this.#boot();
    this.#network.pump(this);
  }

  /** The data port is where unicast arrives, at whatever address the node has now. */
  isAt(to: Address): boolean {
    return to.address === this.address.address && to.port === this.address.port;
  }

  // Commands, each followed by what the core wants to say.

  send(to: SimNode, text: string): number {
    return this.#command("text", { kind: "device", id: to.core.id }, text);
  }

  sendTo(address: Address, text: string): number {
    return this.#command("text", { kind: "address", to: address }, text);
  }

  ask(to: SimNode, text: string): number {
    return this.#command("request", { kind: "address", to: to.address }, text);
  }

  cancel(token: number): void {
    this.core.cancel(this.#network.nowMs, token);
    this.#network.pump(this);
  }

  /** A new address: the other interface, or another lease. `tell`: the driver notices it. */
  moveTo(address: string, tell: boolean): void {
    this.address = { ...this.address, address };
    if (!tell) return;
    this.core.interfacesChanged(this.#network.nowMs);
    this.#network.pump(this);
  }

  query(): string {
    const nonce = this.core.query(this.#network.nowMs);
    this.#network.pump(this);
    return nonce;
  }

  join(group: string): string {
    const name = parseGroupName(group, DEFAULT_DISCOVERY_PORT);
    this.core.joinGroup(this.#network.nowMs, name);
    this.#network.pump(this);
    return name.groupId;
  }

  /** A group that is sealed with `keys`. */
  joinSecret(group: string, keys: GroupKeys): string {
    const name = parseGroupName(group, DEFAULT_DISCOVERY_PORT, { secret: true });
    this.core.joinGroup(this.#network.nowMs, name, keys);
    this.#network.pump(this);
    return name.groupId;
  }

  invite(groupId: string, whom: SimNode): void {
    const token = this.#nextToken;
    this.#nextToken += 1;
    const target = { kind: "device" as const, id: whom.core.id };
    this.core.inviteToGroup(this.#network.nowMs, groupId, target, token);
    this.#network.pump(this);
  }

  removeFrom(groupId: string, whom: SimNode): void {
    this.core.removeFromGroup(this.#network.nowMs, groupId, whom.core.id);
    this.#network.pump(this);
  }

  say(groupId: string, text: string): void {
    this.core.say(this.#network.nowMs, groupId, encodeUtf8(text), this.#network.wallMs);
    this.#network.pump(this);
  }

  leave(): void {
    this.core.leave(this.#network.nowMs);
    this.#network.pump(this);
  }

  // What happened.

  ofKind<Kind extends CoreEvent["kind"]>(kind: Kind): Extract<CoreEvent, { kind: Kind }>[] {
    const isKind = (event: CoreEvent): event is Extract<CoreEvent, { kind: Kind }> =>
      event.kind === kind;
    return this.events.filter(isKind);
  }

  /** Texts received from a node, in order. */
  textsFrom(sender: SimNode): string[] {
    const from = this.ofKind("message").filter((event) => event.from.id === sender.core.id);
    return from.map((event) => decodeUtf8(event.body));
  }

  /** Lines received from a node in a group, in order. */
  linesFrom(sender: SimNode, groupId: string): string[] {
    return this.ofKind("groupMessage")
      .filter((event) => event.from.id === sender.core.id && event.groupId === groupId)
      .map((event) => decodeUtf8(event.body));
  }

  /** For the network: the output of the core, with requests answered. */
  take(nowMs: number): CoreOutput | undefined {
    if (!this.up) return undefined;
    const output = this.core.poll(nowMs);
    const requests = output.events.filter((event) => event.kind === "request");
    this.log.settle(output.events);
    this.events.push(...output.events);
    if (requests.length === 0) return output;
    for (const request of requests) {
      const text = decodeUtf8(request.body);
      this.executed.push(text);
      const answer = this.handler(text);
      if (answer === null) continue;
      this.core.reply(nowMs, {
        key: request.key,
        status: ReplyStatus.ok,
        body: encodeUtf8(answer),
        sentAtMs: this.#network.wallMs,
      });
    }
    const more = this.core.poll(nowMs);
    this.log.settle(more.events);
    this.events.push(...more.events);
    return {
      events: [...output.events, ...more.events],
      transmits: [...output.transmits, ...more.transmits],
      wakeAtMs: more.wakeAtMs,
    };
  }

  #command(kind: "text" | "request", target: SendTarget, text: string): number {
    const token = this.#nextToken;
    this.#nextToken += 1;
    const { nowMs, wallMs } = this.#network;
    const body = encodeUtf8(text);
    this.core.send(nowMs, { token, target, kind, body, sentAtMs: wallMs });
    this.#network.pump(this);
    return token;
  }

  #boot(): Core {
    const { device = this.name, ...options } = this.#options;
    return new Core(this.#network.nowMs, {
      identity: simIdentity(device),
      verify: simVerify,
      handshakeSuite: clearSuite,
      random: this.#random,
      name: this.name,
      dataPort: this.address.port,
      startedAtMs: this.#network.wallMs,
      announce: true,
      groupLog: this.log,
      ...options,
    });
  }
}

/** Actions in the order of their time, and of their entry where times are equal. */
class Agenda {
  readonly #heap: { atMs: number; order: number; action: () => void }[] = [];
  #order = 0;

  add(atMs: number, action: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order, action });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) break;
      child = parent;
    }
  }

  takeUntil(endMs: number): { atMs: number; action: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > endMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && last !== first) {
      heap[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const smaller = this.#isLater(left, right) ? right : left;
      if (!this.#swapIfLater(parent, smaller)) return;
      parent = smaller;
    }
  }

  #isLater(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.atMs > second.atMs || (first.atMs === second.atMs && first.order > second.order);
  }

  #swapIfLater(a: number, b: number): boolean {
    if (!this.#isLater(a, b)) return false;
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    this.#heap[a] = second;
    this.#heap[b] = first;
    return true;
  }
}

function describe(event: CoreEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  );
}
