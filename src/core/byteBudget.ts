/**
 * Memory that several owners share: at most `limitBytes` are out at any time. With a parent, what
 * is taken here counts there as well: so much per peer, and so much for all peers together.
 */
export class ByteBudget {
  readonly #limitBytes: number;
  readonly #parent: ByteBudget | undefined;
  #usedBytes = 0;

  constructor(limitBytes: number, parent?: ByteBudget) {
    this.#limitBytes = limitBytes;
    this.#parent = parent;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  hasRoom(countBytes: number): boolean {
    const fits = this.#usedBytes + countBytes <= this.#limitBytes;
    return fits && (this.#parent?.hasRoom(countBytes) ?? true);
  }

  /** False, and nothing taken, if there is no room. */
  take(countBytes: number): boolean {
    if (!this.hasRoom(countBytes)) return false;
    this.#parent?.take(countBytes);
    this.#usedBytes += countBytes;
    return true;
  }

  release(countBytes: number): void {
    this.#usedBytes -= countBytes;
    this.#parent?.release(countBytes);
  }
}
