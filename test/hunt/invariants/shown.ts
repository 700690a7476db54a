import type { HuntHost } from "../huntHost.js";
import type { Command, Shown } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { hadNoDisk } from "./disks.js";
import { eachOnce, type Invariant, memoryOf, noneTwice, shortened } from "./invariant.js";

/** What users are shown. */
export const SHOWN: readonly Invariant[] = [
  {
    name: "shownIsSaid",
    what: "What is shown was written by whom it names, to whom it is shown, as it was written.",
    when: "always",
    broken: eachOnce((world) => world.ledger.shown, notSaid),
  },
  {
    name: "shownOnce",
    what: "Nothing is shown twice, also across restarts, unless a disk did not take, or lost, that it was shown.",
    when: "always",
    broken: noneTwice(
      ({ ledger }) => ledger.shown,
      ({ host, message: { from, id, text }, onDisk }) =>
        id === null || !onDisk
          ? undefined
          : `${host.name} was shown ${from.name}'s ${id} "${shortened(text)}"`,
      timesLost,
    ),
  },
  {
    name: "textOnce",
    what: "A message is one message, however often it is tried and under its client id sent again.",
    when: "always",
    broken: noneTwice(
      ({ ledger }) => ledger.shown,
      ({ host, message: { text, scope }, onDisk }) =>
        !onDisk || text === "" || scope === "plain"
          ? undefined
          : `${host.name} was shown "${text}"`,
      timesForgotten,
    ),
  },
  {
    name: "linesInOrder",
    what: "Of one author's lines in a group those that are not late come in his order, if the disk of the reader could be read.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.shown, lineOutOfOrder()),
  },
  {
    name: "directInOrder",
    what: "Of two direct messages of one process to one key the one sent first is shown first, if the peer was in the roster, neither was given up, and both are queued or neither is, and the disk could be read meanwhile.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.shown, directOutOfOrder()),
  },
  {
    name: "blockedIsSilent",
    what: "Nothing is shown of somebody who is blocked.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.shown, ofBlocked),
  },
  {
    name: "removedReadsNothing",
    what: "Who was kept out of a secret group is shown nothing that was said by whom kept it out, since that was done.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.shown, afterRemoval),
  },
  {
    name: "givenUpIsGone",
    what: "A queued message that expired or was dropped while its receiver was away is never shown.",
    when: "always",
    watch: rememberGivenUp,
    broken: eachOnce(({ ledger }) => ledger.shown, wasGivenUp),
  },
];

function timesLost({ host, message }: Shown): number {
  return host.keeping.timesLost(message.text);
}

/** Whoever lost his database does not know what he sent under which client id. */
function timesForgotten(shown: Shown, { hosts }: HuntWorld): number {
  const { text, from } = shown.message;
  const author = hosts.find(({ id }) => id === from.id);
  return timesLost(shown) + (author?.keeping.timesLost(text) ?? 0);
}

function notSaid({ host, message }: Shown, { ledger }: HuntWorld): string | undefined {
  const { text, from, group, scope } = message;
  if (scope === "plain") return undefined;
  const what = `${host.name} was shown "${shortened(text, 60)}" (${scope}) from ${from.name}`;
  const said = ledger.said(text);
  const [first] = said;
  if (ledger.strangers.get(from.id ?? "")?.said.has(text) === true) return undefined;
  if (first === undefined) return `${what}, which nobody wrote`;
  if (said.every((command) => command.from.id !== from.id)) {
    return `${what}, which ${first.from.name} wrote`;
  }
  if (said.some((command) => isFor(command, host, group))) return undefined;
  return `${what}, which was written to somebody else`;
}

/** What goes to an address is for whoever is there. */
function isFor({ to, address }: Command, host: HuntHost, group: string | null): boolean {
  if (typeof to === "string") return to === group;
  if (group !== null) return false;
  return to.id === host.id || address !== undefined;
}

function lineOutOfOrder(): (shown: Shown, world: HuntWorld) => string | undefined {
  const latestIn = memoryOf(() => new Map<string, number>());
  return ({ host, run, message }, world) => {
    const { text, from, group, late } = message;
    if (group === null || late || from.id === null) return undefined;
    // He runs as several at the same time, as no host does.
    if (world.ledger.strangers.has(from.id)) return undefined;
    const latest = latestIn(world);
    const stream = `${host.name} ${run} ${group} ${from.id}`;
    const number = Number.parseInt(text, 10);
    const before = latest.get(stream) ?? 0;
    latest.set(stream, Math.max(before, number));
    if (number > before || hadNoDisk(host, world)) return undefined;
    return `${host.name} was shown ${number} of ${from.name} in ${group} after ${before}`;
  };
}

function directOutOfOrder(): (shown: Shown, world: HuntWorld) => string | undefined {
  /** By author's process and receiver: those shown so far. */
  const shownIn = memoryOf(() => new Map<string, Command[]>());
  return ({ host, message }, world) => {
    if (message.scope !== "direct") return undefined;
    const [command, ...more] = world.ledger.said(message.text);
    if (command === undefined || more.length > 0 || !isInOrder(command, host)) return undefined;
    const shown = shownIn(world);
    const stream = `${command.from.name} ${command.run} ${host.name} ${command.queue}`;
    const before = shown.get(stream) ?? [];
    shown.set(stream, [...before, command]);
    const { commands } = world.ledger;
    const place = commands.indexOf(command);
    const overtaken = before.find((other) => commands.indexOf(other) > place);
    if (overtaken === undefined || command.outcome === "TIMEOUT") return undefined;
    // What the reader lost is shown to him again.
    if (hadNoDisk(command.from, world) || host.keeping.timesLost(command.text) > 0)
      return undefined;
    return `${host.name} was shown "${shortened(command.text)}" after "${shortened(overtaken.text)}"`;
  };
}

function isInOrder(command: Command, host: HuntHost): boolean {
  const { kind, to, address, clientId, wasSeen } = command;
  if (kind !== "send" || to !== host) return false;
  return address === undefined && clientId === undefined && wasSeen === true;
}

function ofBlocked({ host, message, atMs }: Shown, { ledger }: HuntWorld): string | undefined {
  const block = ledger.blocks.find(
    ({ by, whom, fromMs, untilMs }) =>
      by === host && whom.id === message.from.id && fromMs < atMs && atMs < untilMs,
  );
  if (block === undefined) return undefined;
  return `${host.name} was shown "${shortened(message.text)}" of ${block.whom.name}, blocked since ${block.fromMs}`;
}

function afterRemoval({ host, message }: Shown, { ledger }: HuntWorld): string | undefined {
  const [said] = ledger.said(message.text);
  const removal = ledger.removals.find(
    ({ label, by, out, atMs }) =>
      label === message.group && out === host && by === said?.from && atMs < said.startedAtMs,
  );
  if (removal === undefined) return undefined;
  return `${host.name} read "${shortened(message.text)}", and was removed by ${removal.by.name} at ${removal.atMs}`;
}

/** By author and message id: those whose receivers did not run from their beginning to their end. */
const givenUpIn = memoryOf(() => new Set<string>());

function rememberGivenUp(world: HuntWorld): void {
  const { ledger } = world;
  const givenUp = (from: HuntHost, id: string): void => {
    const stored = from.store?.find(from.id, id);
    if (stored?.state !== "undelivered") return;
    const tries = ledger.commands.filter(
      (command) => command.from === from && command.kind === "send" && command.text === stored.text,
    );
    // Under a client id it may be sent anew.
    const wasAway = ({ to, receiverDown, clientId }: Command): boolean =>
      clientId === undefined &&
      typeof to !== "string" &&
      !ledger.cloned.has(to) &&
      !to.isUp &&
      to.starts === receiverDown;
    if (tries.length === 1 && tries.every(wasAway)) {
      world.count("given up unseen");
      givenUpIn(world).add(`${from.id} ${id}`);
    }
  };
  ledger.endListeners.add(({ from, id, outcome }) => {
    if (outcome === "TIMEOUT" && id !== undefined) givenUp(from, id);
  });
  ledger.toldListeners.add(({ host, event }) => {
    if (event.type === "delivery" && event.progress.status === "undelivered") {
      givenUp(host, event.progress.id);
    }
  });
}

function wasGivenUp({ host, message }: Shown, world: HuntWorld): string | undefined {
  if (!givenUpIn(world).has(`${message.from.id} ${message.id}`)) return undefined;
  return `${host.name} was shown "${shortened(message.text)}", given up before it was back`;
}
