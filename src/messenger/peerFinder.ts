import type { PeerView, SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import { DEFAULT_DATA_PORT } from "../wire/constants.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { LookUp } from "./hostLookup.js";
import type { Queries } from "./queries.js";
import { findPeer, type Target } from "./target.js";

/** How long the network is asked for a name that the roster does not have. */
const ASK_NETWORK_MS = 600;
/** After somebody with that name answered: time for another one of the same name to answer. */
const NAMESAKE_GRACE_MS = 150;

/** What a finder builds on. */
export interface PeerFinderParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly queries: Queries;
  readonly lookUp: LookUp;
}

/**
 * Finds whom a target means. Calls for the same name share one question, so that what is sent to
 * it stays in the order of the calls.
 */
export class PeerFinder {
  readonly #parts: PeerFinderParts;
  /** By name, while they are looked for; bounded by the calls of the application that wait. */
  readonly #lookups = new Map<string, Promise<string>>();
  readonly #questions = new Map<string, Promise<void>>();

  constructor(parts: PeerFinderParts) {
    this.#parts = parts;
  }

  /** @throws UdpchatError AMBIGUOUS_PEER, NO_SUCH_PEER, NAME_NOT_RESOLVED */
  async find(target: Target): Promise<SendTarget> {
    switch (target.kind) {
      case "address":
        return { kind: "address", to: target.to };
      case "host": {
        const peer = target.nickname === undefined ? undefined : this.#known(target.nickname);
        if (peer !== undefined) return { kind: "device", id: peer.id };
        const address = await shared(this.#lookups, target.host, this.#parts.lookUp);
        return { kind: "address", to: { address, port: target.port } };
      }
      case "peer":
        return { kind: "device", id: (await this.#peer(target.name)).id };
    }
  }

  async #peer(name: string): Promise<PeerView> {
    const known = this.#known(name);
    if (known !== undefined) return known;
    await shared(this.#questions, name, () => this.#askNetwork(name));
    const found = this.#known(name);
    if (found !== undefined) return found;
    throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} was found on this network`, {
      remedy: `see who is there with discover; for a host name write ${name}:${DEFAULT_DATA_PORT}`,
    });
  }

  #known(name: string): PeerView | undefined {
    return findPeer(
      name,
      this.#parts.driver.inspect((core) => core.peers()),
    );
  }

  #askNetwork(name: string): Promise<void> {
    const { clock, driver, queries } = this.#parts;
    return new Promise((resolve) => {
      const finish = (): void => {
        cancelTimer();
        stop();
        resolve();
      };
      let cancelTimer = clock.after(ASK_NETWORK_MS, finish);
      let found = false;
      const stop = queries.start(driver, {
        answered: (peer) => {
          if (found || findPeer(name, [peer]) === undefined) return;
          found = true;
          cancelTimer();
          cancelTimer = clock.after(NAMESAKE_GRACE_MS, finish);
        },
        closed: finish,
      });
    });
  }
}

/** One run of `start` for all who ask for the same key at the same time. */
function shared<T>(
  running: Map<string, Promise<T>>,
  key: string,
  start: (key: string) => Promise<T>,
): Promise<T> {
  const joined = running.get(key);
  if (joined !== undefined) return joined;
  const started = start(key).finally(() => running.delete(key));
  running.set(key, started);
  return started;
}
