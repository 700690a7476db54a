import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import { EventQueue } from "./eventQueue.js";
import { MAX_BEHIND } from "./eventStream.js";
import { rosterPeer, type TrustReader } from "./peerShapes.js";
import type { Queries } from "./queries.js";
import type { Peer, WaitOptions } from "./types.js";
import { checkedDurationMs, DEFAULT_DISCOVER_MS } from "./waiting.js";

/** What discovery builds on. */
export interface DiscoveryParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly queries: Queries;
  readonly trust: TrustReader;
}

/**
 * Asks the network who is there: each peer as it answers, until the time is over.
 * @throws UdpchatError INVALID_DURATION
 */
export async function* discover(
  { driver, clock, queries, trust }: DiscoveryParts,
  { timeoutMs = DEFAULT_DISCOVER_MS, signal }: WaitOptions,
): AsyncGenerator<Peer, void, undefined> {
  const wholeMs = checkedDurationMs(timeoutMs);
  const answers = new EventQueue<Peer>({ capacity: MAX_BEHIND.events, signals: [signal] });
  const stop = queries.start(driver, {
    answered: (peer) => answers.push(rosterPeer(peer, trust)),
    closed: () => answers.end(),
  });
  const cancelTimer = clock.after(wholeMs, () => answers.end());
  try {
    yield* answers;
  } finally {
    cancelTimer();
    stop();
  }
}
