import type { HuntWorld } from "../world.js";

/** Something that holds, whatever happens. */
export interface Invariant {
  readonly name: string;
  /** In a sentence. */
  readonly what: string;
  /**
   * `told`: its breach is noted where it happens, see `Ledger.fault`; `always`: looked at now and
   * then; `settled`: some time after the last fault; `quiet`: when nobody said anything for long.
   */
  readonly when: "told" | "always" | "settled" | "quiet";
  /** Begins to watch a world that begins. */
  readonly watch?: (world: HuntWorld) => void;
  /** What is not as it should be, in words. */
  readonly broken?: (world: HuntWorld) => string | undefined;
}

export function firstOf<T>(items: Iterable<T>, broken: (item: T) => string | undefined) {
  for (const item of items) {
    const found = broken(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What an invariant remembers of each world. Bounded by the worlds that live. */
export function memoryOf<Memory>(fresh: () => Memory): (world: HuntWorld) => Memory {
  const memories = new WeakMap<HuntWorld, Memory>();
  return (world) => {
    let memory = memories.get(world);
    if (memory === undefined) {
      memory = fresh();
      memories.set(world, memory);
    }
    return memory;
  };
}

/** Looks at every entry of a list that only grows once. */
export function eachOnce<Entry>(
  entries: (world: HuntWorld) => readonly Entry[],
  broken: (entry: Entry, world: HuntWorld) => string | undefined,
): (world: HuntWorld) => string | undefined {
  const looked = memoryOf(() => ({ at: 0 }));
  return (world) => {
    const memory = looked(world);
    const list = entries(world);
    for (; memory.at < list.length; memory.at += 1) {
      const entry = list[memory.at];
      const found = entry === undefined ? undefined : broken(entry, world);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** No two entries of a list that only grows have one name, but for what may come again. */
export function noneTwice<Entry>(
  entries: (world: HuntWorld) => readonly Entry[],
  name: (entry: Entry) => string | undefined,
  mayComeAgain: (entry: Entry, world: HuntWorld) => number = () => 0,
): (world: HuntWorld) => string | undefined {
  const seenIn = memoryOf(() => new Map<string, number>());
  return eachOnce(entries, (entry, world) => {
    const named = name(entry);
    if (named === undefined) return undefined;
    const seen = seenIn(world);
    const before = seen.get(named) ?? 0;
    if (before > mayComeAgain(entry, world)) return `${shortened(named, 140)} twice`;
    seen.set(named, before + 1);
    return undefined;
  });
}

/** Only now and then: what takes long to look at. */
export function every(
  spanMs: number,
  broken: (world: HuntWorld) => string | undefined,
): (world: HuntWorld) => string | undefined {
  const lastIn = memoryOf(() => ({ lookedAtMs: 0 }));
  return (world) => {
    const last = lastIn(world);
    if (world.nowMs < last.lookedAtMs + spanMs) return undefined;
    last.lookedAtMs = world.nowMs;
    return broken(world);
  };
}

export function shortened(text: string, characters = 50): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}
