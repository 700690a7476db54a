import { rmSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutant, mutated } from "./mutant.js";

/** Of the repository: what tests read. Folders that are built, and results, are not. */
const COPIED = [
  "src",
  "test",
  "bin",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
];

/** A private copy of the repository, to break things in. */
export class Workspace {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
    process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  }

  /** `original`: the root of the repository. */
  static async make(original: string): Promise<Workspace> {
    const root = await mkdtemp(join(tmpdir(), "udpchat-mutants-"));
    for (const name of COPIED) {
      await cp(join(original, name), join(root, name), { recursive: true });
    }
    await symlink(join(original, "node_modules"), join(root, "node_modules"));
    return new Workspace(root);
  }

  /** Breaks the defence. Returns how to mend it; a sentence if the mutant is stale. */
  async apply(
    mutant: Mutant,
  ): Promise<{ readonly restore: () => Promise<void> } | { readonly fault: string }> {
    const path = join(this.root, mutant.file);
    const source = await readFile(path, "utf8");
    const changed = mutated(mutant, source);
    if ("fault" in changed) return changed;
    await writeFile(path, changed.source);
    return { restore: () => writeFile(path, source) };
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
