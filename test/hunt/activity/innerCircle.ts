import type { HuntHost } from "../huntHost.js";
import { type Ingredient, moments, oneOf, type Step, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { say } from "./groupTalk.js";

const LABEL = "#inner";
const KEY = "7c".repeat(32);
const MOST_LINES = 30;

/**
 * A secret group whose first member invites the others, and keeps one of them out later. Who is
 * invited may be away, and accepts when it likes.
 */
export const INNER_CIRCLE: Ingredient = {
  name: "inner circle",
  draw(scene) {
    const { random, hosts, activeMs } = scene;
    const guests = Array.from({ length: hosts - 1 }, (_, place) => place + 1);
    const out = oneOf(random, guests);
    const inviting = guests.flatMap((guest): Omit<Step, "kind">[] => {
      const atMs = wholeBetween(random, 0, activeMs / 4);
      return [
        { atMs, what: `0 invites ${guest}`, run: (world: HuntWorld) => invite(world, guest) },
        {
          atMs: atMs + wholeBetween(random, 0, activeMs / 4),
          what: `${guest} accepts`,
          run: (world: HuntWorld) => accept(world, guest),
        },
      ];
    });
    return [
      { atMs: 0, what: `0 begins ${LABEL}`, run: begin },
      ...inviting,
      {
        atMs: wholeBetween(random, activeMs / 2, activeMs),
        what: `0 keeps ${out} out`,
        run: (world: HuntWorld) => keepOut(world, out),
      },
      ...moments(scene, MOST_LINES).map((atMs) => {
        const from = random.uniform() < 0.5 ? 0 : oneOf(random, guests);
        return {
          atMs,
          what: `${from} says something in ${LABEL}`,
          run: (world: HuntWorld) => say(world, from, LABEL),
        };
      }),
    ];
  },
};

async function begin(world: HuntWorld): Promise<void> {
  const [owner] = world.hosts;
  if (owner === undefined) return;
  world.ledger.changing.add(LABEL);
  const keys = { epoch: 0, key: KEY, retired: [], removed: [], change: undefined };
  await owner.home.groupKeys.keep(LABEL, keys);
  owner.groups.set(LABEL, true);
  await owner.join(LABEL, { secret: true, kept: true });
}

/** The owner, if it runs and is in. */
function owner({ hosts }: HuntWorld): HuntHost | undefined {
  const [first] = hosts;
  const isIn = first?.messenger?.groups().some(({ label }) => label === LABEL);
  return isIn === true ? first : undefined;
}

function invite(world: HuntWorld, place: number): void {
  const [from, to] = [owner(world), world.hosts[place]];
  if (from?.messenger === undefined || to === undefined) return;
  const timeoutMs = 5000;
  const { messenger } = from;
  other(world, from, `invite ${to.name}`, timeoutMs, () =>
    messenger.invite(to.id, LABEL, { timeoutMs }),
  );
}

async function accept(world: HuntWorld, place: number): Promise<void> {
  const host = world.hosts[place];
  if (host === undefined) return;
  await host.join(LABEL, { secret: true });
  const isIn = host.messenger?.groups().some(({ label }) => label === LABEL) === true;
  if (isIn) world.count("invitation accepted");
}

function keepOut(world: HuntWorld, place: number): void {
  const [by, out] = [owner(world), world.hosts[place]];
  if (by?.messenger === undefined || out === undefined) return;
  const { messenger } = by;
  other(world, by, `remove ${out.name}`, 1000, async () => {
    await messenger.removeMember(out.id, LABEL);
    out.groups.delete(LABEL);
    world.ledger.removals.push({ label: LABEL, by, out, atMs: world.nowMs });
    world.count("member kept out");
  });
}

/** A command that writes nothing to anybody. */
export function other(
  world: HuntWorld,
  from: HuntHost,
  text: string,
  deadlineMs: number,
  give: () => Promise<unknown>,
): void {
  world.ledger.track(
    {
      kind: "other",
      text,
      from,
      run: from.starts,
      to: "",
      startedAtMs: world.nowMs,
      queue: false,
      deadlineMs,
    },
    async () => {
      await give();
      return { outcome: "done" };
    },
  );
}
