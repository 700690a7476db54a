import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** One end of a connection in memory: what is written to it is read from the other. */
class MemoryEnd extends Duplex {
  other: MemoryEnd | undefined;
  #whenRead: Done | undefined;

  override _read(): void {
    this.#goOn();
  }

  #goOn(): void {
    const whenRead = this.#whenRead;
    this.#whenRead = undefined;
    whenRead?.();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    if (this.other?.accept(chunk, done) !== true) done();
  }

  override _final(done: Done): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const { other } = this;
    process.nextTick(() => other?.destroy());
    this.#goOn(); // whoever waited for us to read
    done(error);
  }

  /** False if there is room for more at once; otherwise `done` is called when there is. */
  accept(chunk: Uint8Array, done: Done): boolean {
    if (this.destroyed || this.push(chunk)) return false;
    this.#whenRead = done;
    return true;
  }
}

/** Both ends of a connection in this process. */
export function connectionInMemory(): readonly [Duplex, Duplex] {
  const here = new MemoryEnd();
  const there = new MemoryEnd();
  here.other = there;
  there.other = here;
  return [here, there];
}
