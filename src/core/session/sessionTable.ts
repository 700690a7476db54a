import { type Address, addressKey } from "../io.js";
import type { Link } from "./link.js";
import type { Session } from "./session.js";

export interface SessionEntry {
  readonly session: Session;
  readonly link: Link;
}

/**
 * The sessions by the index that we chose, and by address and index of the peer. Bounded by two
 * per link: the one that sends, and the one that gave way to it.
 */
export class SessionTable {
  readonly #byLocalIndex = new Map<number, SessionEntry>();
  /** The same entries; of two that claim the same place the later. */
  readonly #byRemote = new Map<string, SessionEntry>();
  /** The path under which an entry is, while its own may change. */
  readonly #paths = new Map<Session, Address>();

  get size(): number {
    return this.#byLocalIndex.size;
  }

  get(localIndex: number): SessionEntry | undefined {
    return this.#byLocalIndex.get(localIndex);
  }

  /** The session that sends to `remoteIndex` at `path`. */
  ofRemote(path: Address, remoteIndex: number): SessionEntry | undefined {
    return this.#byRemote.get(remoteKey(path, remoteIndex));
  }

  add(entry: SessionEntry): void {
    this.#byLocalIndex.set(entry.session.localIndex, entry);
    this.#index(entry);
  }

  /** Call when a packet came: its peer may be elsewhere now. */
  heard(entry: SessionEntry): void {
    if (this.#paths.get(entry.session) === entry.session.path) return;
    this.#dropRemote(entry.session);
    this.#index(entry);
  }

  remove(session: Session): void {
    const { localIndex } = session;
    if (this.get(localIndex)?.session === session) this.#byLocalIndex.delete(localIndex);
    this.#dropRemote(session);
  }

  #index(entry: SessionEntry): void {
    const key = remoteKey(entry.session.path, entry.session.remoteIndex);
    this.#byRemote.set(key, entry);
    this.#paths.set(entry.session, entry.session.path);
  }

  #dropRemote(session: Session): void {
    const path = this.#paths.get(session);
    if (path === undefined) return;
    this.#paths.delete(session);
    const key = remoteKey(path, session.remoteIndex);
    if (this.#byRemote.get(key)?.session === session) this.#byRemote.delete(key);
  }
}

function remoteKey(path: Address, remoteIndex: number): string {
  return `${addressKey(path)}/${remoteIndex}`;
}
