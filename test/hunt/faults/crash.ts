import type { CrashMoment, CrashPoint } from "../crashPoints.js";
import type { HuntHost } from "../huntHost.js";
import { anyHost, type Ingredient, moments, oneOf, type Scene, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_ENDS = 4;
const LONGEST_AWAY_MS = 15_000;
const MOST_POINTS = 6;
const LATEST_NTH = 12;
const MOST_WRITES = 4;

/** `kill -9`, and another start. */
export const KILL = ending("kill", (host) => host.kill());

/** The power fails, with what the disk did not have yet. */
export const POWER_CUT = ending("power cut", (host) => host.cutPower());

/** Ends as it should, and starts again. */
export const CLOSE = ending("close", (host) => host.close());

/** The process ends in the middle of a turn: at one of its batches. */
export const CRASH_IN_BATCH = crashing("crash in a batch", ({ random }) => {
  const at = oneOf(random, ["before", "within", "committing", "after"] as const);
  return at === "within" ? { at, writes: wholeBetween(random, 1, MOST_WRITES) } : { at };
});

/** The process ends when some of its datagrams have left, and others have not. */
export const CRASH_IN_SENDING = crashing("crash in sending", () => ({ at: "datagram" }));

/** The process ends when one of its batches is there and the next one is not: a turn has one. */
export const CRASH_AFTER_BATCH = crashing("crash after a batch", () => ({ at: "after" }));

/**
 * The process ends where it writes what datagrams rely on that have left in the same turn; none
 * does.
 */
export const CRASH_TOO_LATE = crashing("crash too late", () => ({ at: "tooLate" }), 2);

function ending(name: string, end: (host: HuntHost) => void | Promise<void>): Ingredient {
  return {
    name,
    draw(scene) {
      const { random, activeMs } = scene;
      return moments(scene, MOST_ENDS).flatMap((atMs) => {
        const place = anyHost(scene);
        const backMs = Math.min(activeMs, atMs + wholeBetween(random, 0, LONGEST_AWAY_MS));
        return [
          {
            atMs,
            what: `${name} of ${place}`,
            run: (world: HuntWorld) => on(world, place, end),
          },
          {
            atMs: backMs,
            what: `${place} starts`,
            run: (world: HuntWorld) => on(world, place, (host) => host.start()),
          },
        ];
      });
    },
  };
}

function crashing(
  name: string,
  momentOf: (scene: Scene) => CrashMoment,
  latestNth = LATEST_NTH,
): Ingredient {
  return {
    name,
    draw: (scene) =>
      moments(scene, MOST_POINTS).map((atMs) => {
        const { random } = scene;
        const place = anyHost(scene);
        const point: CrashPoint = {
          moment: momentOf(scene),
          nth: wholeBetween(random, 1, latestNth),
          ending: random.uniform() < 0.5 ? "kill" : "power cut",
          awayMs: wholeBetween(random, 0, LONGEST_AWAY_MS),
        };
        const { moment, nth } = point;
        const nthOf = { datagram: "datagram", tooLate: "write that is too late" };
        const where =
          moment.at === "datagram" || moment.at === "tooLate"
            ? nthOf[moment.at]
            : `batch, ${moment.at}`;
        return {
          atMs,
          what: `${point.ending} of ${place} at its ${nth}. ${where}`,
          run: (world: HuntWorld) => on(world, place, ({ crashPoints }) => crashPoints.arm(point)),
        };
      }),
  };
}

/** At a host, by its place, if there is one. */
export async function on(
  world: HuntWorld,
  place: number,
  work: (host: HuntHost) => void | Promise<void>,
): Promise<void> {
  const host = world.hosts[place];
  if (host !== undefined) await work(host);
}
