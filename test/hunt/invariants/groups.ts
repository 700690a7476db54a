import { Archive } from "../../../src/core/groups/archive.js";
import { completedBy } from "../../../src/core/groups/assembly.js";
import { Outputs } from "../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import type { StoredMessage } from "../../../src/store/messageStore.js";
import { decodeUtf8 } from "../../../src/wire/cursor.js";
import { decodeGroupData } from "../../../src/wire/group.js";
import { messageId } from "../../../src/wire/record.js";
import type { HuntHost } from "../huntHost.js";
import type { HuntWorld } from "../world.js";
import { couldNotGive } from "./disks.js";
import { eachOnce, every, firstOf, type Invariant, shortened } from "./invariant.js";

const LOOK_EVERY_MS = 5000;
/** 24 rounds of NACKs (PROTOCOL 6.3), and some more. */
const LOST_FOR_GOOD_MS = 75_000;

/** What members of groups have in common. */
export const GROUPS: readonly Invariant[] = [
  {
    name: "receiptsTrue",
    what: "A line is called delivered to a member only if that member has it.",
    when: "always",
    broken: every(LOOK_EVERY_MS, falseReceipt),
  },
  {
    name: "gapsAreLost",
    what: "No gap is told of what somebody has, once all heard each other long enough.",
    when: "always",
    broken: eachOnce(
      ({ ledger }) => ledger.events,
      ({ host, event, atMs }, world) => {
        if (event.type !== "gap" || world.peaceSinceMs === undefined) return undefined;
        if (world.ledger.strangers.has(event.gap.from.id ?? "")) return undefined;
        if (world.hosts.some(({ keeping }) => keeping.lostAny)) return undefined;
        if (atMs < world.peaceSinceMs + LOST_FOR_GOOD_MS) return undefined;
        const { group, from, count } = event.gap;
        return `${host.name} was told that ${count} of ${from.name} in ${group} are lost`;
      },
    ),
  },
  {
    name: "groupsEqual",
    what: "All members of a group keep the same lines in the same order, with the same author, time and reading, and all that those who stayed said. What a disk could not read while somebody asked for it takes 10 minutes longer.",
    when: "settled",
    broken: ofEachGroup(linesUnequal),
  },
  {
    name: "keptIsShown",
    what: "Every line of which a member keeps all datagrams is in its history.",
    when: "settled",
    broken: ({ hosts, ledger }) =>
      firstOf(hosts, (host) => (ledger.cloned.has(host) ? undefined : keptUnseen(host))),
  },
  {
    name: "keptEqual",
    what: "All members keep the same datagrams for others: their digests are equal.",
    when: "settled",
    broken: ofEachGroup(datagramsUnequal),
  },
  {
    name: "membersAgree",
    what: "Every member sees all other members, nobody else, and hears them by multicast.",
    when: "settled",
    broken: ofEachGroup(membersDiffer),
  },
];

type OfGroup = (
  label: string,
  members: readonly HuntHost[],
  world: HuntWorld,
) => string | undefined;

/**
 * Of those whose key nobody changed: otherwise each has what was said under its keys. And of those
 * whose disk could be read when they were asked: otherwise the others ask again 10 minutes later.
 */
function ofEachGroup(broken: OfGroup): (world: HuntWorld) => string | undefined {
  return (world) => {
    const { changing } = world.ledger;
    const labels = new Set(world.hosts.flatMap(({ groups }) => [...groups.keys()]));
    return firstOf(labels, (label) => {
      const members = world.hosts.filter(({ groups }) => groups.has(label));
      if (changing.has(label) || members.some((member) => couldNotGive(member, world)))
        return undefined;
      return broken(label, members, world);
    });
  };
}

function falseReceipt({ hosts, ledger }: HuntWorld): string | undefined {
  return firstOf(hosts, (author) =>
    firstOf(author.store?.history({}) ?? [], (line) => {
      if (!line.own || line.group === undefined) return undefined;
      return firstOf(author.store?.receipts(line) ?? [], ({ party }) => {
        const member = hosts.find(({ id }) => id === party.device);
        if (member === undefined || ledger.cloned.has(member)) return undefined;
        if (member.store === undefined || member.keeping.timesLost(line.text) > 0) return undefined;
        if (member.store.find(author.id, line.id) !== undefined) return undefined;
        return `"${shortened(line.text)}" of ${author.name} is called delivered to ${member.name}, who does not have it`;
      });
    }),
  );
}

function linesUnequal(
  label: string,
  members: readonly HuntHost[],
  { ledger, hosts }: HuntWorld,
): string | undefined {
  const [first, ...others] = members.map((host) => ({
    host,
    lines: linesOf(host, label).filter(
      ({ author, text }) => ledger.strangers.get(author.device)?.misplaced.has(text) !== true,
    ),
  }));
  if (first === undefined) return undefined;
  const texts = new Set(first.lines.map(({ text }) => text));
  return (
    firstOf(ledger.commands, ({ kind, from, to, outcome, text }) =>
      kind === "say" &&
      to === label &&
      outcome === "said" &&
      members.includes(from) &&
      !texts.has(text) &&
      !hosts.some(({ keeping }) => keeping.timesLost(text) > 0)
        ? `${first.host.name} lacks "${shortened(text)}" in ${label}`
        : undefined,
    ) ?? firstOf(others, (other) => difference(label, first, other))
  );
}

function keptUnseen({ name, store }: HuntHost): string | undefined {
  if (store === undefined) return undefined;
  const { log } = store;
  return firstOf(log.groupIds(), (groupId) => {
    const context = { outputs: new Outputs(), limits: DEFAULT_LIMITS };
    const archive = new Archive(context, log, groupId);
    return firstOf(archive.streams(), (of) =>
      firstOf(archive.heldIn(of, of.ranges, Number.POSITIVE_INFINITY), (sequence) => {
        const kept = archive.read(of, sequence);
        if (kept === undefined) return `${name} cannot read ${sequence}`;
        const whole = completedBy(archive, decodeGroupData(kept.bytes), () => undefined);
        return firstOf(whole, ({ messageSequence, body }) =>
          store.find(of.device, messageId(of.incarnation, messageSequence)) === undefined
            ? `${name} keeps "${shortened(decodeUtf8(body))}", and does not show it`
            : undefined,
        );
      }),
    );
  });
}

interface Lines {
  readonly host: HuntHost;
  readonly lines: readonly StoredMessage[];
}

function linesOf({ store }: HuntHost, label: string): StoredMessage[] {
  return (store?.history({}) ?? []).filter(({ group }) => group?.label === label);
}

function difference(label: string, one: Lines, other: Lines): string | undefined {
  const length = Math.max(one.lines.length, other.lines.length);
  for (let place = 0; place < length; place += 1) {
    const [ours, theirs] = [one.lines[place], other.lines[place]].map(described);
    if (ours === theirs) continue;
    return `in ${label} at ${place} of ${one.lines.length}, ${other.lines.length}: ${one.host.name} has ${ours}, ${other.host.name} ${theirs}`;
  }
  return undefined;
}

/** All that is the same everywhere. */
function described(line: StoredMessage | undefined): string {
  if (line === undefined) return "nothing";
  const { id, author, sentAtMs, hlc, text } = line;
  return `"${shortened(text)}" of ${author.device.slice(0, 8)}, ${id} at ${sentAtMs}, ${hlc}`;
}

function datagramsUnequal(
  label: string,
  members: readonly HuntHost[],
  { ledger }: HuntWorld,
): string | undefined {
  const [first, ...others] = members.map((host) => ({
    host,
    kept: datagramsOf(host, label, ledger),
  }));
  return firstOf(others, ({ host, kept }) =>
    first === undefined || kept === first.kept
      ? undefined
      : `of ${label} ${first.host.name} keeps ${first.kept}, ${host.name} ${kept}`,
  );
}

/** As in the digest: PROTOCOL 6.5. */
function datagramsOf({ store }: HuntHost, label: string, ledger: HuntWorld["ledger"]): string {
  const groupId = (store?.history({}) ?? []).find(({ group }) => group?.label === label)?.group
    ?.groupId;
  if (store === undefined || groupId === undefined) return "nothing";
  const kept = store.log
    .streams(groupId)
    // What has no place may be too old for one, and not for another (PROTOCOL 6.5).
    .filter(({ device }) => (ledger.strangers.get(device)?.misplaced.size ?? 0) === 0)
    .map(({ device, incarnation, ranges }) => {
      const held = ranges.map(({ first, last }) => `${first}-${last}`).join();
      return `${device.slice(0, 8)}/${incarnation.slice(0, 4)} ${held}`;
    })
    .toSorted()
    .join("; ");
  return kept === "" ? "nothing" : kept;
}

function membersDiffer(
  label: string,
  members: readonly HuntHost[],
  { ledger }: HuntWorld,
): string | undefined {
  return firstOf(members, (host) => {
    const group = host.messenger?.groups().find((joined) => joined.label === label);
    if (group === undefined) return `${host.name} is not in ${label}`;
    const seen = group
      .members()
      .filter(({ id }) => !ledger.isAround(id))
      .map(({ id }) => members.find((one) => one.id === id)?.name ?? `stranger ${id?.slice(0, 8)}`);
    const wanted = members.filter((member) => member !== host).map(({ name }) => name);
    if (seen.toSorted().join() !== wanted.toSorted().join()) {
      return `in ${label} ${host.name} sees ${seen.join(", ") || "nobody"}`;
    }
    const hasStrangers = group.members().length > seen.length;
    return hasStrangers || group.transport === "multicast"
      ? undefined
      : `${host.name} uses ${group.transport} in ${label}`;
  });
}
