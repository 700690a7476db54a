import type { SequenceRange } from "../wire/group.js";
import type { Instance } from "../wire/presence.js";
import { rangesOf } from "./memoryGroupLog.js";
import type { GroupLogStore, MessageStore, StoredDatagram } from "./messageStore.js";

/** Reads the store that cannot be written; `instead` if there is none, or it cannot be read. */
export type Below = <T>(read: (disk: MessageStore) => T, instead: T) => T;

/** Group datagrams of an `OverlayStore`: those below, and over them those in memory. */
export class OverlayLog implements GroupLogStore {
  readonly #below: Below;
  readonly #memory: GroupLogStore;
  /** What is still below; at most one for each stream there. */
  readonly #forgotten = new Map<string, { groupId: string; of: Instance; upTo: number }>();

  constructor(below: Below, memory: GroupLogStore) {
    this.#below = below;
    this.#memory = memory;
  }

  streams(groupId: string): ReturnType<GroupLogStore["streams"]> {
    type Stream = ReturnType<GroupLogStore["streams"]>[number];
    const merged = new Map<string, Stream>();
    const below = this.#below((disk) => disk.log.streams(groupId), []);
    for (const stream of [...below, ...this.#memory.streams(groupId)]) {
      const key = stream.device + stream.incarnation;
      const before = merged.get(key);
      const numbers = new Set([...numbersIn(before?.ranges ?? []), ...numbersIn(stream.ranges)]);
      const upTo = this.#forgotten.get(groupId + key)?.upTo ?? -1;
      const left = [...numbers].filter((number) => number > upTo).toSorted((a, b) => a - b);
      merged.set(key, {
        ...stream,
        ranges: rangesOf(left),
        latestHlc: Math.max(stream.latestHlc, before?.latestHlc ?? 0),
      });
    }
    return [...merged.values()].filter(({ ranges }) => ranges.length > 0);
  }

  read(groupId: string, of: Instance, range: SequenceRange): readonly StoredDatagram[] | undefined {
    const upTo = this.#forgotten.get(groupId + of.device + of.incarnation)?.upTo ?? -1;
    const below = this.#below((disk) => disk.log.read(groupId, of, range), undefined);
    const above = this.#memory.read(groupId, of, range) ?? [];
    // Only if memory has all of it, what lies below does not matter.
    if (below === undefined && above.length <= range.last - range.first) return undefined;
    const bySequence = new Map(
      [...(below ?? []), ...above]
        .filter(({ sequence }) => sequence > upTo)
        .map((datagram) => [datagram.sequence, datagram]),
    );
    return [...bySequence.values()].toSorted((a, b) => a.sequence - b.sequence);
  }

  saidBefore(groupId: string, of: Instance, beforeMs: number): number | undefined {
    const upTo = this.#forgotten.get(groupId + of.device + of.incarnation)?.upTo ?? -1;
    // What cannot be read now may be young.
    const below = this.#below((disk) => disk.log.saidBefore(groupId, of, beforeMs), 0);
    const above = this.#memory.saidBefore(groupId, of, beforeMs);
    const said = [below, above].filter((sequence) => sequence !== undefined);
    return said.length === 0 ? undefined : Math.max(upTo, Math.min(...said));
  }

  groupIds(): string[] {
    const below = this.#below((disk) => disk.log.groupIds(), []);
    return [...new Set([...below, ...this.#memory.groupIds()])].toSorted();
  }

  append(
    groupId: string,
    of: Instance,
    hlc: number,
    datagram: StoredDatagram,
    saidAtMs?: number,
  ): void {
    this.#memory.append(groupId, of, hlc, datagram, saidAtMs);
  }

  forget(groupId: string, of: Instance, upTo: number): void {
    this.#memory.forget(groupId, of, upTo);
    const key = groupId + of.device + of.incarnation;
    const before = this.#forgotten.get(key)?.upTo ?? -1;
    this.#forgotten.set(key, { groupId, of, upTo: Math.max(before, upTo) });
  }

  /** What was forgotten here goes there as well. */
  forgetIn(target: GroupLogStore): void {
    for (const { groupId, of, upTo } of this.#forgotten.values()) target.forget(groupId, of, upTo);
  }

  forgetNothing(): void {
    this.#forgotten.clear();
  }
}

function* numbersIn(ranges: readonly SequenceRange[]): Generator<number> {
  for (const { first, last } of ranges) {
    for (let number = first; number <= last; number += 1) yield number;
  }
}
