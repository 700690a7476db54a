import { type Ingredient, moments, oneOf, type Scene, type Step, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { HOSTILE_TEXTS } from "./texts.js";

const MOST_LINES = 60;
const MOST_MOVES = 6;
const MOST_IN_A_BURST = 200;
const SECRET_KEY = "5a".repeat(32);

type Drawn = readonly Omit<Step, "kind">[];

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

/** Several groups by name, an address with a port, and not everybody in each. */
export const SEVERAL_GROUPS: Ingredient = {
  name: "several groups",
  draw: (scene) =>
    ["#lunch", "#Łódź", "239.7.7.7:9000"].flatMap((label) => {
      const members = everybody(scene).filter(() => scene.random.uniform() < 0.6);
      return members.length === 0 ? [] : talk(scene, label, false, members);
    }),
};

/** An open group that people leave and join again. */
export const COMING_AND_GOING: Ingredient = {
  name: "coming and going",
  draw(scene) {
    const label = "#door";
    const moves = moments(scene, MOST_MOVES).flatMap((atMs) => {
      const place = oneOf(scene.random, everybody(scene));
      const backMs = atMs + wholeBetween(scene.random, 0, 10_000);
      const isBack = scene.random.uniform() < 0.8;
      const going = {
        atMs,
        what: `${place} leaves ${label}`,
        run: (world: HuntWorld) => leave(world, place, label),
      };
      return isBack ? [going, joining(backMs, place, label, false)] : [going];
    });
    return [...talk(scene, label, false), ...moves];
  },
};

/** Many lines in one turn. */
export const GROUP_BURST: Ingredient = {
  name: "group burst",
  draw(scene) {
    const { random } = scene;
    const label = "#flood";
    const count = wholeBetween(random, 20, MOST_IN_A_BURST);
    const from = oneOf(random, everybody(scene));
    const atMs = wholeBetween(random, 0, scene.activeMs);
    return [
      ...everybody(scene).map((place) => joining(0, place, label, false)),
      {
        atMs,
        what: `${from} says ${count} things in ${label}`,
        run: (world: HuntWorld) => {
          for (let said = 0; said < count; said += 1) say(world, from, label);
        },
      },
    ];
  },
};

function everybody({ hosts }: Scene): number[] {
  return Array.from({ length: hosts }, (_, place) => place);
}

function talk(scene: Scene, label: string, secret: boolean, members = everybody(scene)): Drawn {
  const { random } = scene;
  const joins = members.map((place) => {
    const atMs = random.uniform() < 0.7 ? 0 : wholeBetween(random, 0, scene.activeMs / 2);
    return joining(atMs, place, label, secret);
  });
  const speaking = moments(scene, MOST_LINES).map((atMs) => {
    const from = oneOf(random, members);
    const sizeBytes = random.uniform() < 0.05 ? wholeBetween(random, 1000, 65_536) : 0;
    const ending = random.uniform() < 0.05 ? oneOf(random, HOSTILE_TEXTS) : "";
    return {
      atMs,
      what: `${from} says something in ${label}`,
      run: (world: HuntWorld) => say(world, from, label, sizeBytes, ending),
    };
  });
  return [...joins, ...speaking];
}

function joining(atMs: number, place: number, label: string, secret: boolean): Drawn[number] {
  return {
    atMs,
    what: `${place} joins ${label}`,
    run: (world) => join(world, place, label, secret),
  };
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
    await host.home.groupKeys.keep(canonical(label), first);
  }
  // Who is down joins when it starts.
  host.groups.set(canonical(label), secret);
  await host.join(canonical(label), { secret, kept: secret });
}

async function leave(world: HuntWorld, place: number, label: string): Promise<void> {
  const host = world.hosts[place];
  if (host === undefined) return;
  await host.leave(canonical(label));
}

/** As groups call themselves. */
function canonical(label: string): string {
  return label.normalize("NFC").toLowerCase().normalize("NFC");
}

export function say(
  world: HuntWorld,
  place: number,
  named: string,
  sizeBytes = 0,
  ending = "",
): void {
  const label = canonical(named);
  const from = world.hosts[place];
  const group = from?.messenger?.groups().find((joined) => joined.label === label);
  if (from === undefined || group === undefined) return;
  const text = world.ledger.newText(`${from.name} in ${label}${ending}`, sizeBytes);
  world.ledger.track(
    {
      kind: "say",
      // Halves of surrogate pairs are no text.
      text: Buffer.from(text).toString(),
      from,
      run: from.starts,
      to: label,
      startedAtMs: world.nowMs,
      queue: true,
      deadlineMs: Number.POSITIVE_INFINITY,
    },
    async () => ({ outcome: "said", id: await group.say(text) }),
  );
}
