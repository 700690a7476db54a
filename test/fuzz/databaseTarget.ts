/** A database whose file a disk, a power cut or another program has damaged. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UdpchatError } from "../../src/errors.js";
import type { MessageStore } from "../../src/store/messageStore.js";
import { type OpenedMessageStore, openMessageStore } from "../../src/store/openMessageStore.js";
import type { StoreTrouble } from "../../src/store/resilientStore.js";
import type { SeededRandom } from "../support/seededRandom.js";
import {
  deviceOf,
  idOf,
  incoming,
  line,
  OPS,
  outgoing,
  partyOf,
  queued,
} from "../support/storedMessages.js";
import { fromHexDigits, toHexDigits } from "./hostileDraws.js";
import { below, chance, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const databaseTarget: FuzzTarget = {
  name: "database",
  weight: 0.15,
  lifetimeInputs: 200,
  open: () => DatabaseSubject.open(),
};

const PAGE_BYTES = 4096;
/** What one patch takes in an input: an offset, and the byte that is there now. */
const PATCH_BYTES = 5;
const MESSAGES = 40;
const INSTANCE = { device: deviceOf("c"), incarnation: "0123456789abcdef" };
const KEPT = ["file", "file", "file", "file", "cut", "grown", "empty", "text", "foreign log"];

class DatabaseSubject implements FuzzSubject {
  readonly #folder: string;
  readonly #right: Buffer;

  static async open(): Promise<DatabaseSubject> {
    const folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-database-"));
    const path = join(folder, "right.db");
    const { store } = await openStore(path, []);
    store.batch("soon", () => fill(store));
    store.close();
    return new DatabaseSubject(folder, readFileSync(path));
  }

  private constructor(folder: string, right: Buffer) {
    this.#folder = folder;
    this.#right = right;
  }

  draw(random: SeededRandom): FuzzInput {
    const pages = this.#right.length / PAGE_BYTES;
    const patches = Array.from({ length: 1 + below(random, 6) }, () => {
      const patch = Buffer.alloc(PATCH_BYTES);
      // The head of a page says how to read the rest of it.
      const within = chance(random, 0.3) ? below(random, 16) : below(random, PAGE_BYTES);
      const page = chance(random, 0.1) ? 0 : below(random, pages);
      patch.writeUInt32BE(page * PAGE_BYTES + within);
      patch[4] = chance(random, 0.5) ? pick(random, [0, 0xff, 0x80, 0x7f]) : below(random, 256);
      return patch;
    });
    return {
      kind: "damage",
      hex: toHexDigits(Buffer.concat(patches)),
      with: { place: pick(random, KEPT), at: below(random, this.#right.length) },
    };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const path = join(this.#folder, "udpchat.db");
    const bytes = this.#damaged(input, path);
    writeFileSync(path, bytes);
    const troubles: StoreTrouble[] = [];
    try {
      const { store, retry } = await openStore(path, troubles);
      try {
        use(store);
        // What was found to be damaged is replaced meanwhile.
        await retry(0);
        use(store);
        // An index whose bytes are wrong finds nothing, and SQLite cannot know; a new file can.
        const isThere = store.find(deviceOf("b"), idOf(9000)) !== undefined;
        if (!isThere && troubles.length > 0) throw new Error("a message was lost");
        await retry(60_000);
      } finally {
        store.close();
      }
      const [first] = troubles;
      if (first === undefined) return "accepted";
      assertSetAside(troubles, path);
      return "refused";
    } catch (error) {
      if (!isOfSchema(error)) throw error;
      return "refused";
    } finally {
      rmSync(this.#folder, { recursive: true });
      // The lock, the log and what was set aside are gone with it.
      mkdirSync(this.#folder);
    }
  }

  #damaged(input: FuzzInput, path: string): Buffer {
    const bytes = Buffer.from(this.#right);
    const patches = Buffer.from(fromHexDigits(input.hex));
    for (let at = 0; at + PATCH_BYTES <= patches.length; at += PATCH_BYTES) {
      const offset = patches.readUInt32BE(at);
      if (offset < bytes.length) bytes[offset] = patches[at + 4] ?? 0;
    }
    const at = Number(input.with?.["at"] ?? 0);
    switch (input.with?.["place"]) {
      case "cut":
        return bytes.subarray(0, at);
      case "grown":
        return Buffer.concat([bytes, bytes.subarray(0, at)]);
      case "empty":
        return Buffer.alloc(0);
      case "text":
        return Buffer.from("this is no database\n".repeat(1 + (at % 1000)));
      case "foreign log":
        writeFileSync(`${path}-wal`, bytes.subarray(at));
        return Buffer.from(this.#right);
      default:
        return bytes;
    }
  }

  check(): void {}

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function openStore(path: string, troubles: StoreTrouble[]): Promise<OpenedMessageStore> {
  const onTrouble = (trouble: StoreTrouble): void => void troubles.push(trouble);
  return openMessageStore({ databaseFile: path }, { store: "disk", onTrouble });
}

/**
 * Another number of the version is one of a later program. What SQLite calls a plain error is a
 * statement that does not fit the tables: where their description is damaged it says no more.
 */
function isOfSchema(error: unknown): boolean {
  if (error instanceof UdpchatError) return error.message.includes("a later version");
  if (!(error instanceof Error) || !("code" in error)) return false;
  const isPlain = "errcode" in error && error.errcode === 1;
  return (
    isPlain ||
    error.code === "SQLITE_ERROR" ||
    /^SQLITE_(CONSTRAINT|MISMATCH)/.test(String(error.code))
  );
}

/** Something in every table. */
function fill(store: MessageStore): void {
  for (let n = 1; n <= MESSAGES; n += 4) {
    store.add(incoming(n, `hello ${n} 午饭 ${"x".repeat(n * 20)}`));
    store.add(outgoing(n + 1, `answer ${n}`, { clientId: `client-${n}` }));
    store.add(queued(n + 2, `later ${n}`));
    store.add(line(n + 3, `line ${n}`));
    const party = partyOf("b");
    store.addReceipt(deviceOf("a"), idOf(n + 1), { party, status: "read", atMs: n });
    const datagram = { sequence: n, bytes: new Uint8Array(n), keyId: undefined };
    store.log.append(OPS.groupId, INSTANCE, n, datagram);
  }
  store.markRead(deviceOf("b"), [idOf(1)], true);
}

/** Everything that a messenger asks of a store. It throws nothing, whatever the disk does. */
function use(store: MessageStore): void {
  const shown = store.history({ limit: 100 });
  store.history({ words: ["午", "answer"], limit: 10, textBytes: 1000 });
  store.history({ device: deviceOf("b"), groupLabel: "#ops", sinceMs: 5 });
  for (const message of shown.slice(0, 5)) store.receipts(message);
  exportAll(store);
  const to = store.recipients();
  for (const { device } of to) store.outbox(device, 10);
  store.findByClientId("client-1");
  store.expired(2 ** 50);
  store.nextExpiryMs();
  store.unread([idOf(1), idOf(5)]);
  store.receiptsOwed(deviceOf("b"), 10);
  for (const groupId of store.log.groupIds()) {
    for (const stream of store.log.streams(groupId)) {
      for (const range of stream.ranges.slice(0, 5)) store.log.read(groupId, stream, range);
      store.log.saidBefore(groupId, stream, 2 ** 50);
    }
  }
  store.batch("promise", () => {
    store.add(incoming(9000, "new"));
    store.setState(deviceOf("a"), idOf(2), "delivered");
    store.addGroupReceipt(OPS.groupId, INSTANCE.incarnation, partyOf("c"), 3, 7);
    store.markRead(deviceOf("b"), [idOf(5)], true);
    store.receiptsPaid(deviceOf("b"), [idOf(1)]);
    store.requeue(deviceOf("a"), idOf(2), { expiresAtMs: 2 ** 40, requireVerified: false });
    const datagram = { sequence: 90, bytes: new Uint8Array(9), keyId: undefined };
    store.log.append(OPS.groupId, INSTANCE, 90, datagram);
  });
  store.log.forget(OPS.groupId, INSTANCE, 1);
  store.prune(2000, 30, 1);
}

/** The only one that may throw: what came before it was handed out already. */
function exportAll(store: MessageStore): void {
  try {
    for (const _ of store.export({}));
  } catch (error) {
    if (!(error instanceof UdpchatError) || error.code !== "STORE_UNUSABLE") throw error;
  }
}

/** Where something is said to lie, it lies. */
function assertSetAside(troubles: readonly StoreTrouble[], path: string): void {
  for (const { message } of troubles) {
    const [, aside] = / lies in (\S+) now/.exec(message) ?? [];
    if (aside !== undefined && !existsSync(aside)) throw new Error(`nothing lies in ${aside}`);
  }
  if (!existsSync(path)) throw new Error("there is no database any more");
}
