import { describe, expect, it } from "vitest";
import { EntryList } from "../../../src/store/entryList.js";
import { MemoryEntry } from "../../../src/store/memoryEntry.js";
import { incoming } from "../../support/storedMessages.js";

const entryOf = (row: number): MemoryEntry => new MemoryEntry({ ...incoming(row, "x"), row });
const rowsIn = (list: EntryList): number[] => Array.from(list, ({ kept }) => kept.row);

describe("a list of entries", () => {
  it.each([
    { rows: [1, 2, 3, 4, 5] },
    { rows: [5, 4, 3, 2, 1] },
    { rows: [1, 9, 5, 4, 6, 2, 8, 3, 7] },
    { rows: [9, 1, 2, 8, 3, 7, 5] },
  ])("is in the order of rows, whatever order they came in: $rows", ({ rows }) => {
    const list = new EntryList();
    for (const row of rows) list.insert(entryOf(row));
    expect(rowsIn(list)).toEqual(rows.toSorted((a, b) => a - b));
    expect(list.oldest?.kept.row).toBe(1);
    expect(list.length).toBe(rows.length);
  });

  it.each([{ gone: [1] }, { gone: [3] }, { gone: [2] }, { gone: [2, 1, 3] }])(
    "goes on without those that are taken out, and takes them back: $gone",
    ({ gone }) => {
      const list = new EntryList();
      const entries = [1, 2, 3].map(entryOf);
      for (const entry of entries) list.insert(entry);
      const { sizeBytes } = list;
      const taken = entries.filter(({ kept }) => gone.includes(kept.row));
      for (const entry of taken) list.remove(entry);
      expect(rowsIn(list)).toEqual([1, 2, 3].filter((row) => !gone.includes(row)));
      expect(list.length).toBe(3 - gone.length);
      expect(list.sizeBytes).toBe((sizeBytes / 3) * (3 - gone.length));
      for (const entry of taken) list.insert(entry);
      expect(rowsIn(list)).toEqual([1, 2, 3]);
      expect(list.sizeBytes).toBe(sizeBytes);
    },
  );
});
