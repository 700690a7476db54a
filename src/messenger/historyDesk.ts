import { UdpchatError } from "../errors.js";
import { pathsOf } from "../store/paths.js";
import { openStore } from "../store/store.js";
import { DEFAULT_DISCOVERY_PORT } from "../wire/constants.js";
import { systemClock } from "./clock.js";
import { HistoryReader, noSuchMessage } from "./historyReader.js";
import { type KeptMessages, openKeptMessages } from "./keptMessages.js";
import { namedDevice } from "./namedDevice.js";
import { TrustBook } from "./trustBook.js";
import type { HistoryMessage, HistoryOptions, Warning } from "./types.js";

/** Which home. */
export interface HistoryDeskOptions {
  /** Folder of identity and database. Default: the platform's own. */
  readonly home?: string;
  /** Default 22401: labels of groups depend on it. */
  readonly discoveryPort?: number;
}

/**
 * The messages of a home, without the network: what is stored can be read while nothing runs.
 * Names are those of the peers that are known there.
 */
export class HistoryDesk {
  /** What went less well while opening. */
  readonly openingWarnings: readonly Warning[];
  readonly #self: string;
  readonly #kept: KeptMessages;
  readonly #reader: HistoryReader;
  readonly #book: TrustBook;

  private constructor(
    self: string,
    kept: KeptMessages,
    reader: HistoryReader,
    book: TrustBook,
    openingWarnings: readonly Warning[],
  ) {
    this.#self = self;
    this.#kept = kept;
    this.#reader = reader;
    this.#book = book;
    this.openingWarnings = openingWarnings;
  }

  /** @throws UdpchatError HOME_UNUSABLE, NO_SQLITE, STORE_UNUSABLE */
  static async open({
    home,
    discoveryPort = DEFAULT_DISCOVERY_PORT,
  }: HistoryDeskOptions = {}): Promise<HistoryDesk> {
    const paths = pathsOf(home);
    const store = await openStore(paths);
    const self = store.identity().device;
    const book = await TrustBook.load({ store: store.trust, self, clock: systemClock });
    const warnings = [...book.earlyWarnings];
    const kept = await openKeptMessages({}, paths, (warning) => void warnings.push(warning));
    const reader = new HistoryReader({
      store: kept.store,
      trust: book,
      discoveryPort,
      deviceOf: (name) => knownDevice(name, book),
    });
    return new HistoryDesk(self, kept, reader, book, warnings);
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
    const { store } = this.#kept;
    const dropped = store.batch("promise", () => store.drop(this.#self, id));
    if (dropped === undefined) throw noSuchMessage(id);
    return this.#reader.shape(dropped);
  }

  async close(): Promise<void> {
    this.#kept.close();
    await this.#book.settled();
  }
}

/** @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER */
function knownDevice(name: string, book: TrustBook): string {
  const device = namedDevice(name, [], book.entries());
  if (device !== undefined) return device;
  throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} is known here`, {
    remedy: "name somebody you wrote to, or write the whole id",
  });
}
