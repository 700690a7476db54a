/** What shows that a defence is missing. */
export type Catcher =
  | {
      /** A test file, from the root of the repository. */
      readonly file: string;
      /** Part of a test's full name, its describes included; default: any test of the file. */
      readonly name?: string;
    }
  /** A run of the swarm simulator: its seeds, "A..B". */
  | { readonly seeds: string };

/** One defence, switched off or broken in a way that a hurried colleague could. */
export interface Mutant {
  /** Of the defence; unique. */
  readonly name: string;
  /** The source file, from the root of the repository. */
  readonly file: string;
  /** Text of that file, which occurs there exactly once. */
  readonly find: string;
  /** What takes its place: it must still compile. */
  readonly replace: string;
  /** What it would let in. */
  readonly why: string;
  readonly caughtBy: Catcher;
}

/** A mutant without the file that it shares with its neighbours in a table. */
export type MutantOf = Omit<Mutant, "file">;

/** The mutants of one source file. */
export function mutantsOf(file: string, mutants: readonly MutantOf[]): Mutant[] {
  return mutants.map((mutant) => ({ ...mutant, file }));
}

/** The source with the defence broken; a sentence if `find` is not there exactly once. */
export function mutated(
  { name, file, find, replace }: Mutant,
  source: string,
): { readonly source: string } | { readonly fault: string } {
  const parts = source.split(find);
  const [before, behind] = parts;
  if (parts.length !== 2 || before === undefined || behind === undefined) {
    const count = parts.length - 1;
    const where = `${file} has its text ${count === 0 ? "nowhere" : `${count} times`}`;
    return { fault: `the mutant "${name}" is stale: ${where}, and must have it once` };
  }
  return { source: before + replace + behind };
}

/** A unit test: its path under test/unit, and part of the name of a test in it. */
export function unit(path: string, name?: string): Catcher {
  const file = `test/unit/${path}.test.ts`;
  return name === undefined ? { file } : { file, name };
}
