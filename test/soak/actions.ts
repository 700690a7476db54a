import type { DeliveryLine } from "../../src/api/lines.js";
import type { Input } from "../../src/api/operations.js";
import { uniformBetween } from "../../src/crypto/random.js";
import type { LanUser } from "../support/lanUsers.js";
import { oneOf, type SeededRandom } from "../support/seededRandom.js";
import { COMMANDS } from "./commands.js";
import { GROUPS, VISITED, YARD } from "./groups.js";
import type { PromisedMessages } from "./promised.js";
import type { SoakHost } from "./soakHost.js";
import type { Tally } from "./tally.js";

export interface ActionsOptions {
  readonly hosts: readonly SoakHost[];
  /** Somebody on the same host, by its number, who has no daemon. */
  readonly guests: readonly LanUser[];
  readonly random: SeededRandom;
  readonly tally: Tally;
  readonly promised: PromisedMessages;
  /** Ends what would take its time. */
  readonly over: AbortSignal;
}

const SEND_TIMEOUT_MS = 3_000;
const QUEUE_TIMEOUT_MS = 500;
const LONG_TIMEOUT_MS = 10_000;
const ASK_TIMEOUT_MS = 5_000;
const DISCOVER_MS = 500;
const STAY_MS = [5_000, 45_000] as const;
const LONG_CHARACTERS = [2_000, 30_000] as const;
const LONG_LINE_CHARACTERS = [1_500, 6_000] as const;
const HISTORY_LIMIT = 50;
const EXPORT_MS = 60_000;

/** What people and programs do, each once, on a host; they reject with what the API rejects with. */
export class Actions {
  readonly #options: ActionsOptions;
  #next = 1;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  #text(host: SoakHost, what: string, characters = 0): string {
    const number = this.#next;
    this.#next += 1;
    return `${host.name} ${number} ${what}`.padEnd(characters, " and so on");
  }

  #length([low, high]: readonly [number, number]): number {
    return Math.round(uniformBetween(this.#options.random, low, high));
  }

  #other(host: SoakHost): SoakHost {
    const { random, hosts } = this.#options;
    return oneOf(
      random,
      hosts.filter((each) => each !== host),
    );
  }

  async #deliver(
    what: string,
    from: SoakHost,
    to: SoakHost,
    input: Omit<Input<"send">, "target">,
  ): Promise<DeliveryLine> {
    const { tally, promised, random } = this.#options;
    // By key or by nickname.
    const target = random.uniform() < 0.7 ? to.id : to.name;
    const line = await from.api.call("send", { target, ...input });
    tally.count(`${what}: ${line.status}`);
    promised.take(input.text, from, to, line);
    return line;
  }

  async send(host: SoakHost): Promise<void> {
    const text = this.#text(host, "sent");
    await this.#deliver("send", host, this.#other(host), { text, timeoutMs: SEND_TIMEOUT_MS });
  }

  async sendQueued(host: SoakHost): Promise<void> {
    const text = this.#text(host, "queued");
    const input = { text, timeoutMs: QUEUE_TIMEOUT_MS, queue: true };
    await this.#deliver("send --queue", host, this.#other(host), input);
  }

  async sendTwice(host: SoakHost): Promise<void> {
    const text = this.#text(host, "sent twice");
    const id = `soak-${text.replaceAll(" ", "-")}`;
    const input = { text, timeoutMs: QUEUE_TIMEOUT_MS, queue: true, id };
    const to = this.#other(host);
    await this.#deliver("send --queue --id", host, to, input);
    await this.#deliver("send --queue --id, again", host, to, input);
  }

  async sendLong(host: SoakHost): Promise<void> {
    const text = this.#text(host, "long", this.#length(LONG_CHARACTERS));
    const input = { text, timeoutMs: LONG_TIMEOUT_MS, queue: true };
    await this.#deliver("send a long text", host, this.#other(host), input);
  }

  async ask(host: SoakHost): Promise<void> {
    const { tally } = this.#options;
    const text = this.#text(host, "asked");
    const target = this.#other(host).id;
    const reply = await host.api.call("ask", { target, text, timeoutMs: ASK_TIMEOUT_MS });
    tally.count("ask: answered");
    if (reply.text !== answerTo(text)) tally.fault(`"${text}" was answered "${reply.text}"`);
  }

  async say(host: SoakHost): Promise<void> {
    await this.#sayLine("say", host, 0);
  }

  async sayLong(host: SoakHost): Promise<void> {
    await this.#sayLine("say a long line", host, this.#length(LONG_LINE_CHARACTERS));
  }

  /** Half of what is said is said to everybody. */
  async #sayLine(what: string, host: SoakHost, characters: number): Promise<void> {
    const { random, tally } = this.#options;
    const others = GROUPS.filter((group) => group !== YARD && group.holds(host.index));
    const { label } = random.uniform() < 0.5 || others.length === 0 ? YARD : oneOf(random, others);
    const text = this.#text(host, `in ${label}`, characters);
    await host.api.call("say", { group: label, text });
    tally.count(`${what}: sent`);
  }

  async discover({ api }: SoakHost): Promise<void> {
    const found = await linesIn(api.stream("discover", { timeoutMs: DISCOVER_MS }));
    this.#options.tally.count(`discover: ${found === 0 ? "nobody" : "peers"}`);
  }

  async history(host: SoakHost): Promise<void> {
    const { random, tally } = this.#options;
    const filter = oneOf(random, [
      {},
      { query: "queued" },
      { group: YARD.label },
      { peer: this.#other(host).id },
    ]);
    await host.api.call("history", { ...filter, limit: HISTORY_LIMIT });
    tally.count("history: answered");
  }

  async export({ api }: SoakHost): Promise<void> {
    const since = new Date(Date.now() - EXPORT_MS).toISOString();
    await linesIn(api.stream("export", { since }));
    this.#options.tally.count("export: to the end");
  }

  /** A person looks at what came. */
  async read({ api }: SoakHost): Promise<void> {
    const lines = await api.call("history", { limit: HISTORY_LIMIT });
    const unread = lines.filter(({ scope, state }) => scope === "direct" && state === "unread");
    if (unread.length === 0) return;
    await api.call("read", { ids: unread.map(({ id }) => id) });
    this.#options.tally.count("read: marked");
  }

  /**
   * Until somebody who came has had enough, or the end. Not `AbortSignal.any` of a timeout: on Node
   * 20 that one never aborts once garbage was collected.
   */
  #stay(): AbortSignal {
    const { over } = this.#options;
    const leaving = new AbortController();
    const leave = (): void => {
      clearTimeout(timer);
      over.removeEventListener("abort", leave);
      leaving.abort();
    };
    const timer = setTimeout(leave, this.#length(STAY_MS));
    over.addEventListener("abort", leave);
    return leaving.signal;
  }

  async follow({ api }: SoakHost): Promise<void> {
    const signal = this.#stay();
    await linesIn(api.stream("events", {}, { signal }));
    this.#options.tally.count("follow events: left");
  }

  /** Is a member for a while, as in a chat window, and says a line. */
  async visit(host: SoakHost): Promise<void> {
    const signal = this.#stay();
    for await (const line of host.api.stream("chat", { group: VISITED }, { signal })) {
      if (line.type !== "group") continue;
      const text = this.#text(host, "visiting");
      await host.api.call("say", { group: VISITED, text }, { signal });
    }
    this.#options.tally.count("visit a group: left");
  }

  /** A process that does one thing and ends, with the daemon or without one. */
  async command(host: SoakHost): Promise<void> {
    const { random, tally, guests } = this.#options;
    const { what, isAlone, argv } = oneOf(random, COMMANDS);
    const user = isAlone ? guests[host.index] : host.user;
    if (user === undefined) return;
    const { name, user: other } = this.#other(host);
    const text = this.#text(host, "on the command line");
    const line = [what, ...argv({ name, address: other.host.address, text })];
    const { code, stderr } = await user.run(line);
    tally.count(`command ${what}${isAlone ? " alone" : ""}: exit code ${code}`);
    if (code === 1 || code < 0) tally.fault(`${line.join(" ")}: ${code} ${stderr}`);
  }
}

/** Reads to the end; how many there were. */
async function linesIn(stream: AsyncIterable<{ readonly type: string }>): Promise<number> {
  let count = 0;
  for await (const { type } of stream) count += type === "" ? 0 : 1;
  return count;
}

/** What the answering program replies. */
export function answerTo(text: string): string {
  return `re: ${text}`;
}
