import { Core, type CoreOptions, type CoreOutput } from "../../src/core/core.js";
import { parseGroupName } from "../../src/core/groups/groupName.js";
import type {
  Address,
  CoreEvent,
  Destination,
  GroupKeys,
  SendTarget,
  Transmit,
} from "../../src/core/io.js";
import { DEFAULT_DATA_PORT, DEFAULT_DISCOVERY_PORT } from "../../src/wire/constants.js";
import { decodeUtf8, encodeUtf8, toHex } from "../../src/wire/cursor.js";
import { ReplyStatus } from "../../src/wire/record.js";
import { clearSuite } from "./clearSuite.js";
import { KeptLog } from "./keptLog.js";
import { SeededRandom } from "./seededRandom.js";
import { simIdentity, simVerify } from "./simIdentity.js";
import {
  CALM,
  destinationText,
  EPOCH_MS,
  type Faults,
  SimMedium,
  type Station,
} from "./simMedium.js";

const LOOK_EVERY_MS = 20;

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
  /** Drops what it says true to. */
  drops: (from: SimNode, to: SimNode, transmit: Transmit) => boolean = () => false;
  readonly #random: SeededRandom;
  readonly #medium: SimMedium<SimNode>;
  /** Nodes with different labels don't hear each other. */
  readonly #segments = new Map<SimNode, number>();

  constructor(seed: number, faults: Partial<Faults> = {}) {
    this.seed = seed;
    this.faults = { ...CALM, ...faults };
    this.#random = new SeededRandom(seed);
    this.#medium = new SimMedium({
      faults: () => this.faults,
      random: () => this.#random,
      passes: (from, to, transmit) =>
        this.#segments.get(to) === this.#segments.get(from) &&
        !(transmit.destination.kind === "multicast" && this.multicastBlocked(from, to)) &&
        !this.drops(from, to, transmit),
      lost: (to, transmit) => {
        this.datagramsLost += 1;
        this.#note(to, "lost");
        this.tapLost(to, transmit);
      },
    });
  }

  get nowMs(): number {
    return this.#medium.nowMs;
  }

  get wallMs(): number {
    return EPOCH_MS + Math.floor(this.nowMs);
  }

  /** Adds a node that is up at once. Two nodes of one `device` are one key in two places. */
  addNode(name: string, options: Partial<CoreOptions> & { device?: string } = {}): SimNode {
    const address = { address: `10.77.0.${this.nodes.length + 1}`, port: DEFAULT_DATA_PORT };
    const seed = Math.floor(this.#random.uniform() * 2 ** 32);
    const node = new SimNode(this, name, address, seed, options);
    this.nodes.push(node);
    this.#medium.stations.push(node);
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
    const endMs = this.nowMs + spanMs;
    while (!done()) {
      if (!this.#medium.step(endMs)) return done();
    }
    return true;
  }

  /** The same, for what costs much to find out: looks now and then alone. */
  runUntilSeen(done: () => boolean, spanMs: number): boolean {
    const endMs = this.nowMs + spanMs;
    while (!done() && this.nowMs < endMs) {
      this.run(Math.min(LOOK_EVERY_MS, endMs - this.nowMs));
    }
    return done();
  }

  /** Lets the node's core say what it wants, and carries it out. Call after every command. */
  pump(node: SimNode): void {
    const output = node.take(this.nowMs);
    if (output === undefined) return;
    for (const event of output.events) this.#note(node, describe(event));
    for (const { bytes, destination } of output.transmits) {
      this.transmit(node, { bytes: node.wording(bytes), destination });
    }
    if (output.wakeAtMs !== Number.POSITIVE_INFINITY) this.#wakeLater(node, output.wakeAtMs);
  }

  #wakeLater(node: SimNode, atMs: number): void {
    node.wakeAtMs = atMs;
    this.#medium.agenda.add(Math.max(atMs, this.nowMs), () => {
      if (node.wakeAtMs !== atMs || !node.up) return; // a later poll moved it
      node.core.wake(this.nowMs);
      this.pump(node);
    });
  }

  /** Carries what a node sends, or what it never would. */
  transmit(from: SimNode, transmit: Transmit): void {
    const { bytes, destination } = transmit;
    this.datagramsSent += 1;
    this.bytesSent += bytes.length;
    this.#note(from, `${destinationText(destination)} ${toHex(bytes)}`);
    this.tap(from, transmit);
    this.#medium.send(from, transmit);
  }

  #note(who: SimNode, what: string): void {
    this.trace.push(`${this.nowMs.toFixed(3)} ${who.name} ${what}`);
  }
}

/** One host on the simulated LAN, with a handler for requests and a memory of what happened. */
export class SimNode implements Station {
  readonly name: string;
  address: Address;
  up = true;
  /** What becomes of the datagrams of its core before they leave. */
  wording: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  wakeAtMs = Number.POSITIVE_INFINITY;
  core: Core;
  /** Everything that the core told, oldest first. */
  readonly events: CoreEvent[] = [];
  /** What its disk keeps of groups: it survives a crash. */
  readonly log = new KeptLog();
  /** Texts that requests of this node were executed with, oldest first. */
  readonly executed: string[] = [];
  /** Of its wall clock, as examinations tell it. */
  clockAheadMs = 0;
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

  listensTo(destination: Destination): boolean {
    return destination.kind !== "unicast" || this.isAt(destination.to);
  }

  receive({ bytes, destination }: Transmit, from: Address): void {
    if (!this.up) return;
    const via = destination.kind === "unicast" ? "data" : "discovery";
    this.core.receive(this.#network.nowMs, { bytes, from, onLink: true, via });
    this.#network.pump(this);
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

  examine(to: SimNode): number {
    const token = this.#nextToken;
    this.#nextToken += 1;
    this.core.examine(this.#network.nowMs, { kind: "device", id: to.core.id }, token);
    this.#network.pump(this);
    return token;
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
    const examiners = output.events.filter((event) => event.kind === "examinationAsked");
    this.log.settle(output.events);
    this.events.push(...output.events);
    if (requests.length === 0 && examiners.length === 0) return output;
    for (const { key } of examiners) {
      this.core.readyForExamination(nowMs, key, this.#network.wallMs + this.clockAheadMs);
    }
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

function describe(event: CoreEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  );
}
