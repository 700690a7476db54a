/**
 * The tables. Each migration brings a database from its number to the next and never changes once
 * it was released.
 *
 * - `messages`: `peer` is the other side of a direct message, and the author of a group line.
 *   AUTOINCREMENT: a row number is never given again, so that "behind row n" means new ones.
 * - `texts`: what searches look at, see `foldText`; apart from the messages, so that going through
 *   all of them reads little. `trigrams` is the index over it: it knows which texts have three
 *   characters somewhere, not where (detail=none), which is a third of the size; whoever asks it
 *   looks at the text itself as well.
 * - `datagrams` are apart from the `streams` that they are in, and behind an index of numbers
 *   alone: what a group holds is read without touching the bytes.
 *
 * Lists of conditions in queries must repeat that of a partial index as it is written here.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE messages (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  author TEXT NOT NULL,
  author_name TEXT NOT NULL,
  author_address TEXT NOT NULL,
  author_port INTEGER NOT NULL,
  own INTEGER NOT NULL,
  peer TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_at_ms INTEGER NOT NULL,
  stored_at_ms INTEGER NOT NULL,
  hlc INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'sent', 'delivered', 'read', 'undelivered', 'unread')),
  to_device TEXT,
  to_name TEXT,
  to_address TEXT,
  to_port INTEGER,
  group_id TEXT,
  group_label TEXT,
  incarnation TEXT,
  sequence INTEGER,
  expires_at_ms INTEGER,
  require_verified INTEGER,
  client_id TEXT,
  receipt_owed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (id, author)
) STRICT;
CREATE UNIQUE INDEX messages_by_client_id ON messages (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX messages_by_hlc ON messages (hlc);
CREATE INDEX messages_by_peer ON messages (peer, hlc);
CREATE INDEX messages_by_group ON messages (group_label, hlc) WHERE group_label IS NOT NULL;
CREATE INDEX messages_by_storing ON messages (stored_at_ms);
CREATE INDEX messages_queued ON messages (to_device) WHERE state = 'queued';
CREATE INDEX messages_expiring ON messages (expires_at_ms)
  WHERE state IN ('queued', 'sent') AND expires_at_ms IS NOT NULL;
CREATE INDEX messages_owed ON messages (author) WHERE receipt_owed = 1;
CREATE INDEX messages_said ON messages (group_id, incarnation) WHERE incarnation IS NOT NULL;

CREATE TABLE texts (row INTEGER PRIMARY KEY, folded TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE trigrams USING fts5(
  folded, content='texts', content_rowid='row',
  tokenize='trigram case_sensitive 1', detail=none, columnsize=0
);
CREATE TRIGGER texts_added AFTER INSERT ON texts BEGIN
  INSERT INTO trigrams (rowid, folded) VALUES (new.row, new.folded);
END;
CREATE TRIGGER texts_gone AFTER DELETE ON texts BEGIN
  INSERT INTO trigrams (trigrams, rowid, folded) VALUES ('delete', old.row, old.folded);
END;

CREATE TABLE receipts (
  message INTEGER NOT NULL,
  device TEXT NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  port INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('delivered', 'read')),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (message, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_receipts (
  group_id TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  device TEXT NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  port INTEGER NOT NULL,
  up_to INTEGER NOT NULL,
  at_ms INTEGER,
  PRIMARY KEY (group_id, incarnation, device)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER messages_gone AFTER DELETE ON messages BEGIN
  DELETE FROM texts WHERE row = old.row;
  DELETE FROM receipts WHERE message = old.row;
END;

CREATE TABLE streams (
  stream INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL,
  device TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  latest_hlc INTEGER NOT NULL,
  UNIQUE (group_id, device, incarnation)
) STRICT;
CREATE TABLE datagrams (
  row INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  said_at_ms INTEGER NOT NULL,
  key_id TEXT,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX datagrams_by_sequence ON datagrams (stream, sequence);
`,
];
