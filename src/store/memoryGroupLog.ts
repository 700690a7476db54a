import type { SequenceRange } from "../wire/group.js";
import { readingMs } from "../wire/hybridReading.js";
import type { Instance } from "../wire/presence.js";
import type { GroupLogStore, StoredDatagram } from "./messageStore.js";

interface DatedDatagram extends StoredDatagram {
  readonly saidAtMs: number;
}

interface Stream {
  readonly of: Instance;
  latestHlc: number;
  /** Nothing below is held. */
  from: number;
  /** By sequence; bounded by whoever tells what to forget. */
  readonly datagrams: Map<number, DatedDatagram>;
}

/** Group datagrams that last as long as the process. */
export class MemoryGroupLog implements GroupLogStore {
  /** By group id, then by device and incarnation; bounded by whoever tells what to forget. */
  readonly #groups = new Map<string, Map<string, Stream>>();
  readonly #changed: (undo: () => void) => void;

  /** @param changed is told of every change how it is undone, the last one first */
  constructor(changed: (undo: () => void) => void = () => undefined) {
    this.#changed = changed;
  }

  streams(
    groupId: string,
  ): readonly (Instance & { ranges: readonly SequenceRange[]; latestHlc: number })[] {
    const streams = this.#groups.get(groupId)?.values() ?? [];
    return Array.from(streams, ({ of, latestHlc, datagrams }) => ({
      ...of,
      latestHlc,
      ranges: rangesOf([...datagrams.keys()].toSorted((a, b) => a - b)),
    }));
  }

  read(groupId: string, of: Instance, { first, last }: SequenceRange): readonly StoredDatagram[] {
    const datagrams = this.#groups.get(groupId)?.get(of.device + of.incarnation)?.datagrams;
    return datagrams === undefined ? [] : heldIn(datagrams, first, last);
  }

  saidBefore(groupId: string, of: Instance, beforeMs: number): number | undefined {
    const datagrams = this.#groups.get(groupId)?.get(of.device + of.incarnation)?.datagrams;
    if (datagrams === undefined) return undefined;
    let last = 0;
    let firstSince = Number.POSITIVE_INFINITY;
    for (const { sequence, saidAtMs } of datagrams.values()) {
      last = Math.max(last, sequence);
      if (saidAtMs >= beforeMs) firstSince = Math.min(firstSince, sequence);
    }
    return Math.min(last, firstSince - 1);
  }

  groupIds(): string[] {
    return [...this.#groups.keys()].toSorted();
  }

  append(
    groupId: string,
    of: Instance,
    hlc: number,
    datagram: StoredDatagram,
    saidAtMs = readingMs(hlc),
  ): void {
    const stream = this.#stream(groupId, of);
    const { latestHlc, datagrams } = stream;
    const before = datagrams.get(datagram.sequence);
    datagrams.set(datagram.sequence, { ...datagram, saidAtMs });
    stream.latestHlc = Math.max(latestHlc, hlc);
    stream.from = Math.min(stream.from, datagram.sequence);
    this.#changed(() => {
      // Forgetting it and taking that back makes another object of it.
      const again = this.#stream(groupId, of);
      again.latestHlc = latestHlc;
      if (before === undefined) again.datagrams.delete(datagram.sequence);
      else again.datagrams.set(datagram.sequence, before);
      this.#tidy(groupId, of);
    });
  }

  forget(groupId: string, of: Instance, upToSequence: number): void {
    const stream = this.#groups.get(groupId)?.get(of.device + of.incarnation);
    if (stream === undefined) return;
    const { latestHlc, from } = stream;
    const forgotten = heldIn(stream.datagrams, from, upToSequence);
    for (const { sequence } of forgotten) stream.datagrams.delete(sequence);
    stream.from = Math.max(from, upToSequence + 1);
    this.#tidy(groupId, of);
    this.#changed(() => {
      const again = this.#stream(groupId, of);
      again.latestHlc = latestHlc;
      again.from = Math.min(again.from, from);
      for (const datagram of forgotten) again.datagrams.set(datagram.sequence, datagram);
    });
  }

  /** Everything into another log; nothing changes here. */
  copyTo(target: GroupLogStore): void {
    for (const [groupId, streams] of this.#groups) {
      for (const { of, latestHlc, datagrams } of streams.values()) {
        for (const { saidAtMs, ...datagram } of datagrams.values()) {
          target.append(groupId, of, latestHlc, datagram, saidAtMs);
        }
      }
    }
  }

  clear(): void {
    this.#groups.clear();
  }

  #stream(groupId: string, of: Instance): Stream {
    const streams = this.#groups.get(groupId) ?? new Map<string, Stream>();
    this.#groups.set(groupId, streams);
    const key = of.device + of.incarnation;
    const stream = streams.get(key) ?? {
      of,
      latestHlc: 0,
      from: Number.POSITIVE_INFINITY,
      datagrams: new Map<number, DatedDatagram>(),
    };
    streams.set(key, stream);
    return stream;
  }

  /** What is empty goes. */
  #tidy(groupId: string, of: Instance): void {
    const streams = this.#groups.get(groupId);
    const key = of.device + of.incarnation;
    if (streams?.get(key)?.datagrams.size === 0) streams.delete(key);
    if (streams?.size === 0) this.#groups.delete(groupId);
  }
}

/** Ascending. */
function heldIn(
  datagrams: ReadonlyMap<number, DatedDatagram>,
  first: number,
  last: number,
): DatedDatagram[] {
  if (last - first >= datagrams.size) {
    return [...datagrams.values()]
      .filter(({ sequence }) => sequence >= first && sequence <= last)
      .toSorted((a, b) => a.sequence - b.sequence);
  }
  // A short range, as nearly all are, costs no more than its length.
  const found: DatedDatagram[] = [];
  for (let at = first; at <= last; at += 1) {
    const datagram = datagrams.get(at);
    if (datagram !== undefined) found.push(datagram);
  }
  return found;
}

/** From ascending numbers. */
export function rangesOf(ascending: Iterable<number>): SequenceRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const number of ascending) {
    const range = ranges.at(-1);
    if (range?.last === number - 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}
