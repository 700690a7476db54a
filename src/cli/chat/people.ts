import type { PeerRefLine } from "../../api/lines.js";
import { foldedName } from "../../messenger/trustNames.js";
import { endpoint, type Names } from "../printers/names.js";

/** As many as a roster can hold. */
const MAX_PEOPLE = 4096;

/** Whom the user of a chat can name, as they are called on the screen. */
export class People {
  readonly #names: Names;
  /** By id; at most `MAX_PEOPLE`. */
  readonly #people = new Map<string, PeerRefLine>();

  constructor(names: Names) {
    this.#names = names;
  }

  learn(peers: Iterable<PeerRefLine>): void {
    for (const peer of peers) {
      if (peer.id === null) continue;
      if (this.#people.has(peer.id) || this.#people.size < MAX_PEOPLE) {
        this.#people.set(peer.id, peer);
      }
      this.#names.learn([peer]);
    }
  }

  /** In order, each as it can be typed. */
  get names(): string[] {
    return [...this.#people.values()].map((peer) => this.#nameOf(peer)).toSorted();
  }

  /** Who is called so on the screen. */
  find(name: string): PeerRefLine | undefined {
    const wanted = foldedName(name);
    return [...this.#people.values()].find((peer) => foldedName(this.#nameOf(peer)) === wanted);
  }

  /** Without the quotes that mark a name as deceptive. */
  #nameOf(peer: PeerRefLine): string {
    return this.#names.of(peer).replace(/^"(.*)"(~[0-9a-f]+)?$/, "$1$2");
  }
}

/**
 * The TARGET that means this peer and nobody else: its key, wherever it is. At an address somebody
 * else may answer by now.
 */
export function targetOf(peer: PeerRefLine): string {
  return peer.id ?? endpoint(peer);
}
