import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MessageStore } from "../../../src/store/messageStore.js";
import { openMessageStore } from "../../../src/store/openMessageStore.js";
import type { StoreTrouble } from "../../../src/store/resilientStore.js";
import type { SqlDatabase } from "../../../src/store/sql.js";
import type { OpenEngine } from "../../../src/store/sqliteEngine.js";
import { describeOnEngines } from "../../support/sqliteEngines.js";
import {
  deviceOf,
  idOf,
  incoming,
  line,
  ME,
  MY_INCARNATION,
  OPS,
  outgoing,
  ownLine,
  partyOf,
  queued,
} from "../../support/storedMessages.js";

const PAGE_BYTES = 4096;
const ALICE = { device: deviceOf("a"), incarnation: MY_INCARNATION };

let folder: string;
let databaseFile: string;
let troubles: StoreTrouble[];
/** What stores of the test opened, the latest last. */
let connections: SqlDatabase[];
/** How often opening fails from now on. */
let refusals: number;
/** The disk has no room for another database. */
let hasNoRoom: boolean;
/** What their engine was told to do. */
let told: string[];
/** A part of statements that find damage wherever they look. */
let damagedStatement: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-store-"));
  databaseFile = join(folder, "udpchat.db");
  troubles = [];
  connections = [];
  refusals = 0;
  hasNoRoom = false;
  told = [];
  damagedStatement = undefined;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Opened {
  readonly store: MessageStore;
  readonly retry: (nowMs: number) => Promise<void>;
}

async function open(engine: OpenEngine): Promise<Opened> {
  return openMessageStore(
    { databaseFile },
    {
      store: "disk",
      onTrouble: (trouble) => void troubles.push(trouble),
      engine(path) {
        if (refusals > 0) {
          refusals -= 1;
          throw Object.assign(new Error("cannot open"), { code: "SQLITE_CANTOPEN" });
        }
        if (hasNoRoom && statSync(path).size === 0) {
          throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
        }
        const connection = engine(path);
        const exec = connection.exec.bind(connection);
        connection.exec = (sql) => {
          told.push(sql);
          exec(sql);
        };
        const prepare = connection.prepare.bind(connection);
        connection.prepare = (sql) => {
          if (damagedStatement === undefined || !sql.includes(damagedStatement))
            return prepare(sql);
          throw Object.assign(new Error("malformed"), { code: "SQLITE_CORRUPT" });
        };
        connections.push(connection);
        return connection;
      },
    },
  );
}

/** No write succeeds any more, reads do. */
function makeReadOnly(): void {
  connections.at(-1)?.exec("PRAGMA query_only = ON");
}

function codes(): string[] {
  return troubles.map(({ code }) => code);
}

function texts(store: MessageStore): string[] {
  return store.history({}).map(({ text }) => text);
}

function asideFiles(): string[] {
  return readdirSync(folder).filter((name) => name.includes(".damaged-"));
}

/** A database of some hundred pages, closed. */
async function fillAndClose(engine: OpenEngine): Promise<void> {
  const { store } = await open(engine);
  store.batch("soon", () => {
    for (let n = 1; n <= 300; n += 1) store.add(incoming(n, `${n} ${"text ".repeat(200)}`));
  });
  store.close();
}

await describeOnEngines("a store whose disk fails", (engine) => {
  it("says nothing and holds nothing in memory while it works", async () => {
    const { store, retry } = await open(engine);
    store.add(incoming(1, "one"));
    store.batch("promise", () => store.add(incoming(2, "two")));
    await retry(0);
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["one", "two"]);
    expect(troubles).toEqual([]);
  });

  it("runs the batch that failed in memory, tells it once, and moves all to the disk later", async () => {
    const { store, retry } = await open(engine);
    store.batch("promise", () => store.add(incoming(1, "on disk")));
    connections[0]?.exec("PRAGMA max_page_count = 1");
    let runs = 0;
    const added = store.batch("promise", () => {
      runs += 1;
      store.add(incoming(2, "x".repeat(100_000)));
      return store.add(incoming(3, "small"));
    });
    expect(runs).toBe(2);
    expect(added?.text).toBe("small");
    store.batch("soon", () => store.add(incoming(4, "later")));
    expect(codes()).toEqual(["STORE_FAILED"]);
    expect(troubles[0]?.message).toMatch(
      /udpchat\.db is full: messages are kept in memory only, .*; make room there$/,
    );
    const all = ["on disk", "x".repeat(100_000), "small", "later"];
    expect(texts(store)).toEqual(all);

    await retry(1000);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    expect(texts(store)).toEqual(all);
    store.close();
    expect(texts((await open(engine)).store)).toEqual(all);
  });

  it("keeps a promise that is made within a batch that promises less", async () => {
    const { store } = await open(engine);
    store.batch("soon", () => store.add(incoming(1, "one")));
    told.length = 0;
    store.batch("soon", () => store.batch("promise", () => store.add(incoming(2, "two"))));
    expect(told).toContain("PRAGMA synchronous = FULL");
  });

  it("is not restored by a disk that still takes nothing, even if there is nothing to take", async () => {
    const { store, retry } = await open(engine);
    makeReadOnly();
    store.batch("soon", () => store.add(incoming(1, "one")));
    expect(store.prune(2_000_000, 0)).toBe(1);
    const push = connections.push.bind(connections);
    connections.push = (...more) => {
      for (const connection of more) {
        const exec = connection.exec.bind(connection);
        connection.exec = (sql) => {
          if (!sql.startsWith("PRAGMA user_version =")) return exec(sql);
          throw Object.assign(new Error("no page is left"), { code: "SQLITE_FULL" });
        };
      }
      return push(...more);
    };
    await retry(0);
    expect(connections).toHaveLength(2);
    expect(codes()).toEqual(["STORE_FAILED"]);
  });

  it("does nothing of a batch that throws, in memory as well", async () => {
    const { store } = await open(engine);
    makeReadOnly();
    store.add(incoming(1, "kept"));
    expect(() =>
      store.batch("soon", () => {
        store.add(incoming(2, "taken back"));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(texts(store)).toEqual(["kept"]);
  });

  it("tries the disk every 30 s, and tells a failure that goes on no second time", async () => {
    const { store, retry } = await open(engine);
    makeReadOnly();
    store.add(incoming(1, "one"));
    refusals = 1;
    await retry(1000);
    await retry(30_999);
    expect(refusals).toBe(0);
    expect(connections).toHaveLength(1);
    expect(codes()).toEqual(["STORE_FAILED"]);
    await retry(31_000);
    expect(connections).toHaveLength(2);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    expect(texts(store)).toEqual(["one"]);
  });

  it("knows how old group datagrams are, on disk and in memory", async () => {
    const { store, retry } = await open(engine);
    for (const n of [1, 2, 3]) store.log.append(OPS.groupId, ALICE, 1024 * n, datagram(n));
    makeReadOnly();
    store.log.append(OPS.groupId, ALICE, 1024 * 4, datagram(4));
    const saidBefore = (): (number | undefined)[] =>
      [1, 2, 4, 5].map((beforeMs) => store.log.saidBefore(OPS.groupId, ALICE, beforeMs));
    // What memory holds waits until the disk has forgotten the rest.
    expect(saidBefore()).toEqual([0, 1, 3, 3]);
    expect(store.log.groupIds()).toEqual([OPS.groupId]);
    store.log.forget(OPS.groupId, ALICE, 2);
    expect(saidBefore()).toEqual([2, 2, 3, 3]);
    await retry(0);
    expect(saidBefore()).toEqual([2, 2, 3, 4]);
  });

  it("shows what is on disk under what memory holds", async () => {
    const { store, retry } = await open(engine);
    const unreadOfBob = [incoming(1, "read later"), incoming(2, "read now")];
    for (const message of unreadOfBob) store.add(message);
    store.add(queued(3, "dropped", { clientId: "mine" }));
    store.add(queued(4, "delivered meanwhile"));
    store.add(outgoing(5, "read by bob"));
    store.add(ownLine(6, "ours"));
    store.markRead(deviceOf("b"), [idOf(1)], true);
    store.log.append(OPS.groupId, ALICE, 10, datagram(1));
    store.log.append(OPS.groupId, ALICE, 20, datagram(2));
    makeReadOnly();

    expect(store.add(incoming(1, "again"))).toBeUndefined();
    expect(store.add(queued(7, "other", { clientId: "mine" }))).toBeUndefined();
    store.add(queued(8, "new"));
    store.setState(ME.device, idOf(4), "delivered");
    store.addReceipt(ME.device, idOf(5), { party: partyOf("b"), status: "read", atMs: 5 });
    store.addGroupReceipt(OPS.groupId, MY_INCARNATION, partyOf("c"), 6);
    store.setState(ME.device, idOf(3), "undelivered");
    expect(store.unread([idOf(1), idOf(2)])).toEqual([{ author: deviceOf("b"), id: idOf(2) }]);
    expect(store.markRead(deviceOf("b"), [idOf(1), idOf(2)], true)).toEqual([idOf(2)]);
    store.receiptsPaid(deviceOf("b"), [idOf(1)]);
    store.log.append(OPS.groupId, ALICE, 30, datagram(3));
    store.log.forget(OPS.groupId, ALICE, 1);
    expect(codes()).toEqual(["STORE_FAILED"]);

    const look = (): object => ({
      texts: texts(store),
      exported: [...store.export({})].map(({ text }) => text),
      latest: store.history({ limit: 2 }).map(({ text }) => text),
      states: store.history({}).map(({ state }) => state),
      outbox: store.outbox().map(({ text }) => text),
      toBob: store.outbox(deviceOf("b"), 1).map(({ text }) => text),
      recipients: store.recipients().map(({ device }) => device),
      expiry: store.nextExpiryMs(),
      expired: store.expired(10_000_000).map(({ text }) => text),
      byClientId: store.findByClientId("mine")?.state,
      receipts: [5, 6].map((n) => {
        const message = store.find(ME.device, idOf(n));
        return message && store.receipts(message).map(({ status }) => status);
      }),
      owed: store.receiptsOwed(deviceOf("b"), 10),
      streams: store.log.streams(OPS.groupId).map((stream) => ({ ...stream })),
      datagrams: store.log
        .read(OPS.groupId, ALICE, { first: 0, last: 9 })
        ?.map(({ sequence }) => sequence),
    });
    const all = [
      ...["read later", "read now", "dropped", "delivered meanwhile", "read by bob", "ours", "new"],
    ];
    const expected = {
      texts: all,
      exported: all,
      latest: ["ours", "new"],
      states: ["read", "read", "undelivered", "delivered", "read", "sent", "queued"],
      outbox: ["new"],
      toBob: ["new"],
      recipients: [deviceOf("b")],
      expiry: 3_608_000,
      expired: ["new"],
      byClientId: "undelivered",
      receipts: [["read"], ["delivered"]],
      owed: [idOf(2)],
      streams: [{ ...ALICE, latestHlc: 30, ranges: [{ first: 2, last: 3 }] }],
      datagrams: [2, 3],
    };
    expect(look()).toEqual(expected);

    await retry(0);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    expect(look()).toEqual(expected);
    store.close();
    const after = await open(engine);
    expect(texts(after.store)).toEqual(expected.texts);
    after.store.close();
  });

  it("tells the disk what goes again meanwhile, and until when", async () => {
    const { store, retry } = await open(engine);
    const outbox = { expiresAtMs: 5_000, requireVerified: false };
    store.add(outgoing(1, "again", { state: "undelivered", outbox }));
    makeReadOnly();
    store.requeue(ME.device, idOf(1), { expiresAtMs: 9_000, requireVerified: false });
    store.setState(ME.device, idOf(1), "sent");
    await retry(0);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    expect(store.find(ME.device, idOf(1))?.state).toBe("sent");
    expect(store.nextExpiryMs()).toBe(9_000);
    store.close();
  });

  it("delivers what is queued on the disk, however much is queued in memory", async () => {
    const { store } = await open(engine);
    const long = "x".repeat(65_536);
    store.add(queued(1, long));
    makeReadOnly();
    let n = 1;
    const fill = (): void => {
      for (;;) store.add(queued((n += 1), long));
    };
    expect(fill).toThrow(expect.objectContaining({ code: "LIMIT_REACHED" }));
    store.setState(ME.device, idOf(1), "delivered");
    expect(store.find(ME.device, idOf(1))?.state).toBe("delivered");
    store.close();
  });

  it("keeps everything in memory if the way back to the disk fails half-way", async () => {
    const { store, retry } = await open(engine);
    store.add(incoming(1, "one"));
    makeReadOnly();
    store.add(incoming(2, "x".repeat(100_000)));
    store.add(incoming(3, "three"));
    const opened = connections.length;
    // The next connection has no room for the long one.
    const push = connections.push.bind(connections);
    connections.push = (...more) => {
      for (const connection of more) connection.exec("PRAGMA max_page_count = 1");
      return push(...more);
    };
    await retry(0);
    expect(connections).toHaveLength(opened + 1);
    expect(codes()).toEqual(["STORE_FAILED"]);
    expect(texts(store)).toEqual(["one", "x".repeat(100_000), "three"]);
    connections.push = push;
    await retry(30_000);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    expect(texts(store)).toEqual(["one", "x".repeat(100_000), "three"]);
  });

  it("gives the disk what memory holds when it is closed, if it can", async () => {
    const { store } = await open(engine);
    makeReadOnly();
    store.add(line(1, "late"));
    connections[0]?.exec("PRAGMA query_only = OFF");
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["late"]);
  });

  it("goes on in memory where nothing can be opened, and comes back", async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "no folder");
    const { store, retry } = await open(engine);
    store.add(incoming(1, "one"));
    expect(texts(store)).toEqual(["one"]);
    expect(codes()).toEqual(["STORE_FAILED"]);
    rmSync(folder);
    mkdirSync(folder);
    await retry(0);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_RESTORED"]);
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["one"]);
  });
});

await describeOnEngines("a store whose file is damaged", (engine) => {
  it.each([
    ["cut short", (): void => truncateSync(databaseFile, statSync(databaseFile).size / 2)],
    ["without its header", (): void => overwrite(0, 100)],
    ["another file", (): void => writeFileSync(databaseFile, "my shopping list\n".repeat(100))],
  ])("sets aside one that is %s, and begins a new one", async (_, damage) => {
    await fillAndClose(engine);
    damage();
    const before = readFileSync(databaseFile);
    const { store } = await open(engine);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    const [aside = ""] = asideFiles();
    expect(troubles[0]?.message).toContain(join(folder, aside));
    expect(readFileSync(join(folder, aside)).equals(before)).toBe(true);
    store.add(incoming(1, "new"));
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["new"]);
  });

  it("says where it lies also if no new one can be begun", async () => {
    await fillAndClose(engine);
    overwrite(0, 100);
    hasNoRoom = true;
    const { store, retry } = await open(engine);
    expect(codes()).toEqual(["STORE_DAMAGED", "STORE_FAILED"]);
    const [aside = ""] = asideFiles();
    expect(troubles[0]?.message).toContain(join(folder, aside));
    store.add(incoming(1, "new"));
    hasNoRoom = false;
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED", "STORE_FAILED", "STORE_RESTORED"]);
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["new"]);
  });

  it("notices pages that are damaged when it comes to them", async () => {
    await fillAndClose(engine);
    overwriteSecondHalf();
    const { store, retry } = await open(engine);
    expect(troubles).toEqual([]);
    expect(texts(store)).toEqual([]);
    store.batch("promise", () => store.add(incoming(1, "new")));
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    expect(asideFiles()).toHaveLength(1);
    expect(texts(store)).toEqual(["new"]);
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["new"]);
  });

  it("notices it in a batch as well, and stores the batch", async () => {
    await fillAndClose(engine);
    overwriteSecondHalf();
    const { store, retry } = await open(engine);
    expect(troubles).toEqual([]);
    expect(store.batch("promise", () => store.add(incoming(1, "new")))?.text).toBe("new");
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    expect(texts(store)).toEqual(["new"]);
  });

  it("notices a row that says what we never write, with which SQLite finds nothing wrong", async () => {
    const first = await open(engine);
    first.store.add(outgoing(1, "old", { state: "undelivered" }));
    first.store.close();
    const bytes = readFileSync(databaseFile, "latin1");
    writeFileSync(databaseFile, bytes.replaceAll("undelivered", "undeLivered"), "latin1");
    const { store, retry } = await open(engine);
    expect(texts(store)).toEqual([]);
    store.batch("promise", () => store.add(incoming(1, "new")));
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    expect(asideFiles()).toHaveLength(1);
    expect(texts(store)).toEqual(["new"]);
  });

  it("sets new ones aside at once, but not again and again, if all of them are damaged", async () => {
    const { store, retry } = await open(engine);
    damagedStatement = "ORDER BY m.hlc";
    const counts: number[] = [];
    for (const nowMs of [0, 0, 1, 2, 3, 29_999]) {
      texts(store);
      await retry(nowMs);
      counts.push(asideFiles().length);
    }
    // By damage; by time, and by damage again: it may be another one.
    expect(counts).toEqual([1, 2, 3, 3, 3, 3]);
  });

  it("sets one aside that is found damaged on the way back to it", async () => {
    const { store, retry } = await open(engine);
    makeReadOnly();
    store.add(incoming(1, "one"));
    damagedStatement = "INSERT INTO messages";
    await retry(0);
    expect(asideFiles()).toHaveLength(0);
    damagedStatement = undefined;
    await retry(30_000);
    expect(codes()).toEqual(["STORE_FAILED", "STORE_DAMAGED", "STORE_RESTORED"]);
    expect(asideFiles()).toHaveLength(1);
    expect(texts(store)).toEqual(["one"]);
  });

  it("promises nothing into a file that another process set aside", async () => {
    const { store, retry } = await open(engine);
    store.add(incoming(1, "one"));
    const aside = `${databaseFile}.damaged-1`;
    for (const end of ["", "-wal", "-shm"]) renameSync(databaseFile + end, aside + end);
    store.batch("promise", () => store.add(incoming(2, "two")));
    expect(texts(store)).toEqual(["one", "two"]);
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    expect(texts(store)).toEqual(["two"]);
    store.close();
    const after = await open(engine);
    expect(texts(after.store)).toEqual(["two"]);
    after.store.close();
  });

  it("never replaces what was set aside before", async () => {
    for (let round = 1; round <= 3; round += 1) {
      writeFileSync(databaseFile, `damaged for the ${round}. time, and long enough to be read`);
      (await open(engine)).store.close();
    }
    const contents = asideFiles().map((name) => readFileSync(join(folder, name), "utf8"));
    expect(contents.toSorted().map((text) => text.slice(0, 17))).toEqual([
      "damaged for the 1",
      "damaged for the 2",
      "damaged for the 3",
    ]);
  });

  it("is not set aside a second time by another process that had it open", async () => {
    await fillAndClose(engine);
    const first = await open(engine);
    const second = await open(engine);
    overwriteSecondHalf();
    const readBoth = (): string[][] => [texts(first.store), texts(second.store)];
    readBoth();
    await Promise.all([first.retry(0), second.retry(0)]);
    expect(codes()).toEqual(["STORE_DAMAGED", "STORE_DAMAGED"]);
    expect(asideFiles()).toHaveLength(1);
    first.store.add(incoming(1, "by the first"));
    second.store.add(incoming(2, "by the second"));
    expect(readBoth()).toEqual([
      ["by the first", "by the second"],
      ["by the first", "by the second"],
    ]);
    first.store.close();
    second.store.close();
  });

  it("uses the file that lies there if its own was taken away", async () => {
    const { store, retry } = await open(engine);
    store.add(incoming(1, "in the old one"));
    renameSync(databaseFile, `${databaseFile}.taken`);
    for (const end of ["-wal", "-shm"])
      renameSync(databaseFile + end, `${databaseFile}.taken${end}`);
    await retry(0);
    expect(codes()).toEqual(["STORE_DAMAGED"]);
    store.add(incoming(2, "in the new one"));
    store.close();
    expect(texts((await open(engine)).store)).toEqual(["in the new one"]);
  });
});

describe("a store of messages", () => {
  it("touches no disk where it is in memory, or nowhere", async () => {
    for (const place of ["memory", "none"] as const) {
      const onTrouble = (): void => expect.unreachable();
      const { store, retry } = await openMessageStore(
        { databaseFile },
        { store: place, onTrouble },
      );
      store.add(incoming(1, "one"));
      await retry(0);
      store.close();
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

function datagram(sequence: number): { sequence: number; bytes: Uint8Array; keyId: undefined } {
  return { sequence, bytes: new Uint8Array([sequence]), keyId: undefined };
}

/** The tables are known from the first one. */
function overwriteSecondHalf(): void {
  const { size } = statSync(databaseFile);
  overwrite(Math.floor(size / 2 / PAGE_BYTES) * PAGE_BYTES, size);
}

/** Bytes that are none of SQLite's. */
function overwrite(from: number, to: number): void {
  const bytes = readFileSync(databaseFile);
  bytes.fill(0xa5, from, to);
  writeFileSync(databaseFile, bytes);
}
