import { KeptMessages } from "../../src/messenger/keptMessages.js";
import { Messenger } from "../../src/messenger/messenger.js";
import type { JoinOptions, MessengerOptions } from "../../src/messenger/types.js";
import type { MessageStore, StoredMessage } from "../../src/store/messageStore.js";
import type { Store } from "../../src/store/store.js";
import { SeededRandom } from "../support/seededRandom.js";
import type { Disk } from "./disk.js";
import { HostClock, HostTime } from "./hostClock.js";
import { stackOf } from "./ledger.js";
import { type SimCrypto, simHome } from "./simHome.js";
import { NetworkCard, SimLan } from "./simLan.js";
import { watchedSuite } from "./simSuite.js";
import type { HuntWorld } from "./world.js";

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
  readonly disk: Disk;
  /** Of every start, beside what follows from the above. */
  readonly options?: MessengerOptions;
}

/** One start of the program on a host. */
interface Run {
  readonly number: number;
  readonly messenger: Messenger;
  readonly clock: HostClock;
  readonly lan: SimLan;
  readonly store: MessageStore;
}

/** A host: what outlasts its processes, and the process that runs on it. */
export class HuntHost {
  readonly plan: HostPlan;
  readonly card: NetworkCard;
  readonly time = new HostTime();
  readonly home: Store;
  /** Labels of the groups that it joins again at every start; true: secret. */
  readonly groups = new Map<string, boolean>();
  /** How often it left which group: each membership shows everybody anew. */
  readonly memberships = new Map<string, number>();
  readonly #world: HuntWorld;
  readonly #seed: number;
  #run: Run | undefined;
  #starts = 0;
  /** The goodbye that is being said. */
  #closing: Promise<void> | undefined;
  #diedClosing: () => void = () => undefined;
  #opening = false;
  #waitingDatagrams = 0;

  constructor(world: HuntWorld, plan: HostPlan, seed: number) {
    this.#world = world;
    this.plan = plan;
    this.#seed = seed;
    this.card = new NetworkCard(plan.address);
    this.home = simHome(plan.crypto.identity);
  }

  get name(): string {
    return this.plan.name;
  }

  /** Device key. */
  get id(): string {
    return this.plan.crypto.identity.device;
  }

  /** Undefined while nothing runs. */
  get messenger(): Messenger | undefined {
    return this.#run?.messenger;
  }

  /** Of what runs. */
  get store(): MessageStore | undefined {
    return this.#run?.store;
  }

  /** Texts of direct messages of others that are kept. */
  textsKept(): ReadonlySet<string> {
    return new Set(this.#kept(({ own, group }) => !own && group === undefined));
  }

  /** Texts of a group, in the order of display. */
  linesKept(label: string): readonly string[] {
    return this.#kept(({ group }) => group?.label === label);
  }

  #kept(fits: (message: StoredMessage) => boolean): string[] {
    return (this.store?.history({}) ?? []).filter(fits).map(({ text }) => text);
  }

  /** How far a direct message of ours came. */
  stateOf(text: string): string {
    const own = this.store?.history({}).find((kept) => kept.own && kept.text === text);
    return own?.state ?? "not kept";
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** That run in its process. */
  get timers(): number {
    return this.#run?.clock.timers ?? 0;
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
    for (const [label, secret] of this.groups) await this.join(label, { secret, kept: secret });
  }

  async #open(): Promise<void> {
    this.#starts += 1;
    const number = this.#starts;
    this.#world.note(this.name, `starts (${number})`);
    const clock = new HostClock(this.#world.timeline, this.time, (callback) =>
      this.#guarded(callback),
    );
    let lan: SimLan | undefined;
    const { crypto, disk, dataPort, nickname } = this.plan;
    const store = disk.open();
    const messenger = await Messenger.open(
      { name: nickname, ephemeral: true, port: dataPort, ...this.plan.options },
      {
        openLan: async (options, handlers) => {
          lan = this.#world.openLan(this, options, handlers);
          return lan;
        },
        clock,
        random: new SeededRandom(this.#seed + number),
        suite: watchedSuite(crypto.suite, (counter) =>
          this.#world.ledger.fault("nonceOnce", `${this.name} sealed with ${counter} again`),
        ),
        verify: crypto.verify,
        openHome: async () => this.home,
        openMessages: async () => new KeptMessages(store, true),
      },
    );
    if (lan === undefined) throw new Error("a messenger without a LAN");
    this.#run = { number, messenger, clock, lan, store };
    messenger.handle(({ from, text }) => {
      this.#world.ledger.executed.push({ host: this, run: number, text, from: from.id });
      return `re: ${text}`;
    });
    void this.#follow(messenger, number);
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

  async #follow(messenger: Messenger, number: number): Promise<void> {
    for await (const event of messenger.events()) this.#world.told(this, number, event);
  }

  /** As `kill -9` does: nothing more is done, sent or heard; what was written stays. */
  kill(): void {
    this.#end("is killed");
    this.plan.disk.killed();
  }

  /** The machine loses power: what was not made safe is lost as well. */
  cutPower(): void {
    this.#end("loses power");
    this.plan.disk.powerCut();
  }

  #end(how: string): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#world.note(this.name, how);
    this.#world.ended(run.messenger);
    this.#run = undefined;
    run.clock.die();
    void run.lan.close();
    this.#diedClosing();
    this.#world.ledger.cutOff(this, run.number);
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
    this.#run = undefined;
    run.clock.die();
    this.plan.disk.killed();
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
    this.#guarded(() => this.#run?.lan.interfacesChanged());
  }

  /** What is thrown here ends a real process. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#world.ledger.fault("noCrash", `${this.name} threw ${stackOf(error)}`);
    }
  }
}
