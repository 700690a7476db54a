/** A messenger with everything behind its local API, and a peer to talk to, on a network in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Service } from "../../src/api/service.js";
import { UdpchatError } from "../../src/errors.js";
import { KeptMessages } from "../../src/messenger/keptMessages.js";
import { Messenger } from "../../src/messenger/messenger.js";
import type { MessengerEvent } from "../../src/messenger/types.js";
import { Database } from "../../src/store/database.js";
import { MemoryMemberships } from "../../src/store/memberships.js";
import { MemoryMessageStore } from "../../src/store/memoryMessageStore.js";
import type { MessageDatabase } from "../../src/store/messageRows.js";
import type { MessageStore } from "../../src/store/messageStore.js";
import { MIGRATIONS } from "../../src/store/schema.js";
import type { SqlStatement } from "../../src/store/sql.js";
import { loadEngine } from "../../src/store/sqliteEngine.js";
import { SqlMessageStore } from "../../src/store/sqlMessageStore.js";
import { ManualClock } from "../support/manualClock.js";
import { MemorySegment } from "../support/memoryLan.js";
import { SeededRandom } from "../support/seededRandom.js";

const STEP_MS = 250;
/** Of the machine's clock: work beside the event loop (a passphrase) takes that. */
const PATIENCE_MS = 8000;

/** Names that the world resolves; all others have no address, and nobody is asked. */
const HOSTS: ReadonlyMap<string, string> = new Map([
  ["host.test", "10.0.0.2"],
  ["nobody.test", "10.0.0.99"],
]);

/** What a client can talk to. */
export class ApiWorld {
  /** Of this world alone: sockets and homes may lie there. */
  readonly folder: string;
  readonly clock: ManualClock;
  readonly service: Service;
  readonly messenger: Messenger;
  /** What `stop` does. */
  onStop: () => void = () => undefined;
  readonly #bob: Messenger;

  private constructor(folder: string, clock: ManualClock, messenger: Messenger, bob: Messenger) {
    this.folder = folder;
    this.clock = clock;
    this.messenger = messenger;
    this.#bob = bob;
    this.service = new Service(messenger, {
      standing: new MemoryMemberships(),
      onStop: () => this.onStop(),
    });
  }

  static async open(random: SeededRandom): Promise<ApiWorld> {
    const folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-api-"));
    const clock = new ManualClock();
    const segment = new MemorySegment();
    const start = (name: string, store: MessageStore): Promise<Messenger> =>
      Messenger.open(
        { name, ephemeral: true },
        {
          openLan: segment.open,
          clock,
          random: new SeededRandom(Math.floor(random.uniform() * 2 ** 32)),
          lookUp,
          openMessages: async () => new KeptMessages(store, true),
        },
      );
    const database = Database.open(await loadEngine(), join(folder, "messages.db"), MIGRATIONS);
    const alice = await start("alice", new SqlMessageStore(new UnsyncedDatabase(database)));
    const bob = await start("bob", new MemoryMessageStore());
    bob.handle(({ text }) => text);
    void ignore(bob.events());
    const world = new ApiWorld(folder, clock, alice, bob);
    await world.#meet();
    return world;
  }

  /** They know each other, and have a group and some messages. */
  async #meet(): Promise<void> {
    const { clock } = this;
    await clock.advance(3000);
    await clock.until(this.#bob.join("#ops"));
    await clock.until(this.service.call("join", { group: "#ops" }));
    await clock.until(this.service.call("send", { target: "bob", text: "hello, 午饭?" }));
    await clock.until(this.#bob.send("alice", "hi \u202e\u001b[2J"));
    await clock.until(this.service.call("say", { group: "#ops", text: "the build is green" }));
    const queued = { target: "10.0.0.2", text: "later", queue: true, id: "mine" };
    await clock.until(this.service.call("send", queued));
  }

  /**
   * Lets time pass until the promise is settled, at most so long; false if it is not. Where the
   * clock of the world has nothing to do with it, the machine's decides.
   */
  async settles(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
    const state = { settled: false };
    const mark = (): void => void (state.settled = true);
    promise.then(mark, mark);
    await this.clock.advance(0);
    for (let passedMs = 0; !state.settled && passedMs < limitMs; passedMs += STEP_MS) {
      await this.clock.advance(STEP_MS);
    }
    return state.settled;
  }

  /** The same, and then waits in earnest. Throws if it never settles. */
  async mustSettle<T>(promise: Promise<T>, what: string): Promise<T> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    while (!(await this.settles(promise, STEP_MS))) {
      if (performance.now() > giveUpAtMs) throw new Error(`it hangs: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return promise;
  }

  async close(): Promise<void> {
    await this.mustSettle(Promise.all([this.service.close(), this.#bob.close()]), "closing");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function lookUp(host: string): Promise<string> {
  const address = HOSTS.get(host);
  if (address !== undefined) return address;
  throw new UdpchatError("NAME_NOT_RESOLVED", `the name ${host} has no IPv4 address`);
}

async function ignore(events: AsyncIterable<MessengerEvent>): Promise<void> {
  for await (const _ of events);
}

/** Nobody cuts the power here: a sync of the disk for each message would take most of the time. */
class UnsyncedDatabase implements MessageDatabase {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  prepare(sql: string): SqlStatement {
    return this.#database.prepare(sql);
  }

  batch<T>(_durability: "promise" | "soon", work: () => T): T {
    return this.#database.batch("soon", work);
  }

  close(): void {
    this.#database.close();
  }
}
