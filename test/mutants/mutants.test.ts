import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Mutant, mutated } from "./mutant.js";
import { MUTANTS } from "./table/index.js";

const ROOT = new URL("../../", import.meta.url);

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, ROOT));
}

function faultOf(mutant: Mutant): string | undefined {
  const changed = mutated(mutant, readFileSync(pathOf(mutant.file), "utf8"));
  if ("fault" in changed) return changed.fault;
  return mutant.find === mutant.replace ? `"${mutant.name}" changes nothing` : undefined;
}

describe("every mutant", () => {
  it("has the text that it replaces exactly once in its file", () => {
    expect(MUTANTS.flatMap((mutant) => faultOf(mutant) ?? [])).toEqual([]);
  });

  it("has a name of its own", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("names a test file that exists, or a range of seeds", () => {
    const lost = MUTANTS.filter(({ caughtBy }) =>
      "seeds" in caughtBy
        ? !/^\d+\.\.\d+$/.test(caughtBy.seeds)
        : !existsSync(pathOf(caughtBy.file)),
    );
    expect(lost.map(({ name }) => name)).toEqual([]);
  });

  it("is one of at least 60", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
  });
});

describe("a mutant whose text", () => {
  const mutant: Mutant = {
    name: "a bound",
    file: "src/a.ts",
    find: "a < b",
    replace: "a > b",
    why: "more",
    caughtBy: { seeds: "1..2" },
  };

  it("is there once is applied there", () => {
    expect(mutated(mutant, "if (a < b) return;")).toEqual({ source: "if (a > b) return;" });
  });

  it.each([
    ["nowhere", "if (a <= b) return;"],
    ["2 times", "a < b; a < b;"],
  ])("is there %s is stale", (count, source) => {
    expect(mutated(mutant, source)).toEqual({
      fault: `the mutant "a bound" is stale: src/a.ts has its text ${count}, and must have it once`,
    });
  });
});
