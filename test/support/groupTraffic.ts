import { DatagramType } from "../../src/wire/constants.js";
import { toHex } from "../../src/wire/cursor.js";
import { decodeGroupData } from "../../src/wire/group.js";
import { SimNetwork, type SimNode } from "./simNetwork.js";

/** UDP payload that nodes sent, by what it was for. A multicast counts once. */
export interface SentBytes {
  /** Lines, for the first time. */
  data: number;
  /** The same bytes again. */
  repairs: number;
  nacks: number;
  /** Of groups. */
  heartbeats: number;
  beacons: number;
  /** Queries, answers, goodbyes. */
  discovery: number;
  /** Handshakes and sealed datagrams: where nobody writes to anybody, what is synchronised. */
  sessions: number;
}

export interface GroupTraffic {
  readonly seed: number;
  readonly nodes: number;
  /** While the lines are said, and until everybody has them. */
  readonly busy: SentBytes;
  /** Of lines when they were said first: bytes that did not arrive, over all receivers. */
  readonly lostBytes: number;
  /** NACKs, repairs and synchronisation to bytes lost. */
  readonly ratio: number;
  /** From the last line until everybody has all of them; Infinity if that took too long. */
  readonly convergedMs: number;
  /** All of them the same, order included. */
  readonly equal: boolean;
  /** After a while without a line. */
  readonly quiet: SentBytes;
  readonly quietMs: number;
}

export interface GroupTrafficOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly linesEach: number;
  readonly lossPercent: number;
}

const GROUP = "224.0.1.100";
const SETTLE_MS = 90_000;
const BETWEEN_LINES_MS = 20;
const CONVERGE_LIMIT_MS = 120_000;
const STEP_MS = 20;
/** Heartbeats double up to their longest interval, and sessions are closed when idle. */
const CALMING_MS = 240_000;
const LINGERING_MS = 30_000;
const QUIET_MS = 120_000;

/** Everybody in one group says its lines; then silence. On a simulated LAN that loses datagrams. */
export function simulateGroupTraffic(options: GroupTrafficOptions): GroupTraffic {
  const { seed, lossPercent, linesEach } = options;
  const network = new SimNetwork(seed, { lossPercent });
  const nodes = Array.from({ length: options.nodes }, (_, i) => network.addNode(`node ${i}`));
  run(network, 5_000);
  const [groupId = ""] = nodes.map((node) => node.join(GROUP));
  run(network, SETTLE_MS);

  const meter = new Meter(network);
  const total = nodes.length * linesEach;
  for (let line = 0; line < linesEach; line += 1) {
    for (const node of nodes) {
      node.say(groupId, `line ${line} of ${node.name}, which is about as long as lines are`);
      run(network, BETWEEN_LINES_MS);
    }
  }
  const saidMs = network.nowMs;
  const complete = (): boolean => nodes.every((node) => lineCountOf(node) >= total);
  while (!complete() && network.nowMs < saidMs + CONVERGE_LIMIT_MS) run(network, STEP_MS);
  const converged = complete();
  const convergedMs = converged ? network.nowMs - saidMs : Number.POSITIVE_INFINITY;
  // What is on its way to those who have it already is part of the price.
  run(network, LINGERING_MS);
  const { sent: busy, lostBytes } = meter.take();
  run(network, CALMING_MS);
  meter.take();
  run(network, QUIET_MS);
  const { sent: quiet } = meter.take();
  const histories = new Set(nodes.map((node) => linesOf(node, groupId).join("\n")));
  const ratio = (busy.nacks + busy.repairs + busy.sessions) / lostBytes;
  return {
    seed,
    nodes: nodes.length,
    busy,
    lostBytes,
    ratio,
    convergedMs,
    equal: converged && histories.size === 1,
    quiet,
    quietMs: QUIET_MS,
  };
}

/** What `nodes` may send in this time when nobody says anything: a beacon and a heartbeat each. */
export function quietBudgetBytes(nodes: number, spanMs: number): number {
  // PROTOCOL.md sections 3.1 and 6.3: at the shortest of their intervals, in their longest form.
  const beaconMs = Math.max(10_000, (nodes * 246 * 8) / 64) * 0.75;
  const heartbeatMs = Math.max(30_000, nodes * 31.25) * 0.75;
  return nodes * 246 * (spanMs / beaconMs) + nodes * 250 * (spanMs / heartbeatMs);
}

/** The lines of a group that a node has, as its history shows them: ours included, in order. */
function linesOf(node: SimNode, groupId: string): string[] {
  const heard = node.ofKind("groupMessage").map((event) => ({ ...event, author: event.from.id }));
  const own = node.ofKind("groupSaid").map((event) => ({ ...event, author: node.core.id }));
  return [...heard, ...own]
    .filter((line) => line.groupId === groupId)
    .toSorted(
      (a, b) => a.hlc - b.hlc || compare(a.author, b.author) || compare(a.messageId, b.messageId),
    )
    .map(({ author, messageId, hlc, body }) => `${hlc} ${author} ${messageId} ${toHex(body)}`);
}

function lineCountOf(node: SimNode): number {
  return node.ofKind("groupMessage").length + node.ofKind("groupSaid").length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** In steps, each of which forgets its trace: nobody reads it here. */
function run(network: SimNetwork, spanMs: number): void {
  network.run(spanMs);
  network.trace.length = 0;
}

class Meter {
  #sent = emptySent();
  #lostBytes = 0;
  /** Names of the group datagrams that were sent once. */
  readonly #seen = new Set<string>();
  /** Those that are on their way for the first time. */
  #fresh: Uint8Array | undefined;

  constructor(network: SimNetwork) {
    network.tap = (_from, { bytes }) => this.#count(bytes);
    network.tapLost = (_to, { bytes }) => {
      if (bytes === this.#fresh) this.#lostBytes += bytes.length;
    };
  }

  /** Since the last call. */
  take(): { sent: SentBytes; lostBytes: number } {
    const taken = { sent: this.#sent, lostBytes: this.#lostBytes };
    this.#sent = emptySent();
    this.#lostBytes = 0;
    return taken;
  }

  #count(bytes: Uint8Array): void {
    const type = bytes[2];
    const what =
      type === DatagramType.groupData ? this.#dataOrRepair(bytes) : KIND_OF_TYPE[type ?? 0];
    this.#sent[what ?? "sessions"] += bytes.length;
    // A node's losses of a datagram are told right after it was sent.
    this.#fresh = what === "data" ? bytes : undefined;
  }

  #dataOrRepair(bytes: Uint8Array): "data" | "repairs" {
    const { device, incarnation, sequence } = decodeGroupData(bytes);
    const name = `${device} ${incarnation} ${sequence}`;
    if (this.#seen.has(name)) return "repairs";
    this.#seen.add(name);
    return "data";
  }
}

/** All others are of sessions. */
const KIND_OF_TYPE: Readonly<Partial<Record<number, keyof SentBytes>>> = {
  [DatagramType.beacon]: "beacons",
  [DatagramType.leave]: "discovery",
  [DatagramType.query]: "discovery",
  [DatagramType.answer]: "discovery",
  [DatagramType.groupHeartbeat]: "heartbeats",
  [DatagramType.groupNack]: "nacks",
};

function emptySent(): SentBytes {
  return { data: 0, repairs: 0, nacks: 0, heartbeats: 0, beacons: 0, discovery: 0, sessions: 0 };
}
