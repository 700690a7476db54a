import { existsSync } from "node:fs";
import { UdpchatError } from "../errors.js";
import { loadIdentity } from "../store/identityFile.js";
import { type Paths, pathsOf } from "../store/paths.js";
import { TrustFile } from "../store/trustFile.js";
import { DEFAULT_DISCOVERY_PORT } from "../wire/constants.js";
import { systemClock } from "./clock.js";
import { HistoryReader } from "./historyReader.js";
import { type KeptMessages, openKeptMessages } from "./keptMessages.js";
import { namedDevice } from "./namedDevice.js";
import { giveUpQueued } from "./queuedNames.js";
import { storeRead } from "./readReceipts.js";
import { TrustBook } from "./trustBook.js";
import type { HistoryMessage, HistoryOptions, MessengerApi, Warning } from "./types.js";

/** Which home. */
export interface HistoryDeskOptions {
  /** Folder of identity and database. Default: the platform's own. */
  readonly home?: string;
  /** Default 22401: labels of groups depend on it. */
  readonly discoveryPort?: number;
  /** Tell others that their messages were read here, as soon as a messenger runs. Default true. */
  readonly readReceipts?: boolean;
}

/**
 * The messages of a home, without the network: what is stored can be read while nothing runs.
 * Names are those of the peers that are known there. Where nobody was yet, nothing is made.
 */
export class HistoryDesk
  implements Pick<MessengerApi, "history" | "exportHistory" | "outbox" | "dropQueued" | "markRead">
{
  /** What went less well while opening. */
  readonly openingWarnings: readonly Warning[];
  readonly #tells: boolean;
  readonly #kept: KeptMessages;
  readonly #reader: HistoryReader;
  readonly #book: TrustBook;

  private constructor(
    tells: boolean,
    kept: KeptMessages,
    reader: HistoryReader,
    book: TrustBook,
    openingWarnings: readonly Warning[],
  ) {
    this.#tells = tells;
    this.#kept = kept;
    this.#reader = reader;
    this.#book = book;
    this.openingWarnings = openingWarnings;
  }

  /** @throws UdpchatError HOME_UNUSABLE, NO_SQLITE, STORE_UNUSABLE */
  static async open({
    home,
    discoveryPort = DEFAULT_DISCOVERY_PORT,
    readReceipts = true,
  }: HistoryDeskOptions = {}): Promise<HistoryDesk> {
    const paths = pathsOf(home);
    // Of a home that has none nothing is ours.
    const self = (await loadIdentity(paths.identityFile))?.device ?? "";
    const trust = new TrustFile(paths.trustFile);
    const book = await TrustBook.load({ store: trust, self, clock: systemClock });
    const warnings = [...book.earlyWarnings];
    const kept = await openKept(paths, (warning) => void warnings.push(warning));
    const reader = new HistoryReader({
      store: kept.store,
      trust: book,
      discoveryPort,
      deviceOf: (name) => knownDevice(name, book),
    });
    return new HistoryDesk(readReceipts, kept, reader, book, warnings);
  }

  async history(options: HistoryOptions = {}): Promise<HistoryMessage[]> {
    return this.#reader.history(options);
  }

  async *exportHistory(
    options: HistoryOptions = {},
  ): AsyncGenerator<HistoryMessage, void, undefined> {
    yield* this.#reader.export(options);
  }

  async outbox(): Promise<HistoryMessage[]> {
    return this.#reader.outbox();
  }

  async dropQueued(id: string): Promise<HistoryMessage> {
    return this.#reader.shape(giveUpQueued(this.#kept.store, id));
  }

  async markRead(ids: readonly string[]): Promise<void> {
    storeRead(this.#kept.store, ids, this.#tells);
  }

  /** Resolves when all of it is written. */
  async close(): Promise<void> {
    this.#kept.close();
    await this.#book.settled();
  }
}

/** Where nothing was ever stored there is nothing to read, and no database is made for it. */
async function openKept(paths: Paths, warn: (warning: Warning) => void): Promise<KeptMessages> {
  const isThere = existsSync(paths.databaseFile);
  return openKeptMessages({ store: isThere ? "disk" : "memory" }, paths, warn);
}

/** @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER */
function knownDevice(name: string, book: TrustBook): string {
  const device = namedDevice(name, book.entries());
  if (device !== undefined) return device;
  throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} is known here`, {
    remedy: "name somebody you wrote to, or write the whole id",
  });
}
