import type { ChangeableOptions } from "./types.js";

/**
 * What can change while a messenger is open, with its defaults. Whoever goes by one reads it when
 * it matters, and never once for all.
 */
export class Preferences {
  #name: string;
  #options: ChangeableOptions;

  /** @param name the nickname that `options` mean, or the default one */
  constructor(name: string, options: ChangeableOptions) {
    this.#name = name;
    this.#options = options;
  }

  replace(name: string, options: ChangeableOptions): void {
    this.#name = name;
    this.#options = options;
  }

  get name(): string {
    return this.#name;
  }

  get broadcasts(): readonly string[] {
    return this.#options.broadcasts ?? [];
  }

  get requireVerified(): boolean {
    return this.#options.requireVerified ?? false;
  }

  /** Undefined: for ever. */
  get retentionMs(): number | undefined {
    return this.#options.retentionMs;
  }

  get readReceipts(): boolean {
    return this.#options.readReceipts ?? true;
  }
}
