import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { ReloadedLine } from "../api/lines.js";
import type { ChangeableOptions } from "../messenger/types.js";
import type { HookPrograms } from "./hooks.js";
import { failureRecord } from "./logRecord.js";

/** What command line, environment and config file say to a daemon. */
export interface DaemonSettings {
  /** By the keys that the user knows. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What they mean to a messenger. */
  readonly messengerOptions: ChangeableOptions;
  readonly hooks?: HookPrograms;
}

/** Bound to sockets, or to where everything lies. */
const NEED_RESTART: ReadonlySet<string> = new Set(["port", "discoveryPort", "store"]);

/** Where they come from. */
export interface SettingsReader {
  /** By key, as the daemon was started with. */
  readonly atStart: DaemonSettings["values"];
  /** As they are now. Rejects if they are wrong. */
  readonly read: () => Promise<DaemonSettings>;
}

/** Takes over changed settings while a daemon runs. */
export class Reloading {
  readonly #apply: (settings: DaemonSettings) => Promise<void>;
  readonly #read: SettingsReader["read"];
  readonly #logger: Logger;
  #values: DaemonSettings["values"];
  /** One after another, or an older file could win. */
  #last: Promise<unknown> = Promise.resolve();

  /** `apply` takes all of them over or, if it rejects, none. */
  constructor(
    apply: (settings: DaemonSettings) => Promise<void>,
    settings: SettingsReader,
    logger: Logger,
  ) {
    this.#apply = apply;
    this.#read = settings.read;
    this.#logger = logger;
    this.#values = settings.atStart;
  }

  /** All of them or none: rejects, and all stays as it was, if one is wrong. The log tells. */
  reload(): Promise<ReloadedLine> {
    const reloaded = this.#last.then(() => this.#reload());
    this.#last = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(): Promise<ReloadedLine> {
    try {
      const settings = await this.#read();
      const { values } = settings;
      await this.#apply(settings);
      const keys = new Set([...Object.keys(values), ...Object.keys(this.#values)]);
      const others = [...keys].filter((key) => !isDeepStrictEqual(values[key], this.#values[key]));
      const changed = others.filter((key) => !NEED_RESTART.has(key));
      const restart = others.filter((key) => NEED_RESTART.has(key));
      // What needs a restart is still as it was, and named again the next time.
      const inForce = [...NEED_RESTART].map((key) => [key, this.#values[key]] as const);
      this.#values = { ...values, ...Object.fromEntries(inForce) };
      this.#logger.info({ changed, restart }, "settings reloaded");
      return { type: "reloaded", changed, restart };
    } catch (error) {
      this.#logger.error(failureRecord(error), "settings not reloaded: they stay as they were");
      throw error;
    }
  }
}
