import type { CounterName } from "../../src/core/counters.js";
import type { Host } from "./coreWorld.js";
import type { FuzzVerdict } from "./target.js";

/** What a core counts when it drops something. */
const REFUSALS: ReadonlySet<string> = new Set<CounterName>([
  "datagramsMalformed",
  "datagramsForged",
  "datagramsBlocked",
  "datagramsThrottled",
  "datagramsUnknown",
  "datagramsOfLaterVersions",
  "datagramsOwn",
  "beaconsStale",
  "peersRefused",
  "answersSuppressed",
  "handshakesRefused",
  "handshakesThrottled",
  "packetsDuplicate",
  "packetsRefused",
  "messagesDuplicate",
  "groupCopiesRefused",
  "groupDatagramsDuplicate",
  "groupDatagramsUnreadable",
  "groupDatagramsTooOld",
  "groupDatagramsPutOff",
  "groupKeysRefused",
  "syncsRefused",
  "syncDatagramsRefused",
]);
const ALWAYS: CounterName = "datagramsReceived";

/** Tells whether a core did more with an input than count and drop it. */
export class Progress {
  readonly #host: Host;
  #counts: Readonly<Record<string, number>>;
  #said = 0;

  constructor(host: Host) {
    this.#host = host;
    this.#counts = host.core.counters();
  }

  /** Since the last call. */
  verdict(): FuzzVerdict {
    const { core, eventCount, transmitCount } = this.#host;
    const before = this.#counts;
    this.#counts = core.counters();
    const said = eventCount + transmitCount;
    const isNews = said !== this.#said;
    this.#said = said;
    let isAdvance = false;
    for (const [name, count] of Object.entries(this.#counts)) {
      if (count === before[name] || name === ALWAYS) continue;
      if (REFUSALS.has(name)) return "refused";
      isAdvance = true;
    }
    return isAdvance || isNews ? "accepted" : "refused";
  }
}
