import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { uniformBetween } from "../../src/crypto/random.js";
import type { NamespaceLan } from "../support/namespaceLan.js";
import { oneOf, type SeededRandom } from "../support/seededRandom.js";
import type { SoakHost } from "./soakHost.js";
import type { Tally } from "./tally.js";

export interface TroubleOptions {
  readonly lan: NamespaceLan;
  readonly hosts: readonly SoakHost[];
  readonly random: SeededRandom;
  readonly tally: Tally;
}

type Span = readonly [lowMs: number, highMs: number];

/** How long it is until the next of a kind, on average; at random between half and one and a half. */
const EVERY_MS = {
  linkDown: 20_000,
  address: 30_000,
  secondInterface: 30_000,
  terminate: 30_000,
  kill: 30_000,
  partition: 60_000,
} as const;
const LINK_DOWN: Span = [1_000, 6_000];
const OTHER_ADDRESS: Span = [8_000, 30_000];
const SECOND_INTERFACE: Span = [8_000, 30_000];
const DAEMON_DOWN: Span = [0, 5_000];
const PARTITION: Span = [3_000, 10_000];
/** Another address of host n is .100 + n, that of its second interface .200 + n. */
const SUBNET = "10.77.0";

/** What happens to the network and to the daemons, one kind beside the other, until the end. */
export class Trouble {
  readonly #options: TroubleOptions;
  readonly #running: Promise<void>[];
  readonly #over = new AbortController();
  /** Hosts to which something happens: one thing at a time. */
  readonly #taken = new Set<SoakHost>();

  constructor(options: TroubleOptions) {
    this.#options = options;
    // Everybody who pauses listens to it.
    setMaxListeners(0, this.#over.signal);
    const restarting = options.hosts.filter(({ isSteady }) => !isSteady);
    this.#running = [
      this.#keepOn(EVERY_MS.linkDown, () => this.#linkDown()),
      this.#keepOn(EVERY_MS.address, () => this.#otherAddress()),
      this.#keepOn(EVERY_MS.secondInterface, () => this.#secondInterface()),
      this.#keepOn(EVERY_MS.terminate, () => this.#restart(restarting, "SIGTERM")),
      this.#keepOn(EVERY_MS.kill, () => this.#restart(restarting, "SIGKILL")),
      this.#keepOn(EVERY_MS.partition, () => this.#partition()),
    ];
  }

  /** Nothing new; resolves when everything is as it was before. */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#running);
  }

  async #keepOn(everyMs: number, work: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#pause([everyMs / 2, everyMs * 1.5]);
      if (this.#over.signal.aborted) return;
      await work();
    }
  }

  /** Shorter at the end of the run. */
  async #pause([lowMs, highMs]: Span): Promise<void> {
    const pauseMs = uniformBetween(this.#options.random, lowMs, highMs);
    await delay(pauseMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
  }

  /** With a host that nothing else happens to; nothing if there is none. */
  async #with(
    hosts: readonly SoakHost[],
    what: string,
    work: (host: SoakHost) => Promise<void>,
  ): Promise<void> {
    const { random, tally } = this.#options;
    const free = hosts.filter((host) => !this.#taken.has(host));
    if (free.length === 0) return;
    const host = oneOf(random, free);
    this.#taken.add(host);
    tally.count(`trouble: ${what}`);
    await work(host);
    this.#taken.delete(host);
  }

  async #linkDown(): Promise<void> {
    await this.#with(this.#options.hosts, "link down and up", async ({ user: { host } }) => {
      host.linkDown();
      await this.#pause(LINK_DOWN);
      host.linkUp();
    });
  }

  async #otherAddress(): Promise<void> {
    await this.#with(this.#options.hosts, "another address", async ({ index, user: { host } }) => {
      host.setAddress(`${SUBNET}.${101 + index}/24`);
      await this.#pause(OTHER_ADDRESS);
      host.setAddress(`${host.address}/24`);
    });
  }

  async #secondInterface(): Promise<void> {
    await this.#with(
      this.#options.hosts,
      "a second interface",
      async ({ index, user: { host } }) => {
        host.addInterface("eth1", `${SUBNET}.${201 + index}/24`);
        await this.#pause(SECOND_INTERFACE);
        host.removeInterface("eth1");
      },
    );
  }

  async #restart(hosts: readonly SoakHost[], how: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#with(hosts, `restart after ${how}`, async (host) => {
      await host.stop(how);
      await this.#pause(DAEMON_DOWN);
      await host.start().catch((error: unknown) => this.#options.tally.fault(String(error)));
    });
  }

  /** Two sides, at random. */
  async #partition(): Promise<void> {
    const { lan, hosts, random, tally } = this.#options;
    const side = hosts.map(({ index }) => index).filter(() => random.uniform() < 0.5);
    tally.count("trouble: partition");
    lan.partition([side, hosts.map(({ index }) => index).filter((index) => !side.includes(index))]);
    await this.#pause(PARTITION);
    lan.partition([]);
  }
}
