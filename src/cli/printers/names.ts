import type { PeerRefLine } from "../../api/lines.js";
import { foldedName } from "../../messenger/trustNames.js";
import { sanitiseName } from "../../sanitise.js";

/** As many as a roster can hold. */
const MAX_NAMES = 4096;
const SHORT_ID_DIGITS = 8;
const CLASH_DIGITS = [4, 8, 16];

/**
 * Names that are shown in quotes, as without them they could pass for something else: for somebody
 * and what he said (`bob: yes`), for one of several namesakes (`bob~73a7`), for a remark of ours
 * (`bob (plain, unverified)`), for a nameless peer (`8ab3594f`) or an address.
 */
const DECEPTIVE = /[:~"*()<>]|\s\s|^[0-9a-f]{8}$|^[\d.]+$/;
/** What we are called ourselves. */
const OURSELVES = "you";

/** What peers are called on the screen: nicknames, told apart by key where two look the same. */
export class Names {
  /** Ids by the look of their nickname; bounded by `MAX_NAMES` ids in all. */
  readonly #idsOfLook = new Map<string, Set<string>>();
  #count = 0;

  /** Notes who has which name, before any of them is shown. */
  learn(peers: Iterable<PeerRefLine>): void {
    for (const { id, name } of peers) {
      const look = foldedName(name);
      if (id === null || look === "" || this.#count >= MAX_NAMES) continue;
      const ids = this.#idsOfLook.get(look) ?? new Set();
      if (!ids.has(id)) this.#count += 1;
      this.#idsOfLook.set(look, ids.add(id));
    }
  }

  /** `alice`, `alice~ab12`, the first digits of the id, or the address of a plain datagram. */
  of(peer: PeerRefLine): string {
    this.learn([peer]);
    if (peer.id === null) return endpoint(peer);
    const shown = nicknameText(peer.name);
    if (shown === "") return sanitiseName(peer.id.slice(0, SHORT_ID_DIGITS));
    const namesakes = this.#idsOfLook.get(foldedName(peer.name)) ?? new Set([peer.id]);
    if (namesakes.size === 1 && namesakes.has(peer.id)) return shown;
    return `${shown}~${sanitiseName(distinctPrefix(peer.id, namesakes))}`;
  }
}

/** As many digits as it takes: four are soon the same for whoever tries keys. */
function distinctPrefix(id: string, ids: ReadonlySet<string>): string {
  const others = [...ids].filter((other) => other !== id);
  const prefixes = CLASH_DIGITS.map((digits) => id.slice(0, digits));
  return prefixes.find((prefix) => !others.some((other) => other.startsWith(prefix))) ?? id;
}

/** Whom something was sent to: at an address where nobody has answered yet, that address. */
export function partyText(peer: PeerRefLine, names: Names): string {
  return peer.id === null && peer.name !== "" ? nicknameText(peer.name) : names.of(peer);
}

/** `10.0.0.2:22400`. */
export function endpoint({ address, port }: Pick<PeerRefLine, "address" | "port">): string {
  return `${sanitiseName(address)}:${port}`;
}

function nicknameText(name: string): string {
  const shown = sanitiseName(name);
  return DECEPTIVE.test(shown) || foldedName(name) === OURSELVES
    ? `"${shown.replaceAll('"', "'")}"`
    : shown;
}
