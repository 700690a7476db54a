import type { PeerView, SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import { DEFAULT_DATA_PORT } from "../wire/constants.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { LookUp } from "./hostLookup.js";
import type { Queries } from "./queries.js";
import { assertOnePeer, findPeer, findSimilar, type Target } from "./target.js";

/** How long the network is asked for a name that the roster does not have. */
const ASK_NETWORK_MS = 600;
/** After somebody with that name answered: time for another one of the same name to answer. */
const NAMESAKE_GRACE_MS = 150;

type TargetOf<Kind extends Target["kind"]> = Extract<Target, { readonly kind: Kind }>;

/** What a finder builds on. */
export interface PeerFinderParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly queries: Queries;
  readonly lookUp: LookUp;
  /** Addresses that mean everybody on a network. */
  readonly broadcasts: () => readonly string[];
}

/**
 * Finds whom a target means. Calls for the same target share one search for as long as it takes,
 * so that what is sent to it stays in the order of the calls.
 */
export class PeerFinder {
  readonly #parts: PeerFinderParts;
  /** By target, while it is looked for; bounded by the calls of the application that wait. */
  readonly #searches = new Map<string, Promise<SendTarget>>();

  constructor(parts: PeerFinderParts) {
    this.#parts = parts;
  }

  /** @throws UdpchatError AMBIGUOUS_PEER, INVALID_TARGET, NO_SUCH_PEER, NAME_NOT_RESOLVED */
  async find(target: Target): Promise<SendTarget> {
    const found = await this.#search(target);
    if (found.kind === "address") assertOnePeer(found.to, this.#parts.broadcasts());
    return found;
  }

  async #search(target: Target): Promise<SendTarget> {
    switch (target.kind) {
      case "address":
        return { kind: "address", to: target.to };
      case "host": {
        const { nickname, host, port } = target;
        return this.#shared(nickname ?? `${host}:${port}`, () => this.#host(target));
      }
      case "peer":
        return this.#shared(target.name, () => this.#peer(target.name));
    }
  }

  /** One search for all who look for the same at the same time, however quickly it would end. */
  #shared(key: string, search: () => Promise<SendTarget>): Promise<SendTarget> {
    const underWay = this.#searches.get(key);
    if (underWay !== undefined) return underWay;
    const started = search().finally(() => this.#searches.delete(key));
    this.#searches.set(key, started);
    return started;
  }

  async #host({ host, port, nickname }: TargetOf<"host">): Promise<SendTarget> {
    const peer = nickname === undefined ? undefined : this.#known(nickname);
    if (peer !== undefined) return { kind: "device", id: peer.id };
    return { kind: "address", to: { address: await this.#parts.lookUp(host), port } };
  }

  async #peer(name: string): Promise<SendTarget> {
    let peer = this.#known(name);
    if (peer === undefined) {
      await this.#askNetwork(name);
      peer = this.#known(name);
    }
    if (peer !== undefined) return { kind: "device", id: peer.id };
    const similar = findSimilar(name, this.#roster());
    throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} was found on this network`, {
      remedy:
        similar === undefined
          ? `see who is there with discover; for a host name write ${name}:${DEFAULT_DATA_PORT}`
          : `did you mean ${similar.name}?`,
    });
  }

  #known(name: string): PeerView | undefined {
    return findPeer(name, this.#roster());
  }

  #roster(): PeerView[] {
    return this.#parts.driver.inspect((core) => core.peers());
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
