/** A word that may stand where the cursor is. */
export interface Completion {
  readonly value: string;
  /** For people; empty if there is nothing to say. */
  readonly description: string;
}

/** What the shell knows better than we do. */
export type ShellsOwn = "files" | "folders";
