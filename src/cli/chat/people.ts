import type { PeerRefLine } from "../../api/lines.js";
import {
  ambiguous,
  isCalledByKey,
  keyChanged,
  MIN_CERTAIN_ID_PREFIX,
} from "../../messenger/target.js";
import { foldedName } from "../../messenger/trustNames.js";
import { sanitiseName } from "../../sanitise.js";
import { endpoint, type Names } from "../printers/names.js";

/** As many as a roster can hold. */
const MAX_PEOPLE = 4096;

/** Whom the user of a chat can name, as they are called on the screen. */
export class People {
  readonly #names: Names;
  /** By id; at most `MAX_PEOPLE`. */
  readonly #people = new Map<string, KeyedPeer>();

  constructor(names: Names) {
    this.#names = names;
  }

  learn(peers: Iterable<PeerRefLine>): void {
    for (const peer of peers) {
      const { id } = peer;
      if (id === null) continue;
      if (this.#people.has(id) || this.#people.size < MAX_PEOPLE) {
        this.#people.set(id, { ...peer, id });
      }
      this.#names.learn([peer]);
    }
  }

  /** In order, each as it can be typed. */
  get names(): string[] {
    return [...this.#people.values()].map((peer) => this.#wordOf(peer)).toSorted();
  }

  /**
   * Who is called so on the screen, or has that key: `bob`, `bob~73a7`, `73a7c01e`.
   * @throws UdpchatError AMBIGUOUS_PEER; KEY_CHANGED for a stranger by the name of somebody whom we
   *   know, unless it was said by its key
   */
  find(name: string): PeerRefLine | undefined {
    const byKey = this.#withIds((peer) => hasKey(peer, name));
    const wanted = foldedName(name);
    const found =
      byKey.length > 0 ? byKey : this.#withIds((peer) => foldedName(this.#wordOf(peer)) === wanted);
    const [first, ...others] = found;
    if (others.length > 0) throw ambiguous(name, found);
    if (first?.trust === "conflict" && byKey.length === 0) throw keyChanged(first);
    return first;
  }

  #withIds(isMeant: (peer: KeyedPeer) => boolean): KeyedPeer[] {
    return [...this.#people.values()].filter(isMeant);
  }

  /** The digits of its id, if its name could pass for something else or cannot be seen as it is. */
  #wordOf({ id, ...peer }: KeyedPeer): string {
    const shown = this.#names.of({ id, ...peer });
    const isDeceptive = shown.startsWith('"') || sanitiseName(peer.name) !== peer.name;
    return isDeceptive ? id.slice(0, MIN_CERTAIN_ID_PREFIX) : shown;
  }
}

type KeyedPeer = PeerRefLine & { readonly id: string };

/** `bob~73a7`, in any case, or as many digits as are meant as an id. */
function hasKey({ id, name }: KeyedPeer, word: string): boolean {
  const tilde = word.lastIndexOf("~");
  if (tilde < 0)
    return word.length >= MIN_CERTAIN_ID_PREFIX && isCalledByKey({ id, name: "" }, word);
  const isNamed = foldedName(word.slice(0, tilde)) === foldedName(name);
  return isNamed && isCalledByKey({ id, name: "" }, word.slice(tilde));
}

/**
 * The TARGET that means this peer and nobody else: its key, wherever it is. At an address somebody
 * else may answer by now.
 */
export function targetOf(peer: PeerRefLine): string {
  return peer.id ?? endpoint(peer);
}
