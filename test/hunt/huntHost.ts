import { Messenger } from "../../src/messenger/messenger.js";
import type { JoinOptions } from "../../src/messenger/types.js";
import type { MessageStore } from "../../src/store/messageStore.js";
import type { Store } from "../../src/store/store.js";
import { SeededRandom } from "../support/seededRandom.js";
import { type CrashPoint, CrashPoints } from "./crashPoints.js";
import { lateHome } from "./diskHome.js";
import { Keeping } from "./diskKeeping.js";
import { Dialect } from "./faults/laterVersionHost.js";
import { HostClock, type HostTime } from "./hostClock.js";
import { HostDatabase } from "./hostDatabase.js";
import { HostMachine } from "./hostMachine.js";
import type { HostPlan } from "./hostPlan.js";
import { HostProcess } from "./hostProcess.js";
import { KeptTexts } from "./keptTexts.js";
import { stackOf } from "./ledger.js";
import { simHome } from "./simHome.js";
import type { NetworkCard } from "./simLan.js";
import { watchedSuite } from "./simSuite.js";
import type { HuntWorld } from "./world.js";

/** What a sync takes on a slow disk. */
const LONGEST_FILE_MS = 40;

/** One start of the program on a host. */
interface Run {
  readonly process: HostProcess;
  readonly messenger: Messenger;
}

/** A host: what outlasts its processes, and the process that runs on it. */
export class HuntHost {
  readonly plan: HostPlan;
  readonly machine: HostMachine;
  readonly dialect: Dialect;
  readonly home: Store;
  /** Labels of the groups that it joins again at every start; true: secret. */
  readonly groups = new Map<string, boolean>();
  /** How often it left which group: each membership shows everybody anew. */
  readonly memberships = new Map<string, number>();
  /** What must be in its store, whatever happened to it. */
  readonly keeping = new Keeping();
  /** Where its process ends in the middle of a turn. */
  readonly crashPoints = new CrashPoints((point) => this.#dieAt(point));
  readonly #world: HuntWorld;
  readonly #seed: number;
  /** From the first moment on. */
  #process: HostProcess | undefined;
  /** Of the process, when it is open. */
  #run: Run | undefined;
  /** When each start was; bounded by the plan. */
  readonly #startsMs: number[] = [];
  /** The goodbye that is being said. */
  #closing: Promise<void> | undefined;
  #diedClosing: () => void = () => undefined;
  #opening = false;
  readonly #database: HostDatabase;
  readonly #texts = new KeptTexts();

  constructor(world: HuntWorld, plan: HostPlan, seed: number) {
    this.#world = world;
    this.plan = plan;
    this.#seed = seed;
    this.machine = new HostMachine({
      timeline: world.timeline,
      address: plan.address,
      addressesTaken: () => new Set(world.hosts.flatMap(({ card }) => card.address ?? [])),
      spareAddress: () => `10.77.250.${world.hosts.indexOf(this) + 1}`,
      run: (work) => this.#guarded(work),
      overflowed: () => world.count("buffer overflow"),
    });
    this.#database = new HostDatabase({
      disk: plan.disk,
      keeping: this.keeping,
      crashPoints: this.crashPoints,
      outside: (work) => world.outside(work),
      lost: (missing) => world.ledger.fault("keptStays", `${missing} at ${this.name}`),
    });
    this.dialect = new Dialect(plan.crypto);
    this.home = simHome(this.dialect.crypto.identity);
  }

  get name(): string {
    return this.plan.name;
  }

  get card(): NetworkCard {
    return this.machine.card;
  }

  get time(): HostTime {
    return this.machine.time;
  }

  /** Device key. */
  get id(): string {
    return this.plan.crypto.identity.device;
  }

  /** Undefined while nothing runs, or stands still: nobody can call it then. */
  get messenger(): Messenger | undefined {
    return this.isPaused ? undefined : this.#run?.messenger;
  }

  get isPaused(): boolean {
    return this.machine.isPaused;
  }

  /** Of what runs, to be read. Undefined while its disk fails: memory alone may not have all. */
  get store(): MessageStore | undefined {
    return this.keeping.isWell ? this.#run?.process.store : undefined;
  }

  /** Of what runs: another number after every change of its store. */
  get storeChanges(): number {
    return this.#run?.process.changes ?? 0;
  }

  /** Texts of direct messages of others that are kept. */
  textsKept(): ReadonlySet<string> {
    return this.#texts.of(this.store).others;
  }

  /** How far a direct message of ours came. */
  stateOf(text: string): string {
    return this.#texts.of(this.store).own.get(text) ?? "not kept";
  }

  /** Its data port; undefined while nothing runs, or stands still. */
  get port(): number | undefined {
    return this.isPaused ? undefined : this.#run?.process.lan?.dataPort;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#startsMs.length;
  }

  /** When it was started for the `run`th time, 1 the first; undefined before. */
  startedAtMs(run: number): number | undefined {
    return this.#startsMs[run - 1];
  }

  /** That run in its process. */
  get timers(): number {
    return this.#run?.process.clock.timers ?? 0;
  }

  get isUp(): boolean {
    return this.#run !== undefined;
  }

  /** Settles when it runs, or when the start failed. One that says goodbye is waited for. */
  async start(): Promise<void> {
    await this.#closing;
    if (this.#run !== undefined || this.#opening) return;
    this.#opening = true;
    try {
      await this.#open();
    } finally {
      this.#opening = false;
    }
    await this.joinAll();
  }

  /** Every group that it shall be in. */
  async joinAll(): Promise<void> {
    for (const [label, secret] of this.groups) await this.join(label, { secret, kept: secret });
  }

  async #open(): Promise<void> {
    this.#startsMs.push(this.#world.nowMs);
    const number = this.starts;
    this.#world.note(this.name, `starts (${number})`);
    const clock = new HostClock(this.#world.timeline, this.time, (callback) =>
      this.#guarded(callback),
    );
    const process = new HostProcess(number, clock);
    this.#process = process;
    const { dataPort, nickname } = this.plan;
    const { crypto } = this.dialect;
    const messenger = await Messenger.open(
      { name: nickname, ephemeral: true, port: dataPort, ...this.plan.options },
      {
        openLan: async (options, handlers) => {
          const lan = this.#world.openLan(this, options, handlers);
          process.lan = lan;
          if (process.isOver()) await lan.close();
          return lan;
        },
        clock,
        random: new SeededRandom(this.#seed + number),
        suite: watchedSuite(crypto.suite, (counter) =>
          this.#world.ledger.fault("nonceOnce", `${this.name} sealed with ${counter} again`),
        ),
        verify: crypto.verify,
        limits: this.plan.limits,
        openHome: async () => lateHome(this.home, () => this.#written(process)),
        openMessages: (_options, _paths, warn) => this.#database.open(process, warn),
      },
    );
    if (process.isOver()) return;
    this.#run = { process, messenger };
    messenger.handle(({ from, text }) => {
      if (!process.isOver()) {
        this.#world.ledger.executed.push({ host: this, run: number, text, from: from.id });
      }
      return `re: ${text}`;
    });
    void this.#follow(messenger, process);
  }

  /** A small file: written, synced and renamed. */
  #written({ clock }: HostProcess): Promise<void> {
    const delayMs = this.#world.chance(`home of ${this.name}`).uniform() * LONGEST_FILE_MS;
    return new Promise((resolve) => clock.after(delayMs, resolve));
  }

  /** A datagram of its process is about to leave; false if it does not. */
  sending(): boolean {
    const process = this.#process;
    this.crashPoints.sending();
    return process?.isOver() !== true;
  }

  /** Joins now and at every start. */
  async join(label: string, options: JoinOptions = {}): Promise<void> {
    try {
      await this.messenger?.join(label, options);
      this.groups.set(label, options.secret === true);
    } catch (error) {
      this.#world.note(this.name, `cannot join ${label}: ${String(error)}`);
    }
  }

  /** Not joined at later starts either. Nobody can tell so to a process that stands still. */
  async leave(label: string): Promise<void> {
    if (this.isPaused) return;
    this.groups.delete(label);
    const group = this.messenger?.groups().find((joined) => joined.label === label);
    if (group === undefined) return;
    await group.leave();
    this.memberships.set(label, (this.memberships.get(label) ?? 0) + 1);
  }

  async #follow(messenger: Messenger, process: HostProcess): Promise<void> {
    for await (const event of messenger.events()) {
      if (!process.isOver()) this.#world.told(this, process.number, event);
    }
  }

  /**
   * As `kill -9` does: nothing more is done, sent or heard; what was written stays.
   * @param torn in the middle of a commit
   */
  kill(torn = false): void {
    this.#end("is killed");
    this.keeping.killed();
    this.plan.disk.killed(this.#diskChance, torn);
  }

  /**
   * The machine loses power: what was not made safe is lost as well.
   * @param torn in the middle of a commit
   */
  cutPower(torn = false): void {
    this.#end("loses power");
    this.keeping.powerCut();
    this.plan.disk.powerCut(this.#diskChance, torn);
  }

  get #diskChance(): SeededRandom {
    return this.#world.chance(`disk of ${this.name}`);
  }

  #dieAt({ moment, ending, awayMs }: CrashPoint): void {
    this.#world.count(`${ending} ${moment.at}`);
    this.#world.note(this.name, `reaches its crash point: ${moment.at}`);
    const torn = moment.at === "committing";
    if (ending === "kill") this.kill(torn);
    else this.cutPower(torn);
    this.#world.at(this.#world.nowMs + awayMs, () => void this.start());
  }

  #end(how: string): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#world.note(this.name, how);
    if (this.#run !== undefined) this.#world.ended(this.#run.messenger);
    this.#process = undefined;
    this.#run = undefined;
    process.die();
    this.#diedClosing();
    this.#world.ledger.cutOff(this, process.number);
    this.time.frozenUntilMs = 0;
  }

  /** Says goodbye and ends; settles when it is gone. */
  async close(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    this.#world.note(this.name, "closes");
    // First: it may die within the call.
    const died = new Promise<void>((gone) => {
      this.#diedClosing = gone;
    });
    this.#closing = Promise.race([run.messenger.close(), died]);
    await this.#closing;
    this.#closing = undefined;
    // Killed meanwhile.
    if (this.#run !== run) return;
    this.#world.ended(run.messenger);
    this.#process = undefined;
    this.#run = undefined;
    run.process.die();
    this.keeping.killed();
    this.plan.disk.killed(this.#diskChance, false);
  }

  /** The watch of the interfaces looks. */
  interfacesChanged(): void {
    if (!this.isPaused) this.#guarded(() => this.#run?.process.lan?.interfacesChanged());
  }

  /** No more faults of this host. */
  recover(): void {
    this.crashPoints.disarm();
    this.plan.disk.head.fault = undefined;
    this.machine.recover();
    this.interfacesChanged();
  }

  /** What is thrown here ends a real process. */
  #guarded(work: () => void): void {
    const process = this.#process;
    this.crashPoints.turn();
    try {
      work();
    } catch (error) {
      // It was cut off in the middle, and went on for nothing.
      if (process?.isOver() === true) return;
      this.#world.ledger.fault("noCrash", `${this.name} threw ${stackOf(error)}`);
    }
  }
}
