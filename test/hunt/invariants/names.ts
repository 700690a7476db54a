import { foldedName } from "../../../src/messenger/trustNames.js";
import type { HuntHost } from "../huntHost.js";
import type { Command } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { every, firstOf, type Invariant, memoryOf } from "./invariant.js";

const LOOK_EVERY_MS = 1_000;

/** For whom nicknames stand. */
export const NAMES: readonly Invariant[] = [
  {
    name: "namesakesInConflict",
    what: "Since a message to somebody was delivered his name stands for his key: another one who calls himself so is in conflict, or blocked.",
    when: "always",
    watch: (world) => world.ledger.endListeners.add((command) => pin(command, world)),
    broken: every(LOOK_EVERY_MS, (world) =>
      firstOf(world.hosts, (host) => unmarkedNamesake(host, world)),
    ),
  },
];

/** By process and folded name: the key that it stands for. Bounded by the hosts. */
const pinsIn = memoryOf(() => new Map<string, string>());

/** A process that ends may end before that is stored: the next one is not held to it. */
function keyOf({ name, starts }: HuntHost, nickname: string): string {
  return `${name} ${starts} ${foldedName(nickname)}`;
}

function pin({ kind, from, to, run, outcome, deliveredTo }: Command, world: HuntWorld): void {
  if (kind !== "send" || typeof to === "string" || outcome !== "delivered") return;
  // Somebody else may be at his address by now.
  if (run !== from.starts || deliveredTo !== to.id) return;
  const peer = from.messenger?.peers().find(({ id }) => id === to.id);
  // His name stands for somebody else.
  if (peer === undefined || peer.trust === "conflict" || peer.trust === "blocked") return;
  if (to.plan.nickname !== peer.name) return;
  const key = keyOf(from, peer.name);
  const pins = pinsIn(world);
  if (!pins.has(key)) pins.set(key, peer.id);
}

function unmarkedNamesake(host: HuntHost, world: HuntWorld): string | undefined {
  return firstOf(host.messenger?.peers() ?? [], ({ id, name, trust }) => {
    const pinned = pinsIn(world).get(keyOf(host, name));
    if (pinned === undefined || pinned === id || trust === "conflict" || trust === "blocked") {
      return undefined;
    }
    return `at ${host.name} ${name} stands for ${pinned.slice(0, 8)}, and ${id.slice(0, 8)} is ${trust}`;
  });
}
