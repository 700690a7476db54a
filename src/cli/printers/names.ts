import type { PeerRefLine } from "../../api/lines.js";
import { sanitiseName } from "../sanitise.js";

/** As many as a roster can hold. */
const MAX_NAMES = 4096;
const SHORT_ID_DIGITS = 8;
const CLASH_DIGITS = 4;

/** What peers are called on the screen: nicknames, told apart by key where two are the same. */
export class Names {
  /** Id of the first peer by its shown nickname; null once another one had it too. */
  readonly #idOfName = new Map<string, string | null>();

  /** Notes who has which name, before any of them is shown. */
  learn(peers: Iterable<PeerRefLine>): void {
    for (const { id, name } of peers) {
      const shown = sanitiseName(name);
      if (id === null || shown === "") continue;
      const known = this.#idOfName.get(shown);
      if (known === undefined && this.#idOfName.size < MAX_NAMES) this.#idOfName.set(shown, id);
      else if (known !== undefined && known !== id) this.#idOfName.set(shown, null);
    }
  }

  /** `alice`, `alice~ab12`, the first digits of the id, or the address of a plain datagram. */
  of(peer: PeerRefLine): string {
    this.learn([peer]);
    const shown = sanitiseName(peer.name);
    if (peer.id === null) return `${peer.address}:${peer.port}`;
    if (shown === "") return peer.id.slice(0, SHORT_ID_DIGITS);
    if (this.#idOfName.get(shown) !== null) return shown;
    return `${shown}~${peer.id.slice(0, CLASH_DIGITS)}`;
  }
}
