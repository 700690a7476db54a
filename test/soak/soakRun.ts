import { cpSync, mkdirSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LanUsers } from "../support/lanUsers.js";
import { SeededRandom } from "../support/seededRandom.js";
import { begin, fillEventLogs } from "./beginning.js";
import { type Calm, calmDown } from "./calm.js";
import { Load } from "./load.js";
import { type LeakKind, SAMPLE_EVERY_MS, spawnProbed } from "./probed.js";
import { PromisedMessages } from "./promised.js";
import { figuresOf, type Sample } from "./sample.js";
import { SoakHost } from "./soakHost.js";
import { Tally } from "./tally.js";
import { Trouble } from "./trouble.js";
import { type Judgement, judge } from "./verdict.js";

export interface SoakOptions {
  /** Of load and trouble; beginning, filling and calming down come on top. */
  readonly minutes: number;
  readonly hosts: number;
  readonly seed: number;
  /** Folder with the built program: `bin`, `dist/bin`, `node_modules`. */
  readonly program: string;
  /** One daemon that is never restarted leaks on purpose. */
  readonly leak?: LeakKind | undefined;
  readonly tell: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  readonly minutes: number;
  /** Nothing before this minute is judged. */
  readonly warmUpMinutes: number;
  readonly hosts: readonly SoakHost[];
  /** A process on the same machine that does nothing. */
  readonly machine: readonly Sample[];
  readonly judgements: readonly Judgement[];
  readonly calm: Calm;
  readonly counts: Readonly<Record<string, number>>;
  /** Everything that must not be; empty if all held. */
  readonly faults: readonly string[];
}

const LOSS_PERCENT = 20;
/** At rest, before anything is said. */
const REST_MS = 25_000;
/** Of the minutes; but two at least, in which code is compiled and sessions are opened. */
const WARM_UP_SHARE = 0.2;
const SHORTEST_WARM_UP_MINUTES = 2;
const LONGEST_WARM_UP_MINUTES = 10;
const MS_PER_MINUTE = 60_000;
const TOLD_EVERY_MS = 60_000;
/** Exit code after Ctrl-C. */
const INTERRUPTED = 130;
/** At rest again, a daemon has as many open descriptors and handles as it had before, and these. */
const MOST_MORE_AT_REST = 3;

/** Daemons on a bad network for a chosen time; then peace, and what became of everything. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const users = new LanUsers(options.hosts);
  const run = new SoakRun(users, options);
  let disposed: Promise<void> | undefined;
  const dispose = (): Promise<void> => {
    disposed ??= run.dispose().then(() => users.dispose());
    return disposed;
  };
  const interrupt = (): void => void dispose().finally(() => process.exit(INTERRUPTED));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    return await run.run();
  } finally {
    await dispose();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
  }
}

class SoakRun {
  readonly #options: SoakOptions;
  readonly #users: LanUsers;
  /** Of the built program. */
  readonly #bin: string;
  readonly #hosts: readonly SoakHost[];
  readonly #machine: Sample[] = [];
  readonly #tally: Tally;
  readonly #promised = new PromisedMessages();
  #startMs = performance.now();

  constructor(users: LanUsers, options: SoakOptions) {
    this.#options = options;
    this.#users = users;
    this.#tally = new Tally(options.tell);
    const bin = copyOfProgram(options.program, join(users.folder, "program"));
    this.#bin = bin;
    this.#hosts = Array.from({ length: options.hosts }, (_, index) => {
      const isSteady = index % 2 === 0;
      const name = `${isSteady ? "steady" : "moving"}${index}`;
      return new SoakHost({
        index,
        user: users.user(index, name, bin),
        isSteady,
        bin,
        leak: index === 0 ? options.leak : undefined,
        minute: () => this.#minute(),
      });
    });
  }

  async run(): Promise<SoakReport> {
    const { tell, minutes, seed } = this.#options;
    tell(`seed ${seed}, ${this.#hosts.length} hosts, ${minutes} minutes, in ${this.#users.folder}`);
    const machine = this.#watchMachine();
    try {
      return await this.#watched();
    } finally {
      machine.kill("SIGKILL");
    }
  }

  /** Ends all daemons. */
  async dispose(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.dispose()));
  }

  async #watched(): Promise<SoakReport> {
    const { minutes, seed, tell } = this.#options;
    await begin(this.#hosts);
    await delay(REST_MS);
    const rest = new Map(this.#hosts.map((host) => [host, host.samples.at(-1)]));
    await fillEventLogs(this.#hosts);
    await this.#loadAndTrouble();
    tell("the load and the trouble are over; waiting for calm");
    const calm = await calmDown(this.#hosts, this.#promised);
    await delay(2 * SAMPLE_EVERY_MS);
    const warmUpMinutes = warmUpOf(minutes);
    const steady = this.#hosts.filter(({ isSteady }) => isSteady);
    const judgements = steady.flatMap(({ name, samples }) =>
      judge({ host: name, samples }, this.#machine, {
        fromMinute: warmUpMinutes,
        toMinute: minutes,
      }),
    );
    const faults = [
      ...this.#tally.faults,
      ...calm.broken,
      ...this.#hosts.flatMap(({ accidents }) => accidents),
      ...this.#hosts.flatMap(({ name, complaints }) =>
        complaints.map((line) => `${name} logged ${line}`),
      ),
      ...steady.flatMap((host) => moreAtRest(host, rest.get(host), host.samples.at(-1))),
    ];
    return {
      seed,
      minutes,
      warmUpMinutes,
      hosts: this.#hosts,
      machine: this.#machine,
      judgements,
      calm,
      counts: this.#tally.counts,
      faults,
    };
  }

  #minute(): number {
    return (performance.now() - this.#startMs) / MS_PER_MINUTE;
  }

  async #loadAndTrouble(): Promise<void> {
    const { minutes, tell } = this.#options;
    const [hosts, tally, promised] = [this.#hosts, this.#tally, this.#promised];
    const random = new SeededRandom(this.#options.seed);
    const guests = hosts.map(({ index }) => this.#users.user(index, `guest${index}`, this.#bin));
    const lan = this.#users.lan;
    lan.setLoss(LOSS_PERCENT);
    this.#startMs = performance.now();
    for (const samples of [this.#machine, ...hosts.map((host) => host.samples)]) samples.length = 0;
    const load = new Load({ hosts, guests, random, tally, promised });
    const trouble = new Trouble({ lan, hosts, random, tally });
    const telling = setInterval(() => tell(this.#progress()), TOLD_EVERY_MS);
    await delay(minutes * MS_PER_MINUTE);
    clearInterval(telling);
    await Promise.all([load.end(), trouble.end()]);
    lan.setLoss(0);
  }

  #watchMachine(): ReturnType<typeof spawnProbed> {
    return spawnProbed(["--eval", "setInterval(() => undefined, 60_000)"], {
      log: openSync(join(this.#users.folder, "machine.log"), "a"),
      folder: this.#users.folder,
      onLine: (line) => {
        this.#machine.push({ minute: this.#minute(), life: 0, figures: figuresOf(line, 0) });
      },
    });
  }

  #progress(): string {
    const cpu = this.#hosts.map(({ samples }) => samples.at(-1)?.figures.cpuPercent ?? 0);
    const busy = cpu.reduce((sum, percent) => sum + percent, 0);
    const heaps = this.#hosts
      .filter(({ isSteady }) => isSteady)
      .map(({ samples }) => samples.at(-1)?.figures.heapMiB.toFixed(1));
    const faults = this.#tally.faults.length;
    return `minute ${Math.round(this.#minute())}: daemons use ${Math.round(busy)} % of a core, heaps ${heaps.join(" ")} MiB, ${faults} faults`;
  }
}

function warmUpOf(minutes: number): number {
  const wanted = Math.max(minutes * WARM_UP_SHARE, SHORTEST_WARM_UP_MINUTES);
  return Math.min(wanted, LONGEST_WARM_UP_MINUTES, minutes / 2);
}

/** What is built anew meanwhile is not what runs. Returns the path of the executable. */
function copyOfProgram(from: string, to: string): string {
  mkdirSync(join(to, "dist"), { recursive: true });
  for (const part of ["bin", "dist/bin", "package.json"]) {
    cpSync(join(from, part), join(to, part), { recursive: true });
  }
  symlinkSync(join(from, "node_modules"), join(to, "node_modules"));
  return join(to, "bin/udpchat.js");
}

/** Open at rest at the end, and not at the beginning. */
function moreAtRest(
  { name }: SoakHost,
  before: Sample | undefined,
  after: Sample | undefined,
): string[] {
  if (before === undefined || after === undefined) return [`${name} was not sampled at rest`];
  return (["descriptors", "handles"] as const).flatMap((figure) => {
    const [then, now] = [before.figures[figure], after.figures[figure]];
    if (now <= then + MOST_MORE_AT_REST) return [];
    return [`${name} has ${now} ${figure} at rest, and had ${then} before`];
  });
}
