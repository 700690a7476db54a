import { UdpchatError } from "../../../src/errors.js";
import type { HuntHost } from "../huntHost.js";
import { anyHost, type Ingredient, moments, oneOf, twoHosts, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { other } from "./innerCircle.js";
import { sendTo } from "./sending.js";

const MOST_READINGS = 20;
const MOST_LOOKS = 20;
const MOST_CONSUMERS = 6;
const MOST_SHORT_LIVED = 20;
const MOST_DROPS = 8;

/** People look at what they were sent. */
export const READING: Ingredient = {
  name: "reading",
  draw: (scene) =>
    moments(scene, MOST_READINGS).map((atMs) => {
      const place = anyHost(scene);
      const isPart = scene.random.uniform() < 0.5;
      return {
        atMs,
        what: `${place} reads`,
        run: (world: HuntWorld) => onHost(world, place, (host) => read(world, host, isPart)),
      };
    }),
};

async function read({ ledger }: HuntWorld, host: HuntHost, isPart: boolean): Promise<void> {
  const ids = ledger.shown
    .filter((shown) => shown.host === host && shown.message.scope === "direct")
    .flatMap(({ message }) => message.id ?? []);
  await host.messenger?.markRead(isPart ? ids.filter((_, place) => place % 2 === 0) : ids);
}

/** Queued messages that expire soon, and some that are dropped by hand. */
export const GIVING_UP: Ingredient = {
  name: "giving up",
  draw(scene) {
    const { random } = scene;
    const queueing = moments(scene, MOST_SHORT_LIVED).map((atMs) => {
      const [from, to] = twoHosts(scene);
      const ttlMs = oneOf(random, [1, 500, 3000, 10_000, 60_000]);
      return {
        atMs,
        what: `${from} queues for ${to}, for ${ttlMs} ms`,
        run: (world: HuntWorld) =>
          onHost(world, from, (host) => {
            const receiver = world.hosts[to];
            if (receiver === undefined) return;
            sendTo(world, host, receiver, { options: { queue: true, ttlMs, timeoutMs: 300 } });
          }),
      };
    });
    const dropping = moments(scene, MOST_DROPS).map((atMs) => {
      const place = anyHost(scene);
      return {
        atMs,
        what: `${place} drops what it queued first`,
        run: (world: HuntWorld) => onHost(world, place, (host) => drop(world, host)),
      };
    });
    return [...queueing, ...dropping];
  },
};

async function drop(world: HuntWorld, host: HuntHost): Promise<void> {
  const [first] = (await host.messenger?.outbox()) ?? [];
  const { messenger } = host;
  if (first === undefined || messenger === undefined) return;
  other(world, host, `drop ${first.id}`, 100, () => messenger.dropQueued(first.id));
}

/** History and export while things change: what they say agrees with what is kept. */
export const LOOKING_BACK: Ingredient = {
  name: "looking back",
  draw: (scene) =>
    moments(scene, MOST_LOOKS).map((atMs) => {
      const place = anyHost(scene);
      const limit = oneOf(scene.random, [1, 10, 100_000]);
      return {
        atMs,
        what: `${place} looks at its history`,
        run: (world: HuntWorld) => onHost(world, place, (host) => lookBack(world, host, limit)),
      };
    }),
};

async function lookBack(world: HuntWorld, host: HuntHost, limit: number): Promise<void> {
  const { messenger, store } = host;
  if (messenger === undefined || store === undefined) return;
  const kept = store.history({});
  const found = await messenger.history({ limit });
  // Its disk failed meanwhile.
  if (host.store !== store) return;
  const wanted = kept.slice(-limit).map(({ id }) => id);
  if (wanted.join() !== found.map(({ id }) => id).join()) {
    world.ledger.fault("historyAgrees", `history of ${host.name} differs from what it keeps`);
  }
  const exported = new Set<string>();
  for await (const { id, from } of messenger.exportHistory()) exported.add(`${from.id} ${id}`);
  // Nothing that was there when it began is left out, whatever came meanwhile.
  const left = kept.find(({ id, author }) => !exported.has(`${author.device} ${id}`));
  if (left !== undefined && host.store === store) {
    world.ledger.fault("historyAgrees", `the export of ${host.name} left out "${left.text}"`);
  }
}

/** Consumers of events who come and go, or never read. */
export const CONSUMERS: Ingredient = {
  name: "consumers",
  draw: (scene) =>
    moments(scene, MOST_CONSUMERS).map((atMs) => {
      const place = anyHost(scene);
      const staysMs = wholeBetween(scene.random, 0, 20_000);
      const reads = scene.random.uniform() < 0.5;
      return {
        atMs,
        what: `somebody follows ${place}${reads ? "" : " and does not read"}`,
        run: (world: HuntWorld) =>
          onHost(world, place, (host) => {
            const stop = new AbortController();
            const events = host.messenger?.events({ signal: stop.signal });
            world.at(world.nowMs + staysMs, () => stop.abort());
            if (events === undefined || !reads) return;
            void (async () => {
              for await (const event of events) world.count(`followed ${event.type}`);
            })();
          }),
      };
    }),
};

/** Somebody is shut out, and mostly let in again. */
export const BLOCKING: Ingredient = {
  name: "blocking",
  draw: (scene) =>
    moments(scene, 3).flatMap((atMs) => {
      const [by, whom] = twoHosts(scene);
      const untilMs = Math.min(scene.activeMs, atMs + wholeBetween(scene.random, 0, 20_000));
      return [
        {
          atMs,
          what: `${by} blocks ${whom}`,
          run: (world: HuntWorld) => onHost(world, by, (host) => block(world, host, whom)),
        },
        {
          atMs: untilMs,
          what: `${by} unblocks ${whom}`,
          run: (world: HuntWorld) => onHost(world, by, (host) => unblock(world, host, whom)),
        },
      ];
    }),
};

function block(world: HuntWorld, by: HuntHost, place: number): void {
  const whom = world.hosts[place];
  const { messenger } = by;
  if (whom === undefined || messenger === undefined) return;
  const never = Number.POSITIVE_INFINITY;
  // From now on it may be on the disk, also if its process ends first.
  const block = { by, whom, fromMs: never, untilMs: never };
  world.ledger.blocks.push(block);
  other(world, by, `block ${whom.name}`, 5000, async () => {
    await messenger.block(whom.id);
    block.fromMs = world.nowMs;
  });
}

/** Also when peace comes: see `blockNobody`. */
function unblock(world: HuntWorld, by: HuntHost, place: number): void {
  const whom = world.hosts[place];
  const { messenger } = by;
  if (whom === undefined || messenger === undefined) return;
  for (const block of world.ledger.blocks) {
    if (block.by === by && block.whom === whom && block.untilMs > world.nowMs) {
      block.untilMs = world.nowMs;
    }
  }
  other(world, by, `unblock ${whom.name}`, 1000, () => messenger.unblock(whom.id));
}

/**
 * Whoever may still be blocked when peace comes is let in again, also if it was told to be so: that
 * may not have come to the disk.
 */
export function blockNobody(world: HuntWorld): void {
  for (const { by, whom } of world.ledger.blocks) unblock(world, by, world.hosts.indexOf(whom));
}

const EXPECTED: ReadonlySet<string> = new Set(["CLOSED", "STORE_UNUSABLE"]);

async function onHost(
  world: HuntWorld,
  place: number,
  work: (host: HuntHost) => void | Promise<void>,
): Promise<void> {
  const host = world.hosts[place];
  if (host?.messenger === undefined) return;
  try {
    await work(host);
  } catch (error) {
    // It says goodbye, or its disk fails.
    if (!(error instanceof UdpchatError) || !EXPECTED.has(error.code)) throw error;
  }
}
