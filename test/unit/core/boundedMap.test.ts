import { describe, expect, it } from "vitest";
import { BoundedMap } from "../../../src/core/boundedMap.js";

describe("BoundedMap", () => {
  it("forgets the oldest key and says which", () => {
    const map = new BoundedMap<string, number>(2);
    expect(map.set("a", 1)).toBeUndefined();
    expect(map.set("b", 2)).toBeUndefined();
    expect(map.set("c", 3)).toBe("a");
    expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([undefined, 2, 3]);
    expect(map.size).toBe(2);
  });

  it("takes a key that is set again for the newest", () => {
    const map = new BoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.set("a", 3)).toBeUndefined();
    expect(map.set("c", 4)).toBe("b");
    expect(map.get("a")).toBe(3);
  });

  it("has room again for what was deleted", () => {
    const map = new BoundedMap<string, number>(1);
    map.set("a", 1);
    map.delete("a");
    expect(map.has("a")).toBe(false);
    expect(map.set("b", 2)).toBeUndefined();
  });
});
