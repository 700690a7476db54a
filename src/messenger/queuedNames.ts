/** How people and scripts name a queued message. */
import { UdpchatError } from "../errors.js";
import type { MessageStore, StoredMessage } from "../store/messageStore.js";

/** The first 16 digits of an id are those of a start of the program, and say little. */
const MIN_ENDING_DIGITS = 4;
const SHORT_DIGITS = 8;
const ENDING = /^[0-9a-f]{4,32}$/;

/** For a sentence about one message: what comes before is alike for all of a start. */
export function shortId(id: string): string {
  return id.slice(-SHORT_DIGITS);
}

/** Of each id the shortest ending, of 4 digits or more, that no other one of them has. */
export function shortestEndings(ids: Iterable<string>): ReadonlyMap<string, string> {
  const endings = new Map<string, string>();
  let left = [...new Set(ids)];
  for (let digits = MIN_ENDING_DIGITS; left.length > 0; digits += 1) {
    const counts = new Map<string, number>();
    for (const id of left) counts.set(id.slice(-digits), (counts.get(id.slice(-digits)) ?? 0) + 1);
    left = left.filter((id) => {
      const ending = id.slice(-digits);
      if (counts.get(ending) === 1 || ending === id) endings.set(id, ending);
      return !endings.has(id);
    });
  }
  return endings;
}

/**
 * Gives a queued message up, by the id that its sender chose, its whole id, or an ending of it that
 * no other one has: nobody shall get it any more.
 * @throws UdpchatError NO_SUCH_MESSAGE
 */
export function giveUpQueued(store: MessageStore, named: string): StoredMessage {
  return store.batch("promise", () => {
    const message = queuedAs(named, store.outbox());
    store.setState(message.author.device, message.id, "undelivered");
    return { ...message, state: "undelivered" };
  });
}

function queuedAs(named: string, queued: readonly StoredMessage[]): StoredMessage {
  const chosen = queued.find(({ clientId }) => clientId === named);
  const ending = named.trim().toLowerCase();
  const ended = ENDING.test(ending) ? queued.filter(({ id }) => id.endsWith(ending)) : [];
  const [found, another] = chosen === undefined ? ended : [chosen];
  if (found !== undefined && another === undefined) return found;
  const sentence =
    another === undefined
      ? `no queued message has the id ${named}`
      : `several queued messages have an id that ends in ${ending}`;
  throw new UdpchatError("NO_SUCH_MESSAGE", sentence, { remedy: "see what is queued with outbox" });
}
