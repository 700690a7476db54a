import type { ExaminationLine, PeerLine } from "../api/lines.js";
import type { Api } from "../api/operations.js";
import { toUdpchatError, type UdpchatError } from "../errors.js";

/** Each answers some 40 datagrams; more would tell nothing new. */
const MAX_EXAMINED = 8;
/** How long to ask who is there. */
const DISCOVER_MS = 1_000;
/** On a LAN whoever is there answers in a fraction of that. */
const EXAMINE_WITHIN_MS = 4_000;

/** Who is on the network. */
export interface Present {
  /** They answer, or did a moment ago; at most as many as are examined. */
  readonly peers: readonly PeerLine[];
  /** They announce themselves, and never answered. */
  readonly doubtful: readonly PeerLine[];
}

/** Everybody who answers, the first answers first, and who is in the roster. */
export async function findPeers(api: Api, signal: AbortSignal): Promise<Present> {
  const found = new Map<string, PeerLine>();
  const input = { timeoutMs: DISCOVER_MS };
  for await (const peer of api.stream("discover", input, { signal })) found.set(peer.id, peer);
  for (const peer of await api.call("peers", {}, { signal })) {
    if (peer.state !== "offline" && !found.has(peer.id)) found.set(peer.id, peer);
  }
  const unblocked = [...found.values()].filter(({ trust }) => trust !== "blocked");
  const isDoubtful = ({ state, rttMs }: PeerLine): boolean => state === "suspect" && rttMs === null;
  return {
    peers: unblocked.filter((peer) => !isDoubtful(peer)).slice(0, MAX_EXAMINED),
    doubtful: unblocked.filter(isDoubtful).slice(0, MAX_EXAMINED),
  };
}

/** What came of some examinations. */
export interface Examined {
  readonly examinations: readonly ExaminationLine[];
  /** Those that could not be examined, and why. */
  readonly failed: readonly { readonly target: string; readonly error: UdpchatError }[];
}

/** All at the same time. */
export async function examineAll(
  api: Api,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<Examined> {
  const examinations: ExaminationLine[] = [];
  const failed: { target: string; error: UdpchatError }[] = [];
  await Promise.all(
    targets.map(async (target) => {
      try {
        const input = { target, timeoutMs: EXAMINE_WITHIN_MS };
        examinations.push(await api.call("examine", input, { signal }));
      } catch (error) {
        failed.push({ target, error: toUdpchatError(error) });
      }
    }),
  );
  return { examinations, failed };
}
