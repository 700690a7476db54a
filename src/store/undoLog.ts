/** What undoes the changes of a batch: plain data has no transactions of its own. */
export class UndoLog {
  /** Undefined outside of a batch; as long as a batch. */
  #steps: (() => void)[] | undefined;

  /** Something changed: `undo` changes it back, as long as it is called before older ones. */
  readonly changed = (undo: () => void): void => {
    this.#steps?.push(undo);
  };

  /** Runs `work`, and undoes what it changed if it throws. A batch within a batch is part of it. */
  batch<T>(work: () => T): T {
    if (this.#steps !== undefined) return work();
    const steps: (() => void)[] = [];
    this.#steps = steps;
    try {
      return work();
    } catch (error) {
      this.#steps = undefined;
      for (const undo of steps.toReversed()) undo();
      throw error;
    } finally {
      this.#steps = undefined;
    }
  }
}
