import type { HistoryApi } from "../api/historyService.js";
import type { MessageLine } from "../api/lines.js";
import { MAX_READ_IDS } from "../api/operations.js";
import type { CommandContext } from "./context.js";

/** Who reads. */
export interface Reader {
  readonly isTTY: { readonly stdout: boolean };
  readonly forScripts: boolean;
}

/** What is shown within this time is told at once. */
const BATCH_MS = 200;

/**
 * Tells that a person was shown direct messages, which their authors then learn. Whoever reads a
 * pipe or `--json` may be a program: it marks nothing.
 */
export class ReadMarks {
  readonly #api: Pick<HistoryApi, "call">;
  readonly #forPeople: boolean;
  /** Not told yet; told at once at MAX_READ_IDS. */
  #ids: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #told: Promise<void> = Promise.resolve();

  constructor(api: Pick<HistoryApi, "call">, { isTTY, forScripts }: Reader) {
    this.#api = api;
    this.#forPeople = isTTY.stdout && !forScripts;
  }

  static of(api: Pick<HistoryApi, "call">, { io, printer }: CommandContext): ReadMarks {
    return new ReadMarks(api, { isTTY: io.isTTY, forScripts: printer.forScripts });
  }

  /** It is on the screen. Anything but a direct message of somebody else is passed over. */
  shown({ id, scope, own = false, state }: Shown): void {
    if (!this.#forPeople || id === null || scope !== "direct" || own || state === "read") return;
    this.#ids.push(id);
    if (this.#ids.length >= MAX_READ_IDS) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS);
  }

  /** Tells what is left. */
  async close(): Promise<void> {
    this.#tell();
    await this.#told;
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const ids = this.#ids;
    this.#ids = [];
    if (ids.length === 0) return;
    // Nothing is lost to the reader: the author does not learn it now.
    const told = this.#api.call("read", { ids }).then(
      () => undefined,
      () => undefined,
    );
    this.#told = Promise.all([this.#told, told]).then(() => undefined);
  }
}

/** A message line, or one of the history. */
type Shown = Pick<MessageLine, "id" | "scope"> & {
  readonly own?: boolean;
  readonly state?: string;
};
