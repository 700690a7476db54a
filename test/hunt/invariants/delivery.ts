import type { Progress } from "../../../src/messenger/types.js";
import type { StoredMessage, StoredParty } from "../../../src/store/messageStore.js";
import type { HuntHost } from "../huntHost.js";
import type { Command, Told } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { eachOnce, every, firstOf, type Invariant, memoryOf, shortened } from "./invariant.js";

/** Taking all that is kept from every host is dear. */
const LOOK_EVERY_MS = 5000;

/** What becomes of direct messages, and what their authors are told of it. */
export const DELIVERY: readonly Invariant[] = [
  {
    name: "deliveredIsStored",
    what: "What is called delivered is stored at its receiver in that moment, or as soon as it runs again.",
    when: "told",
    watch: watchDelivered,
  },
  {
    name: "deliveredStays",
    what: "What was called delivered while its receiver was down is there when it starts.",
    when: "always",
    broken: stillMissing,
  },
  {
    name: "readIsMarked",
    what: "What is called read was marked as read there.",
    when: "told",
    watch: watchRead,
  },
  {
    name: "progressForward",
    what: "Every step of a message is told once, also across restarts, and no step goes back, unless the disk lost or never took it.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.events, progressBack()),
  },
  {
    name: "stateForward",
    what: "In history no state goes back: only what was given up may be queued or sent again.",
    when: "always",
    broken: every(LOOK_EVERY_MS, stateBack()),
  },
  {
    name: "oneClientId",
    what: "A client id stands for one message.",
    when: "always",
    broken: every(LOOK_EVERY_MS, clientIdTwice),
  },
  {
    name: "promiseKept",
    what: "What was called delivered or queued is with its receiver, or given up and said so.",
    when: "settled",
    broken: (world) => firstOf(world.ledger.commands, (command) => promiseBroken(world, command)),
  },
  {
    name: "nothingOnItsWay",
    what: "In history nothing direct is queued or on its way when all is settled, but to an address that nobody has, or, of a process that was killed, until its time is over by a clock that was set back.",
    when: "settled",
    broken: ({ hosts, nowMs }) => firstOf(hosts, (host) => stillOnItsWay(host, hosts, nowMs)),
  },
];

/** Of a receiver that was down when its message was called delivered. */
interface Owed {
  readonly to: HuntHost;
  readonly author: HuntHost;
  readonly id: string;
}

const owedIn = memoryOf(() => new Set<Owed>());

function watchDelivered(world: HuntWorld): void {
  const { ledger } = world;
  const delivered = (author: HuntHost, id: string, by: string | null | undefined): void => {
    const to = world.hosts.find((host) => host.id === by);
    if (to === undefined || to === author || keepsNothing(to) || ledger.cloned.has(to)) return;
    const owed = { to, author, id };
    if (!to.isUp) owedIn(world).add(owed);
    else if (wasLost(owed)) return;
    else if (isMissing(owed)) ledger.fault("deliveredIsStored", missing(owed));
  };
  ledger.endListeners.add(({ outcome, from, id, deliveredTo }) => {
    if (outcome === "delivered" && id !== undefined) delivered(from, id, deliveredTo);
  });
  ledger.toldListeners.add(({ host, event }) => {
    if (event.type !== "delivery" || event.progress.status !== "delivered") return;
    delivered(host, event.progress.id, event.progress.to.id);
  });
}

function stillMissing(world: HuntWorld): string | undefined {
  return firstOf(owedIn(world), (owed) => {
    if (!owed.to.isUp || !owed.to.keeping.isWell) return undefined;
    owedIn(world).delete(owed);
    if (wasLost(owed)) return undefined;
    return isMissing(owed) ? missing(owed) : undefined;
  });
}

function isMissing({ to, author, id }: Owed): boolean {
  return to.store !== undefined && to.store.find(author.id, id) === undefined;
}

/** A disk that was damaged or did not take it may lose it. */
function wasLost({ to, author, id }: Owed): boolean {
  const text = author.store?.find(author.id, id)?.text;
  return text === undefined || to.keeping.timesLost(text) > 0;
}

function missing({ to, author, id }: Owed): string {
  const text = author.store?.find(author.id, id)?.text ?? id;
  return `"${shortened(text)}" of ${author.name} was called delivered, and ${to.name} does not have it`;
}

function keepsNothing({ plan }: HuntHost): boolean {
  return plan.options?.store === "none";
}

function watchRead(world: HuntWorld): void {
  world.ledger.toldListeners.add(({ host, event }) => {
    if (event.type !== "delivery" || event.progress.status !== "read") return;
    const { id, to } = event.progress;
    const reader = world.hosts.find((other) => other.id === to.id);
    if (reader?.store === undefined || world.ledger.cloned.has(reader)) return;
    const state = reader.store.find(host.id, id)?.state;
    if (state === "read" || wasLost({ to: reader, author: host, id })) return;
    world.ledger.fault("readIsMarked", `${id} of ${host.name} was called read, and is ${state}`);
  });
}

function progressBack(): (told: Told, world: HuntWorld) => string | undefined {
  /** By author and message: the last step that was told. */
  const lastIn = memoryOf(() => new Map<string, Progress["status"]>());
  return ({ host, event }, world) => {
    if (event.type !== "delivery") return undefined;
    const { id, status } = event.progress;
    const last = lastIn(world);
    const name = `${host.name} ${id}`;
    const before = last.get(name);
    last.set(name, status);
    if (before === undefined || before === "undelivered") return undefined;
    if (host.keeping.isSetBack({ author: host.id, id })) return undefined;
    if (before === "delivered" && status === "read") return undefined;
    return `${host.name} was told ${status} of ${id} after ${before}`;
  };
}

const NEXT: Readonly<Record<StoredMessage["state"], readonly StoredMessage["state"][]>> = {
  queued: ["queued", "sent", "delivered", "read", "undelivered"],
  sent: ["sent", "queued", "delivered", "read", "undelivered"],
  undelivered: ["undelivered", "queued", "sent", "delivered", "read"],
  delivered: ["delivered", "read"],
  read: ["read"],
  unread: ["unread", "read"],
};

function stateBack(): (world: HuntWorld) => string | undefined {
  const statesIn = memoryOf(() => new Map<string, StoredMessage["state"]>());
  return (world) =>
    firstOf(world.hosts, (host) =>
      firstOf(host.store?.history({}) ?? [], ({ id, author, state, text }) => {
        const states = statesIn(world);
        const name = `${host.name} ${author.device} ${id}`;
        const before = states.get(name);
        states.set(name, state);
        if (before === undefined || NEXT[before].includes(state)) return undefined;
        if (host.keeping.isSetBack({ author: author.device, id })) return undefined;
        return `"${shortened(text)}" at ${host.name} went from ${before} to ${state}`;
      }),
    );
}

function clientIdTwice({ hosts }: HuntWorld): string | undefined {
  return firstOf(hosts, ({ name, store }) => {
    const seen = new Set<string>();
    return firstOf(store?.history({}) ?? [], ({ clientId, own }) => {
      if (clientId === undefined || !own) return undefined;
      if (seen.has(clientId)) return `${name} has ${clientId} twice`;
      seen.add(clientId);
      return undefined;
    });
  });
}

function promiseBroken({ hosts, ledger }: HuntWorld, command: Command): string | undefined {
  const { kind, from, to, text, outcome, deliveredTo, address } = command;
  if (kind !== "send" || typeof to === "string" || !hosts.includes(from)) return undefined;
  if (outcome !== "delivered" && outcome !== "queued") return undefined;
  // The one or the other has it.
  if (ledger.cloned.has(to)) return undefined;
  // At an address that nobody has any more, or that is one's own.
  if (address !== undefined && outcome === "queued" && !hosts.some((host) => isAt(host, address))) {
    return undefined;
  }
  if (deliveredTo === from.id) return undefined;
  if (hosts.some(({ keeping }) => keeping.timesLost(text) > 0 || keeping.isSetBack({ text })))
    return undefined;
  const ours = from.stateOf(text);
  const what = `"${shortened(text)}" of ${from.name}, which was ${outcome},`;
  if (outcome === "queued" && ours === "undelivered") return undefined;
  // To an address it goes to whoever is there.
  const receivers =
    address === undefined
      ? [to]
      : hosts.filter(({ id }) => deliveredTo === undefined || id === deliveredTo);
  const stored = receivers.some(
    (receiver) => keepsNothing(receiver) || receiver.textsKept().has(text),
  );
  if (stored && (ours === "delivered" || ours === "read")) return undefined;
  const toItself = from.store
    ?.history({})
    .some((kept) => kept.text === text && kept.to?.device === from.id);
  if (toItself === true) return undefined;
  if (!stored) return `${what} is not with ${to.name} (${ours} at its author)`;
  return `${what} is ${ours} at its author`;
}

function isAt({ card, port }: HuntHost, address: string): boolean {
  return address === `${card.address}:${port}`;
}

function stillOnItsWay(
  { name, store, time }: HuntHost,
  hosts: readonly HuntHost[],
  nowMs: number,
): string | undefined {
  const isReachable = ({ device, address, port }: StoredParty): boolean =>
    device !== "" || hosts.some((host) => isAt(host, `${address}:${port}`));
  const mayWait = ({ state, outbox }: StoredMessage): boolean =>
    state === "sent" && (outbox?.expiresAtMs ?? 0) > time.wallMs(nowMs);
  return firstOf(store?.history({}) ?? [], (message) => {
    const { own, to, state, text } = message;
    const isWaiting = state === "queued" || (state === "sent" && !mayWait(message));
    return own && to !== undefined && isReachable(to) && isWaiting
      ? `${name} still has "${shortened(text)}" ${state}`
      : undefined;
  });
}
