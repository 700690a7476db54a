import type { SequenceRange } from "../wire/group.js";
import { readingMs } from "../wire/hybridReading.js";
import type { Instance } from "../wire/presence.js";
import { rangesOf } from "./memoryGroupLog.js";
import { bytesIn, type MessageDatabase, numberIn, textIn } from "./messageRows.js";
import type { GroupLogStore, StoredDatagram } from "./messageStore.js";

/** Group datagrams on disk. */
export class SqlGroupLog implements GroupLogStore {
  readonly #database: MessageDatabase;

  constructor(database: MessageDatabase) {
    this.#database = database;
  }

  streams(
    groupId: string,
  ): readonly (Instance & { ranges: readonly SequenceRange[]; latestHlc: number })[] {
    const sequences = this.#database.prepare(
      "SELECT sequence FROM datagrams WHERE stream = ? ORDER BY sequence",
    );
    return this.#database
      .prepare("SELECT * FROM streams WHERE group_id = ? ORDER BY stream")
      .all(groupId)
      .map((stream) => ({
        device: textIn(stream, "device"),
        incarnation: textIn(stream, "incarnation"),
        latestHlc: numberIn(stream, "latest_hlc"),
        ranges: rangesOf(
          sequences.all(numberIn(stream, "stream")).map((row) => numberIn(row, "sequence")),
        ),
      }));
  }

  read(groupId: string, of: Instance, { first, last }: SequenceRange): readonly StoredDatagram[] {
    return this.#database
      .prepare(
        `SELECT sequence, key_id, bytes FROM datagrams
          WHERE stream = ${STREAM} AND sequence BETWEEN ? AND ? ORDER BY sequence`,
      )
      .all(groupId, of.device, of.incarnation, first, last)
      .map((row) => ({
        sequence: numberIn(row, "sequence"),
        bytes: bytesIn(row, "bytes"),
        keyId: row["key_id"] === null ? undefined : textIn(row, "key_id"),
      }));
  }

  saidBefore(groupId: string, of: Instance, beforeMs: number): number | undefined {
    const names = [groupId, of.device, of.incarnation];
    const first = this.#database
      .prepare(
        `SELECT sequence FROM datagrams
          WHERE stream = ${STREAM} AND said_at_ms >= ? ORDER BY sequence LIMIT 1`,
      )
      .get(...names, beforeMs);
    if (first !== undefined) return numberIn(first, "sequence") - 1;
    const last = this.#database
      .prepare(
        `SELECT sequence FROM datagrams WHERE stream = ${STREAM} ORDER BY sequence DESC LIMIT 1`,
      )
      .get(...names);
    return last === undefined ? undefined : numberIn(last, "sequence");
  }

  groupIds(): string[] {
    return this.#database
      .prepare("SELECT DISTINCT group_id FROM streams ORDER BY group_id")
      .all()
      .map((row) => textIn(row, "group_id"));
  }

  append(
    groupId: string,
    of: Instance,
    hlc: number,
    datagram: StoredDatagram,
    saidAtMs = readingMs(hlc),
  ): void {
    const database = this.#database;
    const { sequence, keyId, bytes } = datagram;
    database.batch("soon", () => {
      const stream = database
        .prepare(
          `INSERT INTO streams (group_id, device, incarnation, latest_hlc) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET latest_hlc = max(latest_hlc, excluded.latest_hlc)
            RETURNING stream`,
        )
        .get(groupId, of.device, of.incarnation, hlc);
      database
        .prepare(
          `INSERT INTO datagrams (stream, sequence, said_at_ms, key_id, bytes)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET said_at_ms = excluded.said_at_ms,
              key_id = excluded.key_id, bytes = excluded.bytes`,
        )
        .run(numberIn(stream ?? {}, "stream"), sequence, saidAtMs, keyId ?? null, bytes);
    });
  }

  forget(groupId: string, of: Instance, upToSequence: number): void {
    const database = this.#database;
    const names = [groupId, of.device, of.incarnation];
    database.batch("soon", () => {
      database
        .prepare(`DELETE FROM datagrams WHERE stream = ${STREAM} AND sequence <= ?`)
        .run(...names, upToSequence);
      database
        .prepare(
          `DELETE FROM streams WHERE group_id = ? AND device = ? AND incarnation = ?
            AND NOT EXISTS (SELECT 1 FROM datagrams WHERE datagrams.stream = streams.stream)`,
        )
        .run(...names);
    });
  }
}

const STREAM = "(SELECT stream FROM streams WHERE group_id = ? AND device = ? AND incarnation = ?)";
