import { type CoreContext, TRUST_NOTHING } from "../../src/core/context.js";
import { Counters } from "../../src/core/counters.js";
import type { GroupLog } from "../../src/core/groups/groupLog.js";
import { type GroupName, parseGroupName } from "../../src/core/groups/groupName.js";
import { Groups } from "../../src/core/groups/groups.js";
import type { Announced } from "../../src/core/groups/groupsContext.js";
import {
  type Address,
  type CoreEvent,
  type GroupKeys,
  Outputs,
  type PeerRef,
  type ReceivedDatagram,
  type SendTarget,
  type Token,
  type Transmit,
} from "../../src/core/io.js";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.js";
import { SourceGate } from "../../src/core/sourceGate.js";
import { identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { randomHex } from "../../src/crypto/random.js";
import { DatagramType } from "../../src/wire/constants.js";
import { decodeUtf8, encodeUtf8 } from "../../src/wire/cursor.js";
import { encodeGroupNack } from "../../src/wire/group.js";
import { datagramType, withSignature } from "../../src/wire/header.js";
import type { Instance } from "../../src/wire/presence.js";
import { type GroupKeyRecord, type GroupSyncRecord, RecordKind } from "../../src/wire/record.js";
import { KeptLog } from "./keptLog.js";
import { SeededRandom } from "./seededRandom.js";

export const TEST_GROUP = parseGroupName("224.0.1.100", 22401);
export const SECRET_GROUP = parseGroupName("224.0.1.100", 22401, { secret: true });

/** Of everybody who knows the passphrase. */
export const FIRST_KEYS: GroupKeys = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

/** A group key note that a session would carry. */
export interface SentNote {
  readonly kind: "groupKey" | "groupSync";
  readonly target: SendTarget;
  readonly body: Uint8Array;
  readonly token: Token;
  readonly atMs: number;
}

export type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { kind: Kind }>;

interface NodeOptions {
  readonly limits?: Partial<Limits>;
  readonly deviceSeed?: number;
  /** Where it says things. Default: `TEST_GROUP`. */
  readonly group?: GroupName;
  readonly startedAtMs?: number;
  readonly log?: KeptLog;
  /** What it reads of its log. Default: all of it. */
  readonly reading?: (log: KeptLog) => GroupLog;
}

/** As a session hands it over. */
export function noteRecord(
  kind: SentNote["kind"],
  body: Uint8Array,
): GroupKeyRecord | GroupSyncRecord {
  const common = { incarnation: "00".repeat(8), messageSequence: 1, sentAtMs: 0, body };
  return kind === "groupKey"
    ? { kind: RecordKind.groupKey, ...common }
    : { kind: RecordKind.groupSync, ...common };
}

/** How often a session tries again to deliver a group key note. */
const NOTE_RETRY_MS = 300;

/** A node that has groups and nothing else. */
export class GroupNode {
  readonly context: CoreContext;
  readonly groups: Groups;
  readonly address: string;
  /** What its application has kept; a node made with the log of another one is its next start. */
  readonly log: KeptLog;
  readonly events: CoreEvent[] = [];
  readonly sent: (Transmit & { readonly atMs: number })[] = [];
  verifications = 0;
  /** Devices that discovery has seen alive; undefined: all. */
  present: Set<string> | undefined;
  /** Where somebody was asked to show that it is running. */
  readonly challenged: string[] = [];
  /** Incarnations that were asked to show where they are. */
  readonly confirmed: string[] = [];
  /** Whose beacons say that they are in the group. */
  announced: Announced[] = [];
  /** Where discovery has found somebody. */
  proven: (instance: Instance) => Address | undefined = () => undefined;
  readonly blocked = new Set<string>();
  /** Every group key note, and those that are still on their way. */
  readonly notes: SentNote[] = [];
  readonly notesUnderWay = new Map<Token, SentNote>();
  readonly group: GroupName;
  #messageSequence = 0;

  constructor(index: number, random: SeededRandom, options: NodeOptions = {}) {
    this.group = options.group ?? TEST_GROUP;
    this.log = options.log ?? new KeptLog();
    this.address = `10.0.0.${index}`;
    this.context = {
      identity: identityFromSeed(new Uint8Array(32).fill(options.deviceSeed ?? index)),
      verify: (device, message, signature) => {
        this.verifications += 1;
        return verifyEd25519(device, message, signature);
      },
      trust: { ...TRUST_NOTHING, isBlocked: (device) => this.blocked.has(device) },
      gate: new SourceGate({ ...DEFAULT_LIMITS, ...options.limits }),
      random,
      incarnation: randomHex(random, 8),
      startedAtMs: options.startedAtMs ?? 1_700_000_000_000,
      name: `n${index}`,
      dataPort: 22400,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      counters: new Counters(),
      outputs: new Outputs(),
    };
    this.groups = new Groups(0, this.context, options.reading?.(this.log) ?? this.log, {
      announces: true,
      announcedIn: () => this.announced,
      provenAddressOf: (instance) => this.proven(instance),
      confirm: (_nowMs, { incarnation }) => this.confirmed.push(incarnation),
      addressOf: () => undefined,
      isPresent: (_nowMs, { incarnation }) => this.present?.has(incarnation) ?? true,
      challenge: (_nowMs, at) => this.challenged.push(`${at.address}:${at.port}`),
      sendNote: (nowMs, sent) => {
        const { token } = sent;
        const note = { ...sent, atMs: nowMs };
        this.notes.push(note);
        this.notesUnderWay.set(token, note);
      },
      cancelNote: (_nowMs, token) => this.notesUnderWay.delete(token),
    });
  }

  get device(): string {
    return this.context.identity.device;
  }

  /** As sessions name it. */
  get ref(): PeerRef {
    return { id: this.device, name: this.context.name, address: this.address, port: 22400 };
  }

  /** The keys that its application has kept. */
  get keys(): GroupKeys | undefined {
    return this.of("groupKeys").at(-1)?.keys;
  }

  say(nowMs: number, text: string): void {
    this.#messageSequence += 1;
    const body = encodeUtf8(text);
    const sentAtMs = 1_700_000_000_000 + Math.round(nowMs);
    const messageSequence = this.#messageSequence;
    this.groups.say(this.group.groupId, { body, sentAtMs, messageSequence });
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
  /** Members can synchronise over sessions; without that, all depends on what is multicast. */
  carriesSync = true;
  /** Multicast between these two is dropped, unicast is not. */
  multicastBlocked: (from: GroupNode, to: GroupNode) => boolean = () => false;
  #inFlight: { atMs: number; order: number; arrive: () => void }[] = [];
  readonly #carried = new Set<SentNote>();
  #order = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  add(options?: NodeOptions): GroupNode {
    const node = new GroupNode(this.nodes.length + 1, this.random, options);
    this.nodes.push(node);
    node.proven = ({ incarnation }) => {
      const found = this.nodes.find(({ context }) => context.incarnation === incarnation);
      return found === undefined ? undefined : { address: found.address, port: 22400 };
    };
    return node;
  }

  /** Nodes that are members already, and know one another. */
  joined(count: number, options?: { readonly limits?: Partial<Limits> }): GroupNode[] {
    const nodes = Array.from({ length: count }, () => this.add(options));
    for (const node of nodes) node.groups.join(this.nowMs, TEST_GROUP);
    this.run(3000);
    return nodes;
  }

  /** Nodes that are members of the secret group already, and know one another. */
  secret(count: number, options?: { readonly limits?: Partial<Limits> }): GroupNode[] {
    return Array.from({ length: count }, () => this.addSecret(FIRST_KEYS, options)).map((node) => {
      this.run(1000);
      return node;
    });
  }

  /** A node that joins the secret group. */
  addSecret(keys: GroupKeys, options?: NodeOptions): GroupNode {
    const node = this.add({ ...options, group: SECRET_GROUP });
    node.groups.join(this.nowMs, SECRET_GROUP, keys);
    return node;
  }

  /** Removes a node as a crash does. */
  crash(node: GroupNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** What the driver does after a turn. */
  poll(node: GroupNode): void {
    node.groups.flush(this.nowMs);
    const { events, transmits } = node.context.outputs.drain();
    node.log.settle(events);
    node.events.push(...events);
    for (const transmit of transmits) {
      node.sent.push({ ...transmit, atMs: this.nowMs });
      this.#carry(node, transmit);
    }
    for (const note of node.notesUnderWay.values()) {
      if (this.#carried.has(note) || (note.kind === "groupSync" && !this.carriesSync)) continue;
      this.#carried.add(note);
      this.#tryNote(node, note);
    }
  }

  /** As a session does: again and again, until it arrives or is given up. */
  #tryNote(from: GroupNode, note: SentNote): void {
    const { target, token, body } = note;
    for (const to of this.nodes) {
      const isMeant =
        target.kind === "device" ? to.device === target.id : to.address === target.to.address;
      if (!isMeant || to === from) continue;
      const [delayMs] = this.weather({ from, to, bytes: body });
      if (delayMs === undefined) continue;
      this.#later(this.nowMs + delayMs, () => {
        // A sender that is gone repeats nothing; one that gave up has nothing to send.
        if (from.notesUnderWay.get(token) !== note || !this.nodes.includes(to)) return;
        from.notesUnderWay.delete(token);
        to.groups.receiveNote(this.nowMs, from.ref, noteRecord(note.kind, new Uint8Array(body)));
        this.poll(to);
      });
    }
    this.#later(this.nowMs + NOTE_RETRY_MS, () => {
      if (from.notesUnderWay.has(token) && this.nodes.includes(from)) this.#tryNote(from, note);
    });
  }

  #carry(from: GroupNode, { bytes, destination }: Transmit): void {
    const unicastTo = destination.kind === "unicast" ? destination.to.address : undefined;
    for (const to of this.nodes) {
      if (unicastTo !== undefined && to.address !== unicastTo) continue;
      if (unicastTo === undefined && this.multicastBlocked(from, to)) continue;
      const delays = to === from ? [0] : this.weather({ from, to, bytes });
      for (const delayMs of delays) {
        const received = from.received(new Uint8Array(bytes));
        const datagram: ReceivedDatagram =
          unicastTo === undefined ? received : { ...received, via: "data" };
        this.#later(this.nowMs + delayMs, () => this.#arrive(to, datagram));
      }
    }
  }

  #later(atMs: number, arrive: () => void): void {
    this.#order += 1;
    this.#inFlight.push({ atMs, order: this.#order, arrive });
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
      if (arrivalMs <= nextMs) this.#inFlight.shift()?.arrive();
      else this.#wake();
    }
    this.nowMs = endMs;
  }

  #arrive(to: GroupNode, datagram: ReceivedDatagram): void {
    if (!this.nodes.includes(to)) return;
    to.groups.receive(this.nowMs, datagram);
    // The datagram is valid during the call alone.
    datagram.bytes.fill(0);
    this.poll(to);
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

/** A bus on which nothing is synchronised over sessions. */
export function multicastBus(seed: number): GroupBus {
  const bus = new GroupBus(seed);
  bus.carriesSync = false;
  return bus;
}

export function isData(bytes: Uint8Array): boolean {
  return datagramType(bytes) === DatagramType.groupData;
}

/** "I miss everything of `of`, up to that sequence." */
export function nackOf(
  asker: GroupNode,
  of: GroupNode,
  { sequence, upTo }: { readonly sequence: number; readonly upTo: number },
): Uint8Array {
  const { identity, incarnation } = asker.context;
  const unsigned = encodeGroupNack({
    groupId: TEST_GROUP.groupId,
    device: identity.device,
    incarnation,
    sequence,
    of: { device: of.device, incarnation: of.context.incarnation },
    missing: [{ first: 1, last: upTo }],
  });
  return withSignature(unsigned, identity.sign(unsigned));
}
