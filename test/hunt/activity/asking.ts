import type { HuntHost } from "../huntHost.js";
import type { CommandEnd } from "../ledger.js";
import { type Ingredient, moments, oneOf, twoHosts, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_QUESTIONS = 20;
const MOST_HANDLERS = 4;
const LONGEST_REPLY_MS = 40_000;

/** Requests, which every host answers at once unless it was told otherwise. */
export const ASKING: Ingredient = {
  name: "asking",
  draw(scene) {
    return moments(scene, MOST_QUESTIONS).map((atMs) => {
      const [from, to] = twoHosts(scene);
      const timeoutMs = oneOf(scene.random, [500, 5000, 30_000]);
      const times = oneOf(scene.random, [1, 1, 1, 3]);
      return {
        atMs,
        what: `${from} asks ${to}${times > 1 ? ` ${times} times` : ""}, ${timeoutMs} ms`,
        run: (world: HuntWorld) => {
          for (let asked = 0; asked < times; asked += 1) ask(world, from, to, timeoutMs);
        },
      };
    });
  },
};

type Manner = "late" | "never" | "failing" | "too long" | "refusing";

/** Whose requests are answered late, in vain, or not at all. */
export const HANDLERS: Ingredient = {
  name: "handlers",
  draw(scene) {
    const { random } = scene;
    return moments(scene, MOST_HANDLERS).map((atMs) => {
      const [at] = twoHosts(scene);
      const manner = oneOf<Manner>(random, [
        "late",
        "late",
        "never",
        "failing",
        "too long",
        "refusing",
      ]);
      const delayMs = wholeBetween(random, 1, LONGEST_REPLY_MS);
      return {
        atMs,
        what: `${at} answers ${manner} from now on`,
        run: (world: HuntWorld) => {
          const host = world.hosts[at];
          if (host !== undefined) answerIn(world, host, manner, delayMs);
        },
      };
    });
  },
};

/** Over the handler that answers at once, until the process ends. */
function answerIn(world: HuntWorld, host: HuntHost, manner: Manner, delayMs: number): void {
  const run = host.starts;
  host.messenger?.handle(
    async ({ from, text }) => {
      world.ledger.executed.push({ host, run, text, from: from.id });
      world.count(`request answered ${manner}`);
      if (manner === "failing") throw new Error(`cannot ${text}`);
      if (manner === "too long") return "long".repeat(20_000);
      await new Promise<void>((answer) => {
        if (manner !== "never") world.at(world.nowMs + delayMs, answer);
      });
      return `re: ${text}`;
    },
    { requireVerified: manner === "refusing" },
  );
}

function ask(world: HuntWorld, fromAt: number, toAt: number, timeoutMs: number): void {
  const [from, to] = [world.hosts[fromAt], world.hosts[toAt]];
  if (from !== undefined && to !== undefined) askOf(world, from, to, timeoutMs);
}

export function askOf(world: HuntWorld, from: HuntHost, to: HuntHost, timeoutMs: number): void {
  const { messenger } = from;
  if (messenger === undefined) return;
  const text = world.ledger.newText(`${from.name} asks ${to.name}`);
  const answered = async (): Promise<CommandEnd> => {
    const reply = await messenger.ask(to.id, text, { timeoutMs });
    if (reply.text !== `re: ${text}` || reply.from.id !== to.id) {
      world.ledger.fault("shownIsSaid", `${from.name} got "${reply.text}" for "${text}"`);
    }
    if (!world.ledger.executed.some((done) => done.host.id === to.id && done.text === text)) {
      world.ledger.fault("executedOnce", `"${text}" was answered and not executed`);
    }
    return { outcome: "replied" };
  };
  world.ledger.track(
    {
      kind: "ask",
      text,
      from,
      run: from.starts,
      to,
      startedAtMs: world.nowMs,
      queue: false,
      deadlineMs: timeoutMs,
    },
    answered,
  );
}
