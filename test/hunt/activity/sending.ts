import type { SendOptions } from "../../../src/messenger/types.js";
import type { HuntHost } from "../huntHost.js";
import {
  type Ingredient,
  moments,
  oneOf,
  type Scene,
  type Step,
  twoHosts,
  wholeBetween,
} from "../plan.js";
import type { HuntWorld } from "../world.js";
import { HOSTILE_TEXTS } from "./texts.js";

const MOST_SENDS = 40;
const MOST_BURSTS = 2;
const MOST_IN_A_BURST = 200;
const MOST_LONG = 4;
const LONGEST_BYTES = 65_536;
const LONGEST_UNTIL_AGAIN_MS = 20_000;

/** Direct messages: plainly, queued, and with an id that is sent again. */
export const SENDING: Ingredient = {
  name: "sending",
  draw(scene) {
    const { random } = scene;
    return moments(scene, MOST_SENDS).flatMap((atMs) => {
      const [from, to] = twoHosts(scene);
      const queue = random.uniform() < 0.5;
      const timeoutMs = oneOf(random, [200, 1000, 5000, 30_000]);
      const sizeBytes = random.uniform() < 0.1 ? wholeBetween(random, 1000, 20_000) : 0;
      const byAddress = random.uniform() < 0.3;
      const id = random.uniform() < 0.2 ? `run-${atMs}-${from}-${to}` : undefined;
      const options: SendOptions = { queue, timeoutMs, ...(id === undefined ? {} : { id }) };
      const first = step(atMs, from, to, { options, sizeBytes, byAddress });
      if (id === undefined) return [first];
      const again = wholeBetween(random, 0, LONGEST_UNTIL_AGAIN_MS);
      return [first, step(atMs + again, from, to, { options, sizeBytes, byAddress })];
    });
  },
};

/** Hundreds of messages in one turn. */
export const BURST: Ingredient = {
  name: "burst",
  draw(scene) {
    const { random } = scene;
    return moments(scene, MOST_BURSTS).flatMap((atMs) => {
      const [from, to] = twoHosts(scene);
      const count = wholeBetween(random, 20, MOST_IN_A_BURST);
      const queue = random.uniform() < 0.5;
      const options: SendOptions = { queue, timeoutMs: oneOf(random, [5000, 60_000]) };
      return {
        atMs,
        what: `${from} sends ${count} messages to ${to}${queue ? ", queued" : ""}`,
        run: (world: HuntWorld) => {
          for (let sent = 0; sent < count; sent += 1) send(world, from, to, { options });
        },
      };
    });
  },
};

/** Messages of up to 64 KiB, and one byte more; also some in one turn. */
export const LONG_TEXTS: Ingredient = {
  name: "long texts",
  draw: (scene) =>
    some(scene, MOST_LONG, (random) => ({
      sizeBytes: oneOf(random, [
        LONGEST_BYTES,
        LONGEST_BYTES + 1,
        wholeBetween(random, 1, LONGEST_BYTES),
      ]),
      times: oneOf(random, [1, 1, 3]),
    })),
};

/** What no terminal should be shown, and what is no text at all. */
export const HOSTILE: Ingredient = {
  name: "hostile texts",
  draw: (scene) =>
    some(scene, HOSTILE_TEXTS.length, (random) => ({ ending: oneOf(random, HOSTILE_TEXTS) })),
};

/** To verified peers alone: nobody is one here. */
export const REQUIRE_VERIFIED: Ingredient = {
  name: "require verified",
  draw: (scene) => some(scene, 3, () => ({ options: { requireVerified: true } })),
};

interface Sending {
  readonly options?: SendOptions;
  readonly sizeBytes?: number;
  readonly byAddress?: boolean;
  /** Messages in one turn; default 1. */
  readonly times?: number;
  /** Behind what makes the text unique. */
  readonly ending?: string;
}

type Drawn = Omit<Step, "kind">;

/** A few messages of a kind, each plainly or queued. */
function some(scene: Scene, most: number, drawn: (random: Scene["random"]) => Sending): Drawn[] {
  return moments(scene, most).map((atMs) => {
    const [from, to] = twoHosts(scene);
    const how = drawn(scene.random);
    const queue = scene.random.uniform() < 0.5;
    const options = { queue, timeoutMs: 20_000, ...how.options };
    return step(atMs, from, to, { ...how, options });
  });
}

function step(atMs: number, from: number, to: number, how: Sending): Drawn {
  const { queue = false, timeoutMs, id } = how.options ?? {};
  const { times = 1 } = how;
  return {
    atMs,
    what: `${from} sends ${times === 1 ? "" : `${times} `}to ${to}${queue ? ", queued" : ""}, ${timeoutMs} ms${id === undefined ? "" : `, ${id}`}`,
    run: (world) => {
      for (let sent = 0; sent < times; sent += 1) send(world, from, to, how);
    },
  };
}

/** One message from here to there, now, and what becomes of it. */
function send(world: HuntWorld, fromAt: number, toAt: number, how: Sending): void {
  const [from, to] = [world.hosts[fromAt], world.hosts[toAt]];
  if (from !== undefined && to !== undefined) sendTo(world, from, to, how);
}

export function sendTo(world: HuntWorld, from: HuntHost, to: HuntHost, how: Sending): void {
  const { messenger } = from;
  if (messenger === undefined) return;
  const { options = {}, sizeBytes = 0, byAddress = false, ending = "" } = how;
  // The same text under the same id.
  const text =
    options.id === undefined
      ? world.ledger.newText(`${from.name} to ${to.name}${ending}`, sizeBytes)
      : `again ${options.id}${" long".repeat(Math.ceil(sizeBytes / 5))}`;
  const address = byAddress ? addressOf(to) : undefined;
  world.ledger.track(
    {
      kind: "send",
      // Halves of surrogate pairs are no text.
      text: Buffer.from(text).toString(),
      from,
      run: from.starts,
      to,
      address,
      clientId: options.id,
      wasSeen: messenger.peers().some(({ id, state }) => id === to.id && state === "online"),
      receiverDown: to.isUp ? undefined : to.starts,
      startedAtMs: world.nowMs,
      queue: options.queue === true,
      deadlineMs: options.timeoutMs ?? 5000,
    },
    async () => {
      const { status, id, to: by } = await messenger.send(address ?? to.id, text, options);
      const deliveredTo = status === "delivered" ? (by.id ?? undefined) : undefined;
      return { outcome: status, id, deliveredTo };
    },
  );
}

function addressOf(host: HuntHost): string {
  const port = host.messenger?.status().port ?? host.plan.dataPort;
  return `${host.card.address ?? host.plan.address}:${port}`;
}
