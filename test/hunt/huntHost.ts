import type { Limits } from "../../src/core/limits.js";
import { KeptMessages } from "../../src/messenger/keptMessages.js";
import { Messenger } from "../../src/messenger/messenger.js";
import type { JoinOptions, MessengerOptions, Warning } from "../../src/messenger/types.js";
import type { MessageStore, StoredMessage } from "../../src/store/messageStore.js";
import type { Store } from "../../src/store/store.js";
import { SeededRandom } from "../support/seededRandom.js";
import { type CrashPoint, CrashPoints } from "./crashPoints.js";
import type { Disk } from "./disk.js";
import { lateHome } from "./diskHome.js";
import { Keeping } from "./diskKeeping.js";
import { LookedAtStore, WatchedStore } from "./diskWatch.js";
import { Dialect } from "./faults/laterVersionHost.js";
import { HostClock, HostTime } from "./hostClock.js";
import { stackOf } from "./ledger.js";
import { type SimCrypto, simHome } from "./simHome.js";
import { BUFFER_DATAGRAMS, NetworkCard, SimLan } from "./simLan.js";
import { watchedSuite } from "./simSuite.js";
import type { HuntWorld } from "./world.js";

/** What a sync takes on a slow disk. */
const LONGEST_FILE_MS = 40;

/** What a host is from the beginning. */
export interface HostPlan {
  /** For traces; of its own. */
  readonly name: string;
  /** As it calls itself: others may do so as well. */
  readonly nickname: string;
  /** IPv4 literal in 10.77.0.0/16. Two hosts of one address are two users of one machine. */
  readonly address: string;
  readonly dataPort: number;
  readonly crypto: SimCrypto;
  /** Bounds of the core that are tighter than usual. */
  readonly limits: Partial<Limits>;
  readonly disk: Disk;
  /** Of every start, beside what follows from the above. */
  readonly options?: MessengerOptions;
}

/** A process, from its start to its end; what it does afterwards has no effect. */
class Process {
  readonly number: number;
  readonly clock: HostClock;
  lan: SimLan | undefined;
  /** As others look at it. */
  store: MessageStore | undefined;
  /** Of the store. */
  changes = 0;
  #over = false;

  constructor(number: number, clock: HostClock) {
    this.number = number;
    this.clock = clock;
  }

  isOver(): boolean {
    return this.#over;
  }

  die(): void {
    this.#over = true;
    this.clock.die();
    void this.lan?.close();
  }
}

const NOTHING_KEPT: readonly StoredMessage[] = [];

interface TextsKept {
  readonly of: readonly StoredMessage[];
  /** Of direct messages of others. */
  readonly others: ReadonlySet<string>;
  /** By text of our own messages, the oldest of each: their states. */
  readonly own: ReadonlyMap<string, string>;
}

function textsOf(messages: readonly StoredMessage[]): TextsKept {
  const others = new Set<string>();
  const ours = new Map<string, string>();
  for (const { own, group, text, state } of messages) {
    if (own && !ours.has(text)) ours.set(text, state);
    if (!own && group === undefined) others.add(text);
  }
  return { of: messages, others, own: ours };
}

/** One start of the program on a host. */
interface Run {
  readonly process: Process;
  readonly messenger: Messenger;
}

/** A host: what outlasts its processes, and the process that runs on it. */
export class HuntHost {
  readonly plan: HostPlan;
  readonly card: NetworkCard;
  readonly time = new HostTime();
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
  #process: Process | undefined;
  /** Of the process, when it is open. */
  #run: Run | undefined;
  #starts = 0;
  /** The goodbye that is being said. */
  #closing: Promise<void> | undefined;
  #diedClosing: () => void = () => undefined;
  #opening = false;
  #textsKept = textsOf(NOTHING_KEPT);
  #waitingDatagrams = 0;

  constructor(world: HuntWorld, plan: HostPlan, seed: number) {
    this.#world = world;
    this.plan = plan;
    this.#seed = seed;
    this.card = new NetworkCard(plan.address);
    this.dialect = new Dialect(plan.crypto);
    this.home = simHome(this.dialect.crypto.identity);
  }

  get name(): string {
    return this.plan.name;
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
    return this.time.frozenUntilMs > this.#world.nowMs;
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
    return this.#texts().others;
  }

  /** How far a direct message of ours came. */
  stateOf(text: string): string {
    return this.#texts().own.get(text) ?? "not kept";
  }

  /** Of all that is kept; made anew after a change alone. */
  #texts(): TextsKept {
    const messages = this.store?.history({}) ?? NOTHING_KEPT;
    if (this.#textsKept.of !== messages) this.#textsKept = textsOf(messages);
    return this.#textsKept;
  }

  /** Its data port; undefined while nothing runs, or stands still. */
  get port(): number | undefined {
    return this.isPaused ? undefined : this.#run?.process.lan?.dataPort;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
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
    this.#starts += 1;
    const number = this.#starts;
    this.#world.note(this.name, `starts (${number})`);
    const clock = new HostClock(this.#world.timeline, this.time, (callback) =>
      this.#guarded(callback),
    );
    const process = new Process(number, clock);
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
        openMessages: (_options, _paths, warn) => this.#openMessages(process, warn),
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

  async #openMessages(process: Process, warn: (warning: Warning) => void): Promise<KeptMessages> {
    const { disk } = this.plan;
    const outside = <T>(work: Promise<T>): Promise<T> => this.#world.outside(work);
    const { store, retry } = await outside(
      disk.open({
        outside,
        onTrouble: ({ code, message }) => {
          process.changes += 1;
          if (process.isOver()) return;
          this.keeping.trouble({ code, message });
          if (code === "STORE_FAILED" && disk.fault?.kind === "broken") this.keeping.unreadable();
          // Folders have another name in every run.
          warn({ code, message: message.replaceAll(/\S*\/|\.damaged-\d+/g, ""), peer: null });
          if (code === "STORE_RESTORED") this.#lookInto(process);
        },
      }),
    );
    process.store = new LookedAtStore(
      store,
      (read) => disk.quietly(read),
      () => process.changes,
    );
    if (!process.isOver() && this.keeping.isWell) this.#lookInto(process);
    return new KeptMessages(this.#watched(process, store), true, retry);
  }

  /** The store as the process has it, which may end with every batch. */
  #watched(process: Process, store: MessageStore): MessageStore {
    const { disk } = this.plan;
    const points = this.crashPoints.watch;
    let commitsBefore = disk.commits;
    return new WatchedStore(store, {
      before: () => {
        commitsBefore = disk.commits;
        if (!process.isOver()) points.before();
      },
      wrote: (message) => {
        process.changes += 1;
        if (!process.isOver()) points.wrote(message);
      },
      done: (writes, durability) => {
        process.changes += 1;
        const isOnDisk = disk.commits > commitsBefore;
        if (!process.isOver() && isOnDisk) points.committed();
        if (process.isOver()) return;
        if (process.store !== undefined) {
          this.keeping.done(process.store, writes, durability, isOnDisk);
        }
        points.done();
      },
    });
  }

  /** A small file: written, synced and renamed. */
  #written({ clock }: Process): Promise<void> {
    const delayMs = this.#world.chance(`home of ${this.name}`).uniform() * LONGEST_FILE_MS;
    return new Promise((resolve) => clock.after(delayMs, resolve));
  }

  #lookInto({ store }: Process): void {
    const missing = store === undefined ? undefined : this.keeping.missing(store);
    if (missing !== undefined) this.#world.ledger.fault("keptStays", `${missing} at ${this.name}`);
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

  async #follow(messenger: Messenger, process: Process): Promise<void> {
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
    this.#closing = Promise.race([
      run.messenger.close(),
      new Promise<void>((gone) => {
        this.#diedClosing = gone;
      }),
    ]);
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

  /** The kernel takes datagrams for a process that does not run, as many as its buffer holds. */
  whenRunning(read: () => void): boolean {
    const { frozenUntilMs } = this.time;
    const { nowMs, agenda } = this.#world.timeline;
    if (frozenUntilMs <= nowMs) {
      this.#guarded(read);
      return true;
    }
    if (this.#waitingDatagrams >= this.card.bufferDatagrams) {
      this.#world.count("buffer overflow");
      return false;
    }
    this.#waitingDatagrams += 1;
    agenda.add(frozenUntilMs, () => {
      this.#waitingDatagrams -= 1;
      this.whenRunning(read);
    });
    return true;
  }

  /** The watch of the interfaces looks. */
  interfacesChanged(): void {
    if (!this.isPaused) this.#guarded(() => this.#run?.process.lan?.interfacesChanged());
  }

  /** The process stands still; its buffer holds so much of what arrives. */
  pause(spanMs: number, bufferDatagrams: number): void {
    this.card.bufferDatagrams = bufferDatagrams;
    this.time.frozenUntilMs = Math.max(this.time.frozenUntilMs, this.#world.nowMs + spanMs);
  }

  /** The machine stands still, and hears nothing. */
  suspend(spanMs: number, clockStops: boolean): void {
    if (this.isPaused) return;
    const { nowMs } = this.#world;
    this.time.frozenUntilMs = nowMs + spanMs;
    this.card.isAsleep = true;
    if (clockStops) this.time.standStill(nowMs);
    this.#world.at(this.time.frozenUntilMs, () => {
      if (this.isPaused) return; // peace came before, and another pause
      this.card.isAsleep = false;
      this.time.wakeUp(this.#world.nowMs);
    });
  }

  /** Its link is back: with its own address, unless somebody else has that by now. */
  restoreLink(): void {
    if (this.card.address !== undefined) return;
    const taken = new Set(this.#world.hosts.map(({ card }) => card.address));
    const own = this.plan.address;
    this.card.address = taken.has(own) ? `10.77.250.${this.#world.hosts.indexOf(this) + 1}` : own;
  }

  /** No more faults of this host. */
  recover(): void {
    this.crashPoints.disarm();
    this.plan.disk.fault = undefined;
    this.card.isAsleep = false;
    this.card.bufferDatagrams = BUFFER_DATAGRAMS;
    this.time.wakeUp(this.#world.nowMs);
    this.restoreLink();
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
