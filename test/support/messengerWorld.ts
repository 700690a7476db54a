import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/messenger/clock.js";
import { KeptMessages } from "../../src/messenger/keptMessages.js";
import { Messenger } from "../../src/messenger/messenger.js";
import type { MessengerEvent, MessengerOptions } from "../../src/messenger/types.js";
import { MemoryMessageStore } from "../../src/store/memoryMessageStore.js";
import type { MessageStore } from "../../src/store/messageStore.js";
import { NullMessageStore } from "../../src/store/nullMessageStore.js";
import { ManualClock } from "./manualClock.js";
import { MemorySegment } from "./memoryLan.js";
import { SeededRandom } from "./seededRandom.js";

/** A clock that stops for one process when that is killed. */
class ProcessClock implements Clock {
  killed = false;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#clock.after(delayMs, () => this.#unlessKilled(callback));
  }

  endOfTurn(callback: () => void): void {
    this.#clock.endOfTurn(() => this.#unlessKilled(callback));
  }

  afterPromises(callback: () => void): void {
    this.#clock.afterPromises(() => this.#unlessKilled(callback));
  }

  #unlessKilled(callback: () => void): void {
    if (!this.killed) callback();
  }
}

/** What the disk is: it outlasts the messengers that open and close it. */
class LastingStore extends MemoryMessageStore {
  override close(): void {}
}

/** One start of a messenger, and everything that it told. */
export class Run {
  readonly messenger: Messenger;
  readonly told: MessengerEvent[] = [];
  readonly #clock: ProcessClock;
  readonly #cutOff: () => void;

  constructor(messenger: Messenger, clock: ProcessClock, cutOff: () => void) {
    this.messenger = messenger;
    this.#clock = clock;
    this.#cutOff = cutOff;
    void this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const event of this.messenger.events()) this.told.push(event);
  }

  /** Texts of the messages that were shown, in order. */
  get shown(): string[] {
    return this.told.flatMap((event) => (event.type === "message" ? [event.message.text] : []));
  }

  /** What became of messages of ours. */
  get progress(): string[] {
    return this.told.flatMap((event) =>
      event.type === "delivery" ? [`${event.progress.status} ${event.progress.to.name}`] : [],
    );
  }

  /** At once, as `kill -9` does: nothing more is done, sent or heard. */
  kill(): void {
    this.#clock.killed = true;
    this.#cutOff();
  }

  get killed(): boolean {
    return this.#clock.killed;
  }
}

/** Messengers with homes on one segment and one clock; each home outlasts its messengers. */
export class MessengerWorld {
  readonly clock = new ManualClock();
  readonly segment = new MemorySegment();
  /** By name. */
  readonly #homes = new Map<string, string>();
  readonly #stores = new Map<string, MemoryMessageStore>();
  readonly #runs: Run[] = [];
  #seed = 11;

  /** Whoever starts again has the same home. */
  async start(
    name: string,
    options: MessengerOptions = {},
    wrap: (store: MessageStore) => MessageStore = (store) => store,
  ): Promise<Run> {
    this.#seed += 1;
    const clock = new ProcessClock(this.clock);
    let cutOff = (): void => undefined;
    const messenger = await Messenger.open(
      { name, home: await this.#home(name), ...options },
      {
        openLan: async (lanOptions, handlers) => {
          const lan = await this.segment.open(lanOptions, handlers);
          cutOff = () => void lan.close();
          return lan;
        },
        clock,
        random: new SeededRandom(this.#seed),
        openMessages: async () =>
          options.store === "none"
            ? new KeptMessages(new NullMessageStore(), false)
            : new KeptMessages(wrap(this.store(name)), true),
      },
    );
    const run = new Run(messenger, clock, cutOff);
    this.#runs.push(run);
    return run;
  }

  /** Of a home. */
  store(name: string): MemoryMessageStore {
    const store = this.#stores.get(name) ?? new LastingStore();
    this.#stores.set(name, store);
    return store;
  }

  async #home(name: string): Promise<string> {
    const home = this.#homes.get(name) ?? (await mkdtemp(join(tmpdir(), "udpchat-")));
    this.#homes.set(name, home);
    return home;
  }

  /** Says goodbye; what waits for the disk is not in the hands of the clock. */
  async close(...runs: readonly Run[]): Promise<void> {
    const closing = Promise.all(runs.map(({ messenger }) => messenger.close()));
    await this.clock.advance(10_000);
    await closing;
  }

  async end(): Promise<void> {
    await this.close(...this.#runs.filter(({ killed }) => !killed));
    for (const home of this.#homes.values()) await rm(home, { recursive: true, force: true });
  }
}
