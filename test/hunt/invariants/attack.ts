import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import { DatagramType, MAX_AMPLIFICATION } from "../../../src/wire/constants.js";
import { datagramType } from "../../../src/wire/header.js";
import { decodeHandshakeResponse } from "../../../src/wire/session.js";
import { attackerOf, isInvented, isNowhere } from "../attacker.js";
import type { Command, Told } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { calmSinceMs } from "./attackCalm.js";
import { eachOnce, type Invariant, memoryOf, shortened } from "./invariant.js";

/** What sessions, rosters and rounds of repair need to be as they should be, when all is well. */
const RECOVERED_MS = 20_000;
/** Whoever can be reached is reached by then. */
const PATIENCE_MS = 5_000;
/** Two instances of a key are known to live when both sent a beacon and answered a challenge. */
const CLONE_TOLD_MS = 30_000;
/** Answers to datagrams whose source is not proven, a second: PROTOCOL 3.4, 4.1, 4.4. */
const RATES: ReadonlyMap<number, number> = new Map<number, number>([
  [DatagramType.answer, 250],
  [DatagramType.cookie, 1000],
  [DatagramType.reset, 1000],
]);

/** What attackers do not achieve. */
export const ATTACKS: readonly Invariant[] = [
  {
    name: "amplification",
    what: "What a host sends to an address where nobody is, is at most three times what came from there.",
    when: "told",
    watch: countReflected,
  },
  {
    name: "answersRationed",
    what: "No host answers more of what anybody can send than it may in a second.",
    when: "told",
    watch: countAnswers,
  },
  {
    name: "cookiesAsked",
    what: "Beyond its rate a host answers no call from where nobody has shown a cookie.",
    when: "told",
    watch: countBlindAnswers,
  },
  {
    name: "servedUnderAttack",
    what: "Where only attackers are at work, who waits 5 s for a message to somebody in the roster is told that it arrived.",
    when: "always",
    watch: rememberEnded,
    broken: (world) => firstFault(world),
  },
  {
    name: "notTakenAway",
    what: "Where only attackers are at work, nobody who runs is said to be offline.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.events, takenAway),
  },
  {
    name: "clonesAreTold",
    what: "A key that is in use in two places is told of, once both were there for a while.",
    when: "always",
    broken: cloneUntold,
  },
];

interface Reflection {
  receivedBytes: number;
  sentBytes: number;
}

/** By host and address. */
const reflectedIn = memoryOf(() => new Map<string, Reflection>());

function countReflected(world: HuntWorld): void {
  // He has to hear all from the beginning.
  attackerOf(world);
  const between = (host: string, address: string): Reflection => {
    const key = `${host} ${address}`;
    const reflection = reflectedIn(world).get(key) ?? { receivedBytes: 0, sentBytes: 0 };
    reflectedIn(world).set(key, reflection);
    return reflection;
  };
  world.arrivals.add(({ address: { address } }, { name }, { bytes }) => {
    if (isNowhere(address)) between(name, address).receivedBytes += bytes.length;
  });
  world.taps.add(({ name }, { bytes, destination }) => {
    if (destination.kind !== "unicast" || !isNowhere(destination.to.address)) return;
    const reflection = between(name, destination.to.address);
    reflection.sentBytes += bytes.length;
    const { sentBytes, receivedBytes } = reflection;
    if (sentBytes <= MAX_AMPLIFICATION * receivedBytes) return;
    // What a later one adds to its questions is its own.
    if (world.hosts.some((host) => host.name === name && host.dialect.isLater)) return;
    world.ledger.fault(
      "amplification",
      `${name} sent ${sentBytes} bytes to ${destination.to.address} for ${receivedBytes}, the last of type ${datagramType(bytes)}`,
    );
  });
}

function countAnswers(world: HuntWorld): void {
  /** By process and type: in the second that began then. */
  const counts = new Map<string, { sinceMs: number; count: number }>();
  world.taps.add(({ name }, { bytes }) => {
    const type = datagramType(bytes) ?? 0;
    const rate = RATES.get(type);
    if (rate === undefined) return;
    const starts = world.hosts.find((host) => host.name === name)?.starts ?? 0;
    const key = `${name} ${starts} ${type}`;
    let span = counts.get(key);
    if (span === undefined || world.nowMs >= span.sinceMs + 1_000) {
      span = { sinceMs: world.nowMs, count: 0 };
      counts.set(key, span);
    }
    span.count += 1;
    // A second's worth may have been saved up; and the second has two ends.
    if (span.count > 2 * rate + 2) {
      world.ledger.fault("answersRationed", `${name} sent ${span.count} of type ${type} in 1 s`);
    }
  });
}

/** For so long the same call gets the same answer once more. */
const HALF_OPEN_MS = 10_000;

interface BlindAnswer {
  readonly atMs: number;
  /** To whom, and in which of his calls. */
  readonly call: string;
}

function countBlindAnswers(world: HuntWorld): void {
  /** By process: those for as long as the same call gets the same answer. Bounded by the attacker. */
  const answers = new Map<string, BlindAnswer[]>();
  world.taps.add(({ name }, { bytes, destination }) => {
    if (destination.kind !== "unicast" || !isInvented(destination.to.address)) return;
    if (datagramType(bytes) !== DatagramType.handshakeResponse) return;
    const host = world.hosts.find((one) => one.name === name);
    if (host === undefined) return;
    const { address, port } = destination.to;
    const call = `${address}:${port} ${decodeHandshakeResponse(bytes).receiverIndex}`;
    const key = `${name} ${host.starts}`;
    const known = (answers.get(key) ?? []).filter(({ atMs }) => atMs > world.nowMs - HALF_OPEN_MS);
    if (!known.some((before) => before.call === call)) known.push({ atMs: world.nowMs, call });
    answers.set(key, known);
    const latest = known.filter(({ atMs }) => atMs > world.nowMs - 1_000);
    const { handshakesPerSecondBeforeCookies } = { ...DEFAULT_LIMITS, ...host.plan.limits };
    if (latest.length <= handshakesPerSecondBeforeCookies) return;
    world.ledger.fault(
      "cookiesAsked",
      `${name} answered ${latest.length} calls from where nobody is in 1 s`,
    );
  });
}

const endedIn = memoryOf<Command[]>(() => []);

function rememberEnded(world: HuntWorld): void {
  world.ledger.endListeners.add((command) => endedIn(world).push(command));
}

function firstFault(world: HuntWorld): string | undefined {
  const sinceMs = calmSinceMs(world);
  const ended = endedIn(world).splice(0);
  const failed = ended.find((command) => isUnserved(command, sinceMs, world));
  if (failed === undefined) return undefined;
  const { text, from, to, outcome } = failed;
  const receiver = typeof to === "string" ? to : to.name;
  return `"${shortened(text)}" of ${from.name} to ${receiver} ended in ${outcome}`;
}

function isUnserved(command: Command, sinceMs: number, { ledger }: HuntWorld): boolean {
  const { kind, from, to, outcome, address, wasSeen, startedAtMs, endedAtMs = 0 } = command;
  if (kind !== "send" || typeof to === "string" || address !== undefined || wasSeen !== true)
    return false;
  if (outcome !== "TIMEOUT" && outcome !== "queued") return false;
  if (startedAtMs < sinceMs + RECOVERED_MS || endedAtMs < startedAtMs + PATIENCE_MS) return false;
  if (ledger.blocks.some(({ by }) => by === from || by === to)) return false;
  return !ledger.cloned.has(to) && !ledger.cloned.has(from);
}

function takenAway({ host, event, atMs }: Told, world: HuntWorld): string | undefined {
  if (event.type !== "presence" || event.presence.event !== "offline") return undefined;
  const { peer, group } = event.presence;
  const gone = world.hosts.find(({ id }) => id === peer.id);
  if (gone === undefined || world.ledger.cloned.has(gone)) return undefined;
  if (atMs < calmSinceMs(world) + takenAfterMs(group)) return undefined;
  if (world.ledger.blocks.some(({ by }) => by === host || by === gone)) return undefined;
  if (group !== null && !gone.groups.has(group)) return undefined;
  return `${host.name} was told that ${gone.name} went offline in ${group ?? "the roster"}`;
}

/** Heartbeats are rarer than beacons. */
function takenAfterMs(group: string | null): number {
  return group === null ? RECOVERED_MS : 3 * RECOVERED_MS;
}

/** Since when the clones of a world run in calm. */
const clonesIn = memoryOf(() => new Map<string, number>());

function cloneUntold(world: HuntWorld): string | undefined {
  const { clones, hosts, ledger, weather, cuts, tampering, nowMs } = world;
  for (const clone of clones) {
    const original = hosts.find(({ id }) => id === clone.id);
    const isCalm =
      clone.isUp &&
      original?.isUp === true &&
      weather.lossPercent === 0 &&
      weather.maxDelayMs <= 20 &&
      cuts.size + tampering.size === 0 &&
      hosts.every(
        ({ isUp, isPaused, card }) =>
          isUp && !isPaused && !card.isAsleep && card.address !== undefined,
      );
    const sinceMs = clonesIn(world).get(clone.name) ?? nowMs;
    clonesIn(world).set(clone.name, isCalm ? sinceMs : nowMs);
    if (!isCalm || nowMs < sinceMs + CLONE_TOLD_MS) continue;
    const isTold = ledger.events.some(
      ({ event }) => event.type === "warning" && event.warning.code === "DUPLICATE_KEY",
    );
    if (!isTold) return `nobody was told of ${clone.name}`;
  }
  return undefined;
}
