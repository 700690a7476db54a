import type { PeerLine, TrustLine } from "../../api/lines.js";
import { type Candidate, findPeer, notNicknameBecause } from "../../messenger/target.js";
import { sanitiseName } from "../../sanitise.js";
import type { Completion } from "./completion.js";

/** Those that are likeliest meant: nobody reads more of them. */
const MAX_PEERS = 256;
/** More cannot be told apart by names that anybody would read. */
const MAX_NAMESAKES = 16;

const TRUST_ORDER = ["verified", "known", "unknown", "conflict", "blocked"];
const STATE_ORDER = ["online", "suspect", "offline"];

/** Whom a command can be for. However many strangers there are, those that are known stay. */
export function peerCompletions(roster: readonly PeerLine[]): Completion[] {
  const words = new PeerWords(roster);
  return roster
    .toSorted(
      (a, b) =>
        TRUST_ORDER.indexOf(a.trust) - TRUST_ORDER.indexOf(b.trust) ||
        STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state),
    )
    .slice(0, MAX_PEERS)
    .map((peer) => ({
      value: words.of(peer),
      description: described(peer, `${peer.state}, ${peer.trust}`),
    }));
}

/** Whom `unblock` can be for. */
export function blockedCompletions(lines: readonly TrustLine[]): Completion[] {
  const blocked = lines.flatMap(({ peer: { id, name } }): Candidate[] =>
    id === null ? [] : [{ id, name, state: "offline" }],
  );
  const words = new PeerWords(blocked);
  return blocked
    .slice(0, MAX_PEERS)
    .map((peer) => ({ value: words.of(peer), description: described(peer, "blocked") }));
}

/**
 * The shortest word that means a peer of a roster, and shows who it is: its name, its name and the
 * beginning of its id, or its id alone where the name is somebody else's, holds what a terminal
 * must not show, or would be taken for something else.
 */
class PeerWords {
  /** Bounded by the roster. */
  readonly #namesakes = new Map<string, Candidate[]>();
  /** How many ids begin so. */
  readonly #beginnings = new Map<string, number>();

  constructor(roster: readonly Candidate[]) {
    for (const peer of roster) {
      const namesakes = this.#namesakes.get(peer.name) ?? [];
      namesakes.push(peer);
      this.#namesakes.set(peer.name, namesakes);
      const beginning = beginningOf(peer);
      this.#beginnings.set(beginning, (this.#beginnings.get(beginning) ?? 0) + 1);
    }
  }

  of(peer: Candidate): string {
    const beginning = beginningOf(peer);
    const id = this.#beginnings.get(beginning) === 1 ? beginning : peer.id;
    const namesakes = this.#namesakes.get(peer.name) ?? [];
    if (!isWord(peer.name) || namesakes.length > MAX_NAMESAKES) return id;
    const words = [
      peer.name,
      ...[4, 8].map((digits) => `${peer.name}~${peer.id.slice(0, digits)}`),
    ];
    return words.find((word) => means(word, peer, namesakes)) ?? id;
  }
}

/** As many digits as are meant as an id, whatever others call themselves. */
function beginningOf({ id }: Candidate): string {
  return id.slice(0, 8);
}

function isWord(name: string): boolean {
  const isShown = name !== "" && sanitiseName(name) === name;
  const isOther = name.startsWith("-") || /^[0-9a-f]{4,}$/i.test(name);
  return isShown && !isOther && notNicknameBecause(name) === undefined;
}

function means(word: string, peer: Candidate, namesakes: readonly Candidate[]): boolean {
  try {
    return findPeer(word, namesakes)?.id === peer.id;
  } catch {
    // Several, or a stranger under the name of somebody whom we know.
    return false;
  }
}

/** Behind an id, the name. */
function described({ name }: Candidate, facts: string): string {
  return isWord(name) ? facts : `${sanitiseName(name)}: ${facts}`;
}
