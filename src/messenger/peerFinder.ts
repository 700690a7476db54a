import { BoundedMap } from "../core/boundedMap.js";
import { isSameAddress, type PeerSearch, type PeerView, type SendTarget } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { LanAddress } from "../net/lan.js";
import type { StoredParty } from "../store/messageStore.js";
import { DEFAULT_DATA_PORT } from "../wire/constants.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { LookUp } from "./hostLookup.js";
import { DEVICE_ID, namedDevice } from "./namedDevice.js";
import { rosterPeer } from "./peerShapes.js";
import type { Queries } from "./queries.js";
import {
  assertOnePeer,
  commandName,
  findPeer,
  findSimilar,
  isCalled,
  parseTarget,
  searchFor,
  type Target,
} from "./target.js";
import type { TrustBook } from "./trustBook.js";
import type { Peer } from "./types.js";

/**
 * How long the network is asked for a name that the roster does not have: as long again after the
 * last of the three queries (PROTOCOL 3.3) as that one waits, so that its answer counts.
 */
const ASK_NETWORK_MS = 1200;
/** After somebody with that name was found: time for another one of the same name to answer. */
const NAMESAKE_GRACE_MS = 150;
const NOWHERE: LanAddress = { address: "", port: 0 };
/** Labels whose parts are remembered. */
const MAX_TARGETS = 256;

type TargetOf<Kind extends Target["kind"]> = Extract<Target, { readonly kind: Kind }>;

/** What a finder builds on. */
export interface PeerFinderParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly queries: Queries;
  readonly lookUp: LookUp;
  readonly trust: Pick<TrustBook, "trustOf" | "isBlocked" | "isVerified" | "entries" | "nameOf">;
  /** The address means everybody on one of our networks. */
  readonly isBroadcast: (address: string) => boolean;
}

/** Whom a sender accepts. */
export interface FindOptions {
  /** Verified peers alone. An address is accepted here: the core sees who answers. */
  readonly requireVerified?: boolean | undefined;
}

/**
 * Finds whom a target means. Calls for the same target share one search for as long as it takes,
 * so that what is sent to it stays in the order of the calls.
 */
export class PeerFinder {
  readonly #parts: PeerFinderParts;
  /** By target, while it is looked for; bounded by the calls of the application that wait. */
  readonly #searches = new Map<string, Promise<SendTarget>>();
  /** What was named lately. */
  readonly #targets = new BoundedMap<string, Target>(MAX_TARGETS);

  constructor(parts: PeerFinderParts) {
    this.#parts = parts;
  }

  /**
   * What a label names.
   * @throws UdpchatError INVALID_TARGET, INVALID_PORT
   */
  targetOf(label: string): Target {
    const known = this.#targets.get(label);
    if (known !== undefined) return known;
    const target = parseTarget(label);
    this.#targets.set(label, target);
    return target;
  }

  /**
   * @throws UdpchatError AMBIGUOUS_PEER, INVALID_TARGET, NO_SUCH_PEER, NAME_NOT_RESOLVED, BLOCKED,
   *   KEY_CHANGED, NOT_VERIFIED
   */
  find(
    target: Target,
    { requireVerified = false }: FindOptions = {},
  ): SendTarget | Promise<SendTarget> {
    if (target.kind === "address") return this.#accepted(target, requireVerified);
    return this.#search(target).then((found) => this.#accepted(found, requireVerified));
  }

  #accepted(found: SendTarget, requireVerified: boolean): SendTarget {
    if (found.kind === "address") assertOnePeer(found.to, this.#parts.isBroadcast);
    else this.#assertAccepted(found.id, requireVerified);
    return found;
  }

  #assertAccepted(id: string, requireVerified: boolean): void {
    const { trust } = this.#parts;
    if (trust.isBlocked(id)) throw blockedError({ id, name: this.nameOf(id) });
    if (!requireVerified || trust.isVerified(id)) return;
    const peer = commandName({ id, name: this.nameOf(id) });
    throw new UdpchatError("NOT_VERIFIED", `${peer} is not verified, and nothing was sent`, {
      remedy: `compare codes first: udpchat verify ${peer}`,
    });
  }

  /** Of a device, as far as it is known. */
  nameOf(device: string): string {
    return this.#listed(device)?.name ?? this.#parts.trust.nameOf(device) ?? "";
  }

  /**
   * Whom a message goes to, as far as it is known. It may be looked for there much later: where
   * the peer is only said to be, that would be somebody else.
   */
  partyAt(target: SendTarget): StoredParty {
    if (target.kind === "address") return { device: "", name: "", ...target.to };
    const { id: device } = target;
    const { address, port } = this.#parts.driver.inspect((core) => core.placeOf(device)) ?? NOWHERE;
    return { device, name: this.nameOf(device), address, port };
  }

  /**
   * Somebody whom we know, or who is in the roster: for what can wait until he is there.
   * @throws UdpchatError AMBIGUOUS_PEER, KEY_CHANGED, BLOCKED, NOT_VERIFIED
   */
  noted(target: Target, { requireVerified = false }: FindOptions = {}): SendTarget | undefined {
    const name = target.kind === "peer" ? target.name : nicknameOf(target);
    const id = name === undefined ? undefined : this.#deviceCalled(name);
    if (id === undefined) return undefined;
    this.#assertAccepted(id, requireVerified);
    return { kind: "device", id };
  }

  #deviceCalled(name: string): string | undefined {
    const isListed = (device: string): boolean => this.#listed(device) !== undefined;
    return namedDevice(name, this.#parts.trust.entries(), this.#named(name), isListed);
  }

  /**
   * The device that a target names, here or known from before, without asking the network.
   * @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER, KEY_CHANGED, INVALID_TARGET, INVALID_PORT
   */
  deviceOf(label: string): string {
    const target = parseTarget(label);
    const device =
      target.kind === "address" ? this.#placedAt(target.to)?.id : this.#deviceCalled(label);
    if (device === undefined) throw this.nobodyCalled(label);
    return device;
  }

  #search(target: TargetOf<"host" | "peer">): Promise<SendTarget> {
    switch (target.kind) {
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
    const peer = nickname === undefined ? undefined : findPeer(nickname, this.#named(nickname));
    if (peer !== undefined) return { kind: "device", id: peer.id };
    return { kind: "address", to: { address: await this.#parts.lookUp(host), port } };
  }

  async #peer(name: string): Promise<SendTarget> {
    const peer = await this.#called(name);
    if (peer !== undefined) return { kind: "device", id: peer.id };
    // They have no place in the roster.
    const blocked = this.#parts.trust
      .entries()
      .find(
        ({ device, ...entry }) =>
          entry.trust === "blocked" && isCalled({ id: device, ...entry }, name),
      );
    if (blocked !== undefined) throw blockedError({ id: blocked.device, name: blocked.name });
    throw this.nobodyCalled(name);
  }

  /** Everybody in the roster whom a name may mean, strangers included. */
  allCalled(name: string): Peer[] {
    return this.#named(name).filter((peer) => isCalled(peer, name));
  }

  /** NO_SUCH_PEER, with the name that was perhaps meant. */
  nobodyCalled(name: string): UdpchatError {
    const similar = findSimilar(name, this.#found({ names: [name] }));
    return new UdpchatError("NO_SUCH_PEER", `nobody called ${name} was found on this network`, {
      remedy:
        similar === undefined
          ? `see who is there with discover; for a host name write ${name}:${DEFAULT_DATA_PORT}`
          : `did you mean ${similar.name}?`,
    });
  }

  /**
   * The roster entry that a target names, the network asked if need be; undefined if there is none.
   * @throws UdpchatError AMBIGUOUS_PEER, KEY_CHANGED, INVALID_TARGET, INVALID_PORT,
   *   NAME_NOT_RESOLVED
   */
  async findListed(label: string): Promise<Peer | undefined> {
    const target = parseTarget(label);
    switch (target.kind) {
      case "peer":
        return this.#called(target.name);
      case "address":
        return this.#at(target.to);
      case "host": {
        const { nickname, host, port } = target;
        const peer = nickname === undefined ? undefined : findPeer(nickname, this.#named(nickname));
        return peer ?? this.#at({ address: await this.#parts.lookUp(host), port });
      }
    }
  }

  async #called(name: string): Promise<Peer | undefined> {
    const isFound = (peers: readonly Peer[]): boolean => namesOne(name, peers);
    // Where only a stranger has the name, the one that we know may still answer.
    if (!isFound(this.#named(name))) {
      await this.#askNetwork(isFound, DEVICE_ID.test(name) ? 0 : NAMESAKE_GRACE_MS);
    }
    return findPeer(name, this.#named(name));
  }

  async #at(to: LanAddress): Promise<Peer | undefined> {
    const listed = this.#placedAt(to);
    if (listed !== undefined) return listed;
    await this.#askNetwork((peers) => placedAt(to, peers) !== undefined);
    return this.#placedAt(to);
  }

  /** In the roster. */
  #placedAt(to: LanAddress): Peer | undefined {
    return placedAt(to, this.#found({ host: to.address }));
  }

  /** Whoever in the roster the name may mean. */
  #named(name: string): Peer[] {
    return this.#found(searchFor(name));
  }

  #found(search: PeerSearch): Peer[] {
    const { driver, trust } = this.#parts;
    return driver.inspect((core) => core.findPeers(search)).map((peer) => rosterPeer(peer, trust));
  }

  /** In the roster. */
  #listed(device: string): PeerView | undefined {
    return this.#parts.driver.inspect((core) => core.peer(device));
  }

  /** Until who is looked for answered or appeared, and a moment for a namesake; or in vain. */
  #askNetwork(
    isSought: (found: readonly Peer[]) => boolean,
    graceMs = NAMESAKE_GRACE_MS,
  ): Promise<void> {
    const { clock, driver, queries, trust } = this.#parts;
    return new Promise((resolve) => {
      const finish = (): void => {
        cancelTimer();
        stop();
        resolve();
      };
      let cancelTimer = clock.after(ASK_NETWORK_MS, finish);
      let found = false;
      const look = (peer: PeerView): void => {
        if (found || !isSought([rosterPeer(peer, trust)])) return;
        found = true;
        cancelTimer();
        cancelTimer = clock.after(graceMs, finish);
      };
      const stop = queries.start(driver, { answered: look, appeared: look, closed: finish });
    });
  }
}

function nicknameOf(target: Target): string | undefined {
  return target.kind === "host" ? target.nickname : undefined;
}

/** Whose best address it is, or else one of them. */
function placedAt(to: LanAddress, peers: readonly Peer[]): Peer | undefined {
  const isThere = (known: LanAddress): boolean => isSameAddress(known, to);
  return peers.find(isThere) ?? peers.find(({ addresses }) => addresses.some(isThere));
}

/** False also where all that have the name are strangers under a name that we know. */
function namesOne(name: string, peers: readonly Peer[]): boolean {
  try {
    return findPeer(name, peers) !== undefined;
  } catch (error) {
    if (error instanceof UdpchatError && error.code === "KEY_CHANGED") return false;
    throw error;
  }
}

/** Nothing is exchanged with this peer. */
export function blockedError(peer: { readonly id: string; readonly name: string }): UdpchatError {
  const name = commandName(peer);
  return new UdpchatError("BLOCKED", `${name} is blocked here`, {
    remedy: `to write to it: udpchat unblock ${name}`,
  });
}
