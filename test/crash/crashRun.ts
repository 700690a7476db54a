import { setTimeout as delay } from "node:timers/promises";
import type { HistoryLine } from "../../src/api/lines.js";
import { uniformBetween } from "../../src/crypto/random.js";
import { CliWorld } from "../support/cliWorld.js";
import { brief, exportOf } from "../support/histories.js";
import { SeededRandom } from "../support/seededRandom.js";
import { CrashUser } from "./crashUser.js";
import { Ledger } from "./ledger.js";
import { Traffic } from "./traffic.js";

export interface CrashOptions {
  readonly kills: number;
  /** Decides who is killed when, and who says what: not how the machine schedules it. */
  readonly seed: number;
  /** Hears how it goes. */
  readonly tell?: (line: string) => void;
}

export interface CrashReport {
  readonly kills: number;
  /** Everything that must not be; empty if all held. */
  readonly faults: readonly string[];
  /** What the run did, for people. */
  readonly summary: string;
}

const NAMES = ["alice", "bob", "carol"];
const OPEN_GROUP = "#crash";
const SECRET_GROUP = "#sealed";
const PASSPHRASE = "correct horse battery staple";
const START_MS = 60_000;
/** How long everybody may take at the end until all promises are kept. */
const SETTLE_LIMIT_MS = 60_000;
/** What comes twice, comes soon. */
const QUIET_MS = 3_000;
const POLL_MS = 250;
const TOLD_EVERY = 25;
/** Processor seconds are scarce: a start takes some, and dead daemons deliver nothing. */
const EARLY_MS = 450;
const SOON_MS = 1_800;
const LATE_MS = 6_000;

/**
 * Three daemons on the loopback interface, killed at random instants under a stream of sends and
 * group lines; then peace, and what everybody has is held against what was promised.
 */
export async function runCrashes(options: CrashOptions): Promise<CrashReport> {
  const world = new CliWorld();
  try {
    return await new CrashRun(world, options).run();
  } finally {
    await world.dispose();
  }
}

class CrashRun {
  readonly #options: CrashOptions;
  readonly #random: SeededRandom;
  readonly #world: CliWorld;
  readonly #ledger = new Ledger();
  readonly #users: readonly CrashUser[];
  readonly #startMs = performance.now();
  #kills = 0;
  #tellAtKills = TOLD_EVERY;

  constructor(world: CliWorld, options: CrashOptions) {
    this.#options = options;
    this.#world = world;
    this.#random = new SeededRandom(options.seed);
    // The last one is somewhere else after every start.
    const portOf = (i: number): number => (i < NAMES.length - 1 ? world.discoveryPort + 1 + i : 0);
    this.#users = NAMES.map((name, i) => new CrashUser(world, name, portOf(i)));
  }

  async run(): Promise<CrashReport> {
    const { kills, seed, tell } = this.#options;
    tell?.(`${kills} kills, seed ${seed}, homes in ${this.#world.folder}`);
    await this.#begin();
    const groups = [OPEN_GROUP, SECRET_GROUP];
    const [users, ledger, random] = [this.#users, this.#ledger, this.#random];
    const traffic = new Traffic({ users, groups, ledger, random });
    await Promise.all(this.#users.map((user) => this.#live(user)));
    await traffic.end();
    const quietMs = performance.now();
    const broken = await this.#settle();
    const settledMs = performance.now();
    await delay(QUIET_MS);
    broken.push(...(await this.#afterwards()));
    for (const user of this.#users) await user.endFollowing();
    const faults = [...this.#ledger.faults, ...broken];
    return { kills: this.#kills, faults, summary: this.#summary(quietMs, settledMs) };
  }

  /** All are up, know one another, and are in both groups for good. */
  async #begin(): Promise<void> {
    for (const user of this.#users) user.spawn();
    for (const user of this.#users) {
      await user.ready();
      user.follow((line) => this.#ledger.show(user.name, line));
      await user.api.call("join", { group: OPEN_GROUP });
      const secret = { group: SECRET_GROUP, secret: true, passphrase: PASSPHRASE };
      await user.api.call("join", secret);
    }
    const others = NAMES.length - 1;
    await this.#until(START_MS, async () => {
      for (const user of this.#users) {
        const groups = await user.api.call("groups", {});
        const full = groups.filter(
          (line) => line.type === "group" && line.members.length === others,
        );
        if (full.length < 2) return ["they do not see one another"];
      }
      return [];
    });
  }

  /** One user's daemon: it runs, is killed at a random instant, and starts again. */
  async #live(user: CrashUser): Promise<void> {
    const random = this.#random;
    while (this.#kills < this.#options.kills) {
      this.#kills += 1;
      const chance = random.uniform();
      // Some are killed while they start, the others at any time behind that.
      if (chance >= 0.25) await user.ready();
      const lifeMs = chance < 0.25 ? EARLY_MS : chance < 0.9 ? SOON_MS : LATE_MS;
      await delay(uniformBetween(random, 0, lifeMs));
      await user.kill();
      this.#tellNowAndThen();
      if (random.uniform() < 0.7) await delay(uniformBetween(random, 0, 600));
      user.spawn();
    }
    await user.ready();
  }

  #tellNowAndThen(): void {
    if (this.#kills < this.#tellAtKills) return;
    this.#tellAtKills = this.#kills + TOLD_EVERY;
    this.#options.tell?.(this.#progress());
  }

  /** Waits until every promise is kept; what is not kept by then. */
  async #settle(): Promise<string[]> {
    return await this.#until(SETTLE_LIMIT_MS, async () => [
      ...(await this.#queued()),
      ...this.#ledger.broken(await this.#histories()),
    ]);
  }

  /** What came too much, or was still wrong, a while later; and what restarted daemons forgot. */
  async #afterwards(): Promise<string[]> {
    const faults = this.#ledger.broken(await this.#histories());
    for (const user of this.#users) {
      const groups = await user.api.call("groups", {});
      for (const label of [OPEN_GROUP, SECRET_GROUP]) {
        if (groups.some(({ group }) => group === label)) continue;
        faults.push(`${user.name} is not in ${label} any more`);
      }
      faults.push(...user.complaints.map((line) => `${user.name} logged ${line}`));
    }
    return faults;
  }

  async #queued(): Promise<string[]> {
    const waiting = await Promise.all(
      this.#users.map(async ({ name, api }) => {
        const lines = await api.call("outbox", {});
        return lines.map(({ text }) => `${name} still has "${brief(text)}" queued`);
      }),
    );
    return waiting.flat();
  }

  async #histories(): Promise<Map<string, HistoryLine[]>> {
    const entries = await Promise.all(
      this.#users.map(async ({ name, api }): Promise<[string, HistoryLine[]]> => {
        return [name, await exportOf(api, {})];
      }),
    );
    return new Map(entries);
  }

  /** What is wrong when nothing is any more, or when the time is up. */
  async #until(limitMs: number, wrong: () => Promise<string[]>): Promise<string[]> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const faults = await wrong();
      if (faults.length === 0 || performance.now() > endMs) return faults;
      await delay(POLL_MS);
    }
  }

  #progress(): string {
    const { delivered, queued, lines } = this.#ledger.promises;
    const seconds = Math.round((performance.now() - this.#startMs) / 1000);
    const promised = `${delivered} delivered, ${queued} queued, ${lines} lines said`;
    return `${this.#kills} kills, ${promised}, ${this.#ledger.faults.length} faults, ${seconds} s`;
  }

  #summary(quietMs: number, settledMs: number): string {
    const kills = this.#users.map((user) => `${user.name} ${user.kills}`).join(", ");
    const outcomes = [...this.#ledger.outcomes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `  ${what} x ${count}`);
    return [
      `seed ${this.#options.seed}: ${this.#progress()}`,
      `kills: ${kills}; shown to followers: ${this.#ledger.shownCount}`,
      `all promises kept ${Math.round(settledMs - quietMs)} ms after the last call`,
      ...outcomes,
    ].join("\n");
  }
}
