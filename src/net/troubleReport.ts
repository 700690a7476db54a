/** What is wrong goes on being wrong: one report of the same thing in this time. */
const REPEAT_AFTER_MS = 60_000;

/** Reported things that are remembered; the oldest is forgotten beyond that. */
const MAX_REMEMBERED = 256;

/** Passes each trouble on once a minute: a log of every failed send helps nobody. */
export class TroubleReport {
  readonly #report: (trouble: { readonly where: string; readonly code: string }) => void;
  readonly #nowMs: () => number;
  /** When each was reported last. Bounded by MAX_REMEMBERED. */
  readonly #reportedMs = new Map<string, number>();

  constructor(
    report: (trouble: { readonly where: string; readonly code: string }) => void,
    nowMs: () => number,
  ) {
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** @param code an errno. */
  tell(where: string, code: string): void {
    const key = `${where} ${code}`;
    const nowMs = this.#nowMs();
    const lastMs = this.#reportedMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_AFTER_MS) return;
    // Deleted first: a Map keeps the order of insertion, and the first is the oldest.
    this.#reportedMs.delete(key);
    this.#reportedMs.set(key, nowMs);
    if (this.#reportedMs.size > MAX_REMEMBERED) {
      const [oldest] = this.#reportedMs.keys();
      if (oldest !== undefined) this.#reportedMs.delete(oldest);
    }
    this.#report({ where, code });
  }
}
