import { BoundedMap } from "../core/boundedMap.js";
import type { Trust } from "../core/context.js";
import type { PeerRef as CorePeerRef } from "../core/io.js";
import type { StoredTrust, TrustEntry, TrustStore } from "../store/trust.js";
import type { Clock } from "./clock.js";
import type { TrustReader } from "./peerShapes.js";
import { commandName } from "./target.js";
import { foldedName } from "./trustNames.js";
import { TrustRecords } from "./trustRecords.js";
import type { PeerTrust, Warning } from "./types.js";

/** What a book builds on. */
export interface TrustBookParts {
  readonly store: TrustStore;
  /** Our own key: nobody has to verify himself. */
  readonly self: string;
  readonly clock: Pick<Clock, "wallMs" | "after">;
}

/** A peer by key and nickname. */
export type NamedPeer = Pick<CorePeerRef, "id" | "name">;

/** One name can be claimed by so many keys before nobody is told of further ones. */
const MAX_WARNINGS_PER_NAME = 32;
/** So many keys, and names, of which a warning was given are remembered. */
const MAX_WARNED = 4096;
/** As many as a roster and the book hold. */
const MAX_FOLDED_NAMES = 16_384;
/** Keys and names under which they showed up while somebody else in the roster had them too. */
const MAX_CONTESTED = 1024;
/**
 * Which keys are known, verified and blocked, and which nicknames stand for them:
 *
 * ```text
 *   unknown -> known (first use) -> verified        blocked -> known (unblocked)
 *        any of them -> blocked
 * ```
 *
 * A key that calls itself as another one that is known or verified is in conflict, whatever it was
 * before, until the user verifies it under this name. Such a key is never pinned.
 */
export class TrustBook implements Trust, TrustReader {
  readonly #parts: TrustBookParts;
  readonly #records: TrustRecords;
  /** Devices that a folded name stands for; bounded by the entries. */
  #holders: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #folded = new BoundedMap<string, string>(MAX_FOLDED_NAMES);
  readonly #contested = new BoundedMap<string, true>(MAX_CONTESTED);
  readonly #warnedKeys = new BoundedMap<string, true>(MAX_WARNED);
  /** How often, by folded name. */
  readonly #warnings = new BoundedMap<string, number>(MAX_WARNED);
  /** Bounded by what `load` does. */
  readonly #earlyWarnings: Warning[] = [];
  #warn: (warning: Warning) => void = (warning) => void this.#earlyWarnings.push(warning);

  private constructor(parts: TrustBookParts) {
    this.#parts = parts;
    this.#records = new TrustRecords({
      store: parts.store,
      clock: parts.clock,
      changed: (entries) => this.#learnNames(entries),
      warn: (warning) => this.#warn(warning),
    });
  }

  /** @throws UdpchatError HOME_UNUSABLE */
  static async load(parts: TrustBookParts): Promise<TrustBook> {
    const book = new TrustBook(parts);
    await book.#records.load();
    return book;
  }

  /** What went wrong before anybody listened. */
  get earlyWarnings(): readonly Warning[] {
    return this.#earlyWarnings;
  }

  /** Where warnings go from now on. */
  onWarning(warn: (warning: Warning) => void): void {
    this.#warn = warn;
  }

  // Questions.

  isBlocked(device: string): boolean {
    return this.#records.get(device)?.trust === "blocked";
  }

  isVerified(device: string): boolean {
    return device === this.#parts.self || this.#records.get(device)?.trust === "verified";
  }

  trustOf(id: string, name: string): PeerTrust {
    if (id === this.#parts.self) return "verified";
    const entry = this.#records.get(id);
    if (entry?.trust === "blocked") return "blocked";
    if (this.#conflicts(id, name)) return "conflict";
    // Under a name that it could not take, since others have it, it is a stranger like them.
    if (entry?.trust === "known" && this.#contested.has(contestKey(id, this.#fold(name)))) {
      return "unknown";
    }
    return entry?.trust ?? "unknown";
  }

  /** The name stands for other keys alone. */
  #conflicts(id: string, name: string): boolean {
    const holders = this.#holders.get(this.#fold(name));
    return holders !== undefined && !holders.includes(id);
  }

  /** What the book calls a key. */
  nameOf(device: string): string | undefined {
    return this.#records.get(device)?.name;
  }

  /** Every key of the book. */
  entries(): TrustEntry[] {
    return this.#records.all();
  }

  // What happens.

  /** We sent to it and it was delivered, or it replied: first use, and by our own doing. */
  used(peer: NamedPeer, roster: () => readonly NamedPeer[]): void {
    const entry = this.#records.get(peer.id);
    if (entry?.byUs !== true) this.#pin({ id: peer.id, name: entry?.name ?? peer.name }, true);
    if (entry !== undefined) this.renamed(peer, roster);
  }

  /**
   * It wrote to us directly or asked us something. Where others in the roster have the same name,
   * that gives it no claim to it.
   */
  heardFrom(peer: NamedPeer, roster: () => readonly NamedPeer[]): void {
    if (this.#records.get(peer.id) !== undefined) this.renamed(peer, roster);
    else if (!this.#isContested(peer, roster)) this.#pin(peer, false);
  }

  /** Once contested in this run, always: the roster is long. */
  #isContested({ id, name }: NamedPeer, roster: () => readonly NamedPeer[]): boolean {
    const folded = this.#fold(name);
    const key = contestKey(id, folded);
    if (this.#contested.has(key)) return true;
    const isNamesake = (other: NamedPeer): boolean =>
      other.id !== id && this.#fold(other.name) === folded;
    if (!roster().some(isNamesake)) return false;
    this.#contested.set(key, true);
    return true;
  }

  #pin({ id, name }: NamedPeer, byUs: boolean): void {
    if (id === this.#parts.self || this.isBlocked(id) || this.#conflicts(id, name)) return;
    const now = this.#now();
    const apply = (current: TrustEntry | undefined): TrustEntry =>
      current === undefined
        ? { device: id, name, trust: "known", firstSeenAt: now, changedAt: now, byUs }
        : { ...current, name, byUs: current.byUs || byUs };
    this.#records.change({ device: id, apply }, byUs ? "now" : "soon");
  }

  /**
   * A key that is known goes by another name now, unless that stands for somebody else, or others
   * in the roster have it: who is known as one is not for that the first among several.
   */
  renamed({ id, name }: NamedPeer, roster: () => readonly NamedPeer[]): void {
    const entry = this.#records.get(id);
    if (entry === undefined || entry.name === name || entry.trust === "blocked") return;
    if (this.#conflicts(id, name)) return;
    if (this.#fold(entry.name) !== this.#fold(name) && this.#isContested({ id, name }, roster)) {
      return;
    }
    const apply = (current: TrustEntry | undefined): TrustEntry | undefined =>
      current && { ...current, name };
    this.#records.change({ device: id, apply }, "soon");
  }

  /** Somebody showed up with a name: warns, once, if that stands for another key. */
  notice(peer: CorePeerRef): void {
    if (this.trustOf(peer.id, peer.name) !== "conflict") return;
    const folded = this.#fold(peer.name);
    const count = this.#warnings.get(folded) ?? 0;
    if (this.#warnedKeys.has(peer.id) || count >= MAX_WARNINGS_PER_NAME) return;
    this.#warnedKeys.set(peer.id, true);
    this.#warnings.set(folded, count + 1);
    const ref = { ...pick(peer), trust: "conflict" } as const;
    this.#warn({
      code: "KEY_CHANGED",
      message: `${conflictText(peer)}: ${compareText(peer)}`,
      peer: ref,
    });
  }

  /**
   * The user's decision. In force at once; resolves when it would survive a power cut.
   * @throws UdpchatError HOME_UNUSABLE: in force all the same, and stored when that works again;
   *   LIMIT_REACHED
   */
  async decide({ id, name }: NamedPeer, trust: StoredTrust): Promise<void> {
    const now = this.#now();
    // To be blocked and unblocked is no way to a name that stands for somebody else.
    const claimed = trust === "known" && this.#conflicts(id, name) ? "" : name;
    await this.#records.decide({
      device: id,
      apply: (current) => ({
        device: id,
        name: claimed,
        trust,
        firstSeenAt: current?.firstSeenAt ?? now,
        changedAt: now,
        byUs: trust === "blocked" ? (current?.byUs ?? false) : true,
      }),
    });
  }

  /**
   * What other processes of this home decide is in force here, too; calls back for each device
   * that one of them blocked. Until `settled`.
   */
  follow(blocked: (device: string) => void): void {
    this.#records.follow(blocked);
  }

  /** The end: resolves when everything is with the store, or could not be stored. */
  async settled(): Promise<void> {
    await this.#records.close();
  }

  #learnNames(entries: ReadonlyMap<string, TrustEntry>): void {
    const holders = new Map<string, string[]>();
    for (const { device, name, trust, byUs } of entries.values()) {
      const folded = this.#fold(name);
      // Whom we knew keeps the name: a stranger must not come by it because of a quarrel.
      if ((trust === "blocked" && !byUs) || folded === "") continue;
      const others = holders.get(folded);
      if (others === undefined) holders.set(folded, [device]);
      else others.push(device);
    }
    this.#holders = holders;
  }

  #fold(name: string): string {
    const known = this.#folded.get(name);
    if (known !== undefined) return known;
    const folded = foldedName(name);
    this.#folded.set(name, folded);
    return folded;
  }

  #now(): string {
    return new Date(this.#parts.clock.wallMs()).toISOString();
  }
}

function contestKey(id: string, foldedName: string): string {
  return `${id} ${foldedName}`;
}

/** `alice is known here with another key`. */
function conflictText({ name }: Pick<NamedPeer, "name">): string {
  return `${name} is known here with another key`;
}

/** What to do about a key that is in conflict. */
function compareText(peer: NamedPeer): string {
  return `compare codes with \`udpchat verify ${commandName(peer)}\``;
}

function pick({ id, name, address, port }: CorePeerRef): CorePeerRef {
  return { id, name, address, port };
}
