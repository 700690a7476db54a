import type { SequenceRange } from "../wire/group.js";
import type { Instance } from "../wire/presence.js";
import type { GroupLogStore, StoredDatagram } from "./messageStore.js";

interface Stream {
  readonly of: Instance;
  latestHlc: number;
  /** By sequence; bounded by whoever tells what to forget. */
  readonly datagrams: Map<number, StoredDatagram>;
}

/** Group datagrams that last as long as the process. */
export class MemoryGroupLog implements GroupLogStore {
  /** By group id, then by device and incarnation; bounded by whoever tells what to forget. */
  readonly #groups = new Map<string, Map<string, Stream>>();

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
    const found: StoredDatagram[] = [];
    for (const datagram of datagrams?.values() ?? []) {
      if (datagram.sequence >= first && datagram.sequence <= last) found.push(datagram);
    }
    return found.toSorted((a, b) => a.sequence - b.sequence);
  }

  append(groupId: string, of: Instance, hlc: number, datagram: StoredDatagram): void {
    const streams = this.#groups.get(groupId) ?? new Map<string, Stream>();
    this.#groups.set(groupId, streams);
    const key = of.device + of.incarnation;
    const stream = streams.get(key) ?? { of, latestHlc: 0, datagrams: new Map() };
    streams.set(key, stream);
    stream.datagrams.set(datagram.sequence, datagram);
    stream.latestHlc = Math.max(stream.latestHlc, hlc);
  }

  forget(groupId: string, of: Instance, upToSequence: number): void {
    const streams = this.#groups.get(groupId);
    const stream = streams?.get(of.device + of.incarnation);
    if (streams === undefined || stream === undefined) return;
    for (const sequence of stream.datagrams.keys()) {
      if (sequence <= upToSequence) stream.datagrams.delete(sequence);
    }
    if (stream.datagrams.size === 0) streams.delete(of.device + of.incarnation);
    if (streams.size === 0) this.#groups.delete(groupId);
  }
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
