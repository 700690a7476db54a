import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { uniformBetween } from "../../src/crypto/random.js";
import { UdpchatError } from "../../src/errors.js";
import { oneOf } from "../support/seededRandom.js";
import { Actions, type ActionsOptions, answerTo } from "./actions.js";
import type { SoakHost } from "./soakHost.js";

/** How long it is until the next of a kind on some host, on average; half of it to one and a half. */
const ACTIONS: readonly {
  readonly what: string;
  readonly everyMs: number;
  readonly act: (actions: Actions, host: SoakHost) => Promise<void>;
}[] = [
  { what: "send", everyMs: 450, act: (actions, host) => actions.send(host) },
  { what: "send --queue", everyMs: 900, act: (actions, host) => actions.sendQueued(host) },
  { what: "send --queue --id", everyMs: 1_500, act: (actions, host) => actions.sendTwice(host) },
  { what: "send a long text", everyMs: 8_000, act: (actions, host) => actions.sendLong(host) },
  { what: "ask", everyMs: 1_000, act: (actions, host) => actions.ask(host) },
  { what: "say", everyMs: 300, act: (actions, host) => actions.say(host) },
  { what: "say a long line", everyMs: 20_000, act: (actions, host) => actions.sayLong(host) },
  { what: "discover", everyMs: 10_000, act: (actions, host) => actions.discover(host) },
  { what: "history", everyMs: 2_000, act: (actions, host) => actions.history(host) },
  { what: "export", everyMs: 30_000, act: (actions, host) => actions.export(host) },
  { what: "read", everyMs: 15_000, act: (actions, host) => actions.read(host) },
  { what: "follow events", everyMs: 4_000, act: (actions, host) => actions.follow(host) },
  { what: "visit a group", everyMs: 15_000, act: (actions, host) => actions.visit(host) },
  { what: "command", everyMs: 8_000, act: (actions, host) => actions.command(host) },
];
/** They are for so many hosts: fewer have less to do in all. */
const HOSTS = 12;
const AWAY_MS = 500;
/** Of one kind at a time: a network that is cut off for seconds holds up many. */
const MOST_UNDER_WAY = 40;
/** What may come of a call where daemons and links go away, and messages are refused in time. */
const EXPECTED: ReadonlySet<string> = new Set([
  "DAEMON_NOT_RUNNING",
  "TIMEOUT",
  "NO_SUCH_PEER",
  "CLOSED",
  "NO_HANDLER",
  "PEER_RESTARTED",
  // The program that answers was cut off from its daemon.
  "HANDLER_FAILED",
  "REFUSED",
  "ABORTED",
  "NETWORK_UNAVAILABLE",
]);

export type LoadOptions = Omit<ActionsOptions, "over">;

/** A modest stream of everything that people and programs do, from everybody to everybody. */
export class Load {
  readonly #options: LoadOptions;
  readonly #over = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    // Everybody who pauses listens to it.
    setMaxListeners(0, this.#over.signal);
    const actions = new Actions({ ...options, over: this.#over.signal });
    for (const { what, everyMs, act } of ACTIONS) {
      const scaledMs = (everyMs * HOSTS) / options.hosts.length;
      this.#every(scaledMs, what, (host) => act(actions, host));
    }
    for (const host of options.hosts) this.#running.push(this.#answer(host));
  }

  /** Nothing new; resolves when the last call has ended. */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#running);
  }

  /** Does it on some host again and again, whether or not it has ended meanwhile. */
  #every(everyMs: number, what: string, work: (host: SoakHost) => Promise<void>): void {
    const { random, hosts, tally } = this.#options;
    const underWay = new Set<Promise<void>>();
    const go = async (): Promise<void> => {
      for (;;) {
        await this.#pause([everyMs / 2, everyMs * 1.5]);
        if (this.#over.signal.aborted) break;
        if (underWay.size >= MOST_UNDER_WAY) {
          tally.count(`${what}: too many under way`);
          continue;
        }
        const one: Promise<void> = this.#tried(what, oneOf(random, hosts), work).finally(() =>
          underWay.delete(one),
        );
        underWay.add(one);
      }
      await Promise.all(underWay);
    };
    this.#running.push(go());
  }

  async #tried(
    what: string,
    host: SoakHost,
    work: (host: SoakHost) => Promise<void>,
  ): Promise<void> {
    const { tally } = this.#options;
    try {
      await work(host);
    } catch (error) {
      const code = error instanceof UdpchatError ? error.code : "not ours";
      tally.count(`${what}: ${code}`);
      if (!EXPECTED.has(code)) tally.fault(`${what} on ${host.name}: ${String(error)}`);
    }
  }

  /** Shorter at the end of the run. */
  async #pause([lowMs, highMs]: readonly [number, number]): Promise<void> {
    const pauseMs = uniformBetween(this.#options.random, lowMs, highMs);
    await delay(pauseMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
  }

  /** A program on every host that answers requests, over all its starts. */
  async #answer({ api }: SoakHost): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        for await (const line of api.stream("requests", {}, { signal })) {
          if (line.type !== "request") continue;
          await api.call("answer", { id: line.id, text: answerTo(line.text) });
        }
      } catch {
        // The daemon went away.
      }
      await this.#pause([AWAY_MS, AWAY_MS]);
    }
  }
}
