import { type Ingredient, moments, oneOf, type Scene, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_LINES = 60;
const SECRET_KEY = "5a".repeat(32);

/** An open group of everybody, where all speak. */
export const OPEN_GROUP: Ingredient = {
  name: "open group",
  draw: (scene) => talk(scene, "224.0.1.100", false),
};

/** A secret group of everybody, who had its key before. */
export const SECRET_GROUP: Ingredient = {
  name: "secret group",
  draw: (scene) => talk(scene, "#ops", true),
};

function talk(scene: Scene, label: string, secret: boolean): ReturnType<Ingredient["draw"]> {
  const { random, hosts } = scene;
  const everybody = Array.from({ length: hosts }, (_, place) => place);
  const joining = everybody.map((place) => {
    const atMs = random.uniform() < 0.7 ? 0 : wholeBetween(random, 0, scene.activeMs / 2);
    return {
      atMs,
      what: `${place} joins ${label}`,
      run: (world: HuntWorld) => join(world, place, label, secret),
    };
  });
  const speaking = moments(scene, MOST_LINES).map((atMs) => {
    const from = oneOf(random, everybody);
    const sizeBytes = random.uniform() < 0.05 ? wholeBetween(random, 1000, 10_000) : 0;
    return {
      atMs,
      what: `${from} says something in ${label}`,
      run: (world: HuntWorld) => say(world, from, label, sizeBytes),
    };
  });
  return [...joining, ...speaking];
}

async function join(
  world: HuntWorld,
  place: number,
  label: string,
  secret: boolean,
): Promise<void> {
  const host = world.hosts[place];
  if (host === undefined) return;
  if (secret) {
    const first = { epoch: 0, key: SECRET_KEY, retired: [], removed: [], change: undefined };
    await host.home.groupKeys.keep(label, first);
  }
  // Who is down joins when it starts.
  host.groups.set(label, secret);
  await host.join(label, { secret, kept: secret });
}

function say(world: HuntWorld, place: number, label: string, sizeBytes: number): void {
  const from = world.hosts[place];
  const group = from?.messenger?.groups().find((joined) => joined.label === label);
  if (from === undefined || group === undefined) return;
  const text = world.ledger.newText(`${from.name} in ${label}`, sizeBytes);
  world.ledger.track(
    {
      kind: "say",
      text,
      from,
      run: from.starts,
      to: label,
      startedAtMs: world.nowMs,
      queue: true,
      deadlineMs: Number.POSITIVE_INFINITY,
    },
    group.say(text).then((id) => ({ outcome: "said", id })),
  );
}
