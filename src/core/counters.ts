/** Everything the core counts, for `status` and for tests that ask whether a path was taken. */
const NAMES = [
  "datagramsReceived",
  "datagramsMalformed",
  "datagramsForged",
  "datagramsBlocked",
  "datagramsThrottled",
  "datagramsUnknown",
  "datagramsOfLaterVersions",
  "datagramsOwn",
  "beaconsSent",
  "beaconsStale",
  "peersRefused",
  "peersChallenged",
  "queriesSent",
  "answersSent",
  "answersSuppressed",
  "handshakesStarted",
  "handshakesCompleted",
  "handshakesRefused",
  "handshakesThrottled",
  "cookiesSent",
  "cookiesAccepted",
  "rekeys",
  "packetsSent",
  "packetsReceived",
  "packetsDuplicate",
  "packetsRefused",
  "packetsLost",
  "probesSent",
  "resetsSent",
  "resetsReceived",
  "messagesDelivered",
  "messagesReceived",
  "messagesDuplicate",
  "requestsExecuted",
  "requestsRepeated",
  "groupDatagramsSent",
  "groupDatagramsReceived",
  "groupDatagramsDuplicate",
  "groupHeartbeatsSent",
  "groupCopiesSent",
  "groupCopiesRefused",
  "groupDatagramsUnreadable",
  "groupDatagramsTooOld",
  "groupDatagramsPutOff",
  "groupEntriesUnknown",
  "groupKeysTaken",
  "groupKeysRefused",
  "nacksSent",
  "nacksSuppressed",
  "repairsSent",
  "repairsReceived",
  "gaps",
  "syncsStarted",
  "syncsServed",
  "syncsRefused",
  "syncBytesSent",
  "syncDatagramsSent",
  "datagramsSynced",
  "syncDatagramsRefused",
  "examinationsAnswered",
  "examinationsRefused",
  "probesNotForUs",
] as const;

export type CounterName = (typeof NAMES)[number];

export class Counters {
  readonly #counts: Record<CounterName, number>;

  constructor() {
    const zero = (name: CounterName): [CounterName, number] => [name, 0];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of these very names
    this.#counts = Object.fromEntries(NAMES.map(zero)) as Record<CounterName, number>;
  }

  add(name: CounterName, count = 1): void {
    this.#counts[name] += count;
  }

  get(name: CounterName): number {
    return this.#counts[name];
  }

  snapshot(): Readonly<Record<CounterName, number>> {
    return { ...this.#counts };
  }
}
