/** Memory that several owners share: at most `limitBytes` are out at any time. */
export class ByteBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  hasRoom(countBytes: number): boolean {
    return this.#usedBytes + countBytes <= this.#limitBytes;
  }

  /** False, and nothing taken, if there is no room. */
  take(countBytes: number): boolean {
    if (!this.hasRoom(countBytes)) return false;
    this.#usedBytes += countBytes;
    return true;
  }

  release(countBytes: number): void {
    this.#usedBytes -= countBytes;
  }
}
