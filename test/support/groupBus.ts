import { type CoreContext, TRUST_NOTHING } from "../../src/core/context.js";
import { Counters } from "../../src/core/counters.js";
import { parseGroupName } from "../../src/core/groups/groupName.js";
import { Groups } from "../../src/core/groups/groups.js";
import {
  type CoreEvent,
  Outputs,
  type ReceivedDatagram,
  type Transmit,
} from "../../src/core/io.js";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.js";
import { SourceGate } from "../../src/core/sourceGate.js";
import { identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { randomHex } from "../../src/crypto/random.js";
import { DatagramType } from "../../src/wire/constants.js";
import { decodeUtf8, encodeUtf8 } from "../../src/wire/cursor.js";
import { datagramType } from "../../src/wire/header.js";
import { SeededRandom } from "./seededRandom.js";

export const TEST_GROUP = parseGroupName("224.0.1.100", 22401);

export type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { kind: Kind }>;

/** A node that has groups and nothing else. */
export class GroupNode {
  readonly context: CoreContext;
  readonly groups: Groups;
  readonly address: string;
  readonly events: CoreEvent[] = [];
  readonly sent: (Transmit & { readonly atMs: number })[] = [];
  verifications = 0;
  #messageSequence = 0;

  constructor(
    index: number,
    random: SeededRandom,
    options: { readonly limits?: Partial<Limits>; readonly deviceSeed?: number } = {},
  ) {
    this.address = `10.0.0.${index}`;
    this.context = {
      identity: identityFromSeed(new Uint8Array(32).fill(options.deviceSeed ?? index)),
      verify: (device, message, signature) => {
        this.verifications += 1;
        return verifyEd25519(device, message, signature);
      },
      trust: TRUST_NOTHING,
      gate: new SourceGate({ ...DEFAULT_LIMITS, ...options.limits }),
      random,
      incarnation: randomHex(random, 8),
      startedAtMs: 1_700_000_000_000,
      name: `n${index}`,
      dataPort: 22400,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      counters: new Counters(),
      outputs: new Outputs(),
    };
    this.groups = new Groups(this.context, {
      addressOf: () => undefined,
      isPresent: () => true,
      challenge: () => undefined,
      sendKey: () => undefined,
      cancelKey: () => undefined,
    });
  }

  say(nowMs: number, text: string): void {
    this.#messageSequence += 1;
    const body = encodeUtf8(text);
    const sentAtMs = 1_700_000_000_000 + Math.round(nowMs);
    const messageSequence = this.#messageSequence;
    this.groups.say(TEST_GROUP.groupId, { body, sentAtMs, messageSequence });
  }

  of<Kind extends CoreEvent["kind"]>(kind: Kind): EventOf<Kind>[] {
    return this.events.filter((event): event is EventOf<Kind> => event.kind === kind);
  }

  /** What it heard from `from`, or from everybody. */
  texts(from?: GroupNode): string[] {
    return this.of("groupMessage")
      .filter((event) => from === undefined || event.from.id === from.context.identity.device)
      .map((event) => decodeUtf8(event.body));
  }

  sentOf(type: number): Uint8Array[] {
    return this.sent.map(({ bytes }) => bytes).filter((bytes) => datagramType(bytes) === type);
  }

  /** As the others receive what this node sends. */
  received(bytes: Uint8Array): ReceivedDatagram {
    return { bytes, from: { address: this.address, port: 50_000 }, onLink: true, via: "group" };
  }
}

/** What the bus does to one datagram for one receiver: when each copy arrives. */
export type Weather = (passage: {
  readonly from: GroupNode;
  readonly to: GroupNode;
  readonly bytes: Uint8Array;
}) => readonly number[];

/** A multicast LAN with a clock of its own: everything in it follows from the seed. */
export class GroupBus {
  nowMs = 0;
  readonly random: SeededRandom;
  readonly nodes: GroupNode[] = [];
  /** Delays of the copies, milliseconds; none for lost. */
  weather: Weather = () => [0.2];
  #inFlight: { atMs: number; order: number; to: GroupNode; datagram: ReceivedDatagram }[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  add(options?: { readonly limits?: Partial<Limits>; readonly deviceSeed?: number }): GroupNode {
    const node = new GroupNode(this.nodes.length + 1, this.random, options);
    this.nodes.push(node);
    return node;
  }

  /** Nodes that are members already, and know one another. */
  joined(count: number, options?: { readonly limits?: Partial<Limits> }): GroupNode[] {
    const nodes = Array.from({ length: count }, () => this.add(options));
    for (const node of nodes) node.groups.join(this.nowMs, TEST_GROUP);
    this.run(3000);
    return nodes;
  }

  /** Removes a node as a crash does. */
  crash(node: GroupNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** What the driver does after a turn. */
  poll(node: GroupNode): void {
    node.groups.flush(this.nowMs);
    const { events, transmits } = node.context.outputs.drain();
    node.events.push(...events);
    for (const transmit of transmits) {
      node.sent.push({ ...transmit, atMs: this.nowMs });
      this.#carry(node, transmit.bytes);
    }
  }

  #carry(from: GroupNode, bytes: Uint8Array): void {
    for (const to of this.nodes) {
      const delays = to === from ? [0] : this.weather({ from, to, bytes });
      for (const delayMs of delays) {
        this.#order += 1;
        const datagram = from.received(new Uint8Array(bytes));
        this.#inFlight.push({ atMs: this.nowMs + delayMs, order: this.#order, to, datagram });
      }
    }
    this.#inFlight.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
  }

  /** Lets `durationMs` pass. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (const node of this.nodes) this.poll(node);
    for (;;) {
      const wakeMs = Math.min(...this.nodes.map((node) => node.groups.nextWakeMs()));
      const arrivalMs = this.#inFlight[0]?.atMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.max(this.nowMs, Math.min(wakeMs, arrivalMs));
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      if (arrivalMs <= nextMs) this.#arrive();
      else this.#wake();
    }
    this.nowMs = endMs;
  }

  #arrive(): void {
    const arrival = this.#inFlight.shift();
    if (arrival === undefined || !this.nodes.includes(arrival.to)) return;
    arrival.to.groups.receive(this.nowMs, arrival.datagram);
    // The datagram is valid during the call alone.
    arrival.datagram.bytes.fill(0);
    this.poll(arrival.to);
  }

  #wake(): void {
    for (const node of this.nodes) {
      if (node.groups.nextWakeMs() > this.nowMs) continue;
      node.groups.wake(this.nowMs);
      this.poll(node);
    }
  }

  /** Loses, repeats and delays at random. */
  roughWeather(rough: {
    readonly loss: number;
    readonly duplication: number;
    readonly delayMs: number;
  }): Weather {
    return () => {
      if (this.random.uniform() < rough.loss) return [];
      const copies = this.random.uniform() < rough.duplication ? 2 : 1;
      return Array.from({ length: copies }, () => 0.2 + this.random.uniform() * rough.delayMs);
    };
  }
}

export function isData(bytes: Uint8Array): boolean {
  return datagramType(bytes) === DatagramType.groupData;
}
