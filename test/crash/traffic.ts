import { setTimeout as delay } from "node:timers/promises";
import type { DeliveryLine } from "../../src/api/lines.js";
import { uniformBetween } from "../../src/crypto/random.js";
import { UdpchatError } from "../../src/errors.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { type CrashUser, isAway } from "./crashUser.js";
import type { Ledger } from "./ledger.js";

export interface TrafficOptions {
  readonly users: readonly CrashUser[];
  readonly groups: readonly string[];
  readonly ledger: Ledger;
  readonly random: SeededRandom;
}

const SEND_TIMEOUT_MS = 1_000;
const QUEUE_TIMEOUT_MS = 300;
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 120;
/** Of each user: calls to `send`, and to `say`, at a time. */
const SENDERS = 3;
const SAYERS = 2;
const AWAY_MS = 30;
/** What may come of a call to a daemon that was just started, or that is killed. */
const EXPECTED = new Set(["DAEMON_NOT_RUNNING", "TIMEOUT", "NO_SUCH_PEER", "CLOSED"]);

/** A stream of sends of three kinds and of group lines, from everybody to everybody. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #running: Promise<void>[];
  #next = 1;
  #over = false;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#running = options.users.flatMap((user) => [
      ...Array.from({ length: SENDERS }, () => this.#keepOn(() => this.#send(user))),
      ...Array.from({ length: SAYERS }, () => this.#keepOn(() => this.#say(user))),
    ]);
  }

  /** Nothing new; resolves when the last call has ended. */
  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#running);
  }

  async #keepOn(work: () => Promise<void>): Promise<void> {
    const { random } = this.#options;
    while (!this.#over) {
      await work();
      await delay(uniformBetween(random, MIN_PAUSE_MS, MAX_PAUSE_MS));
    }
  }

  #text(user: CrashUser, what: string): string {
    const number = this.#next;
    this.#next += 1;
    // Some are longer than a datagram.
    const long = this.#options.random.uniform() < 0.05 ? ` ${"long ".repeat(400)}` : "";
    return `${user.name} ${number} ${what}${long}`;
  }

  #oneOf<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#options.random.uniform() * items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }

  async #send(user: CrashUser): Promise<void> {
    const { random, users } = this.#options;
    const to = this.#oneOf(users.filter((other) => other !== user));
    const chance = random.uniform();
    if (chance < 0.4) return await this.#sendPlainly(user, to);
    if (chance < 0.7) return await this.#sendQueued(user, to);
    return await this.#sendRepeatedly(user, to);
  }

  async #sendPlainly(user: CrashUser, to: CrashUser): Promise<void> {
    const text = this.#text(user, "plainly");
    const input = { target: to.id, text, timeoutMs: SEND_TIMEOUT_MS };
    this.#took(
      "send",
      user,
      to,
      text,
      await this.#tried("send", () => user.api.call("send", input)),
    );
  }

  async #sendQueued(user: CrashUser, to: CrashUser): Promise<void> {
    const text = this.#text(user, "queued");
    const input = { target: to.id, text, timeoutMs: QUEUE_TIMEOUT_MS, queue: true };
    const what = "send --queue";
    this.#took(what, user, to, text, await this.#tried(what, () => user.api.call("send", input)));
  }

  /** The same id until there is an answer, and sometimes once more. */
  async #sendRepeatedly(user: CrashUser, to: CrashUser): Promise<void> {
    const { random } = this.#options;
    const text = this.#text(user, "repeatedly");
    const id = `run-${text.split(" ", 2).join("-")}`;
    const input = { target: to.id, text, timeoutMs: QUEUE_TIMEOUT_MS, queue: true, id };
    const what = "send --queue --id";
    let again = random.uniform() < 0.5;
    while (!this.#over) {
      const line = await this.#tried(what, () => user.api.call("send", input));
      this.#took(what, user, to, text, line);
      if (line !== undefined && !again) return;
      if (line !== undefined) again = false;
      await delay(uniformBetween(random, 0, MAX_PAUSE_MS));
    }
  }

  async #say(user: CrashUser): Promise<void> {
    const { groups, ledger } = this.#options;
    const group = this.#oneOf(groups);
    const text = this.#text(user, `in ${group}`);
    const sent = await this.#tried("say", () => user.api.call("say", { group, text }));
    if (sent === undefined) return;
    ledger.count("say: sent");
    ledger.promiseLine(group, text);
  }

  #took(
    what: string,
    user: CrashUser,
    to: CrashUser,
    text: string,
    line: DeliveryLine | undefined,
  ): void {
    if (line === undefined) return;
    const { ledger } = this.#options;
    ledger.count(`${what}: ${line.status}`);
    if (line.status === "undelivered") return;
    ledger.promise({ text, from: user.name, to: to.name, status: line.status });
  }

  /** Undefined if nothing was promised. */
  async #tried<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    const { ledger } = this.#options;
    try {
      return await call();
    } catch (error) {
      const code = error instanceof UdpchatError ? error.code : "not ours";
      ledger.count(`${what}: ${code}`);
      if (!EXPECTED.has(code)) ledger.faults.push(`${what}: ${code} ${String(error)}`);
      if (isAway(error)) await delay(AWAY_MS);
      return undefined;
    }
  }
}
