/**
 * A process that uses a database file: `storeProcess.js ENGINE FILE TASK [ARGUMENT]`. Writes what
 * it found as one line of JSON.
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { MessageStore } from "../../src/store/messageStore.js";
import { openMessageStore } from "../../src/store/openMessageStore.js";
import { type EngineName, loadEngineNamed, type OpenEngine } from "../../src/store/sqliteEngine.js";
import { idOf, incoming, partyOf } from "./storedMessages.js";

const [, , engineName = "", databaseFile = "", task = "", argument = ""] = process.argv;
const engine = await engineNamed(engineName === "node:sqlite" ? engineName : "better-sqlite3");
const troubles: string[] = [];

async function open(): Promise<{ store: MessageStore; retry: (nowMs: number) => Promise<void> }> {
  const onTrouble = ({ code }: { code: string }): void => void troubles.push(code);
  return openMessageStore({ databaseFile }, { store: "disk", onTrouble, engine });
}

async function engineNamed(name: EngineName): Promise<OpenEngine> {
  const found = await loadEngineNamed(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

const tasks: Readonly<Record<string, () => Promise<object>>> = {
  /** 100 messages by the author whose digit is given, each in a batch of its own. */
  async write() {
    const { store } = await open();
    const author = partyOf(argument);
    for (let n = 1; n <= 100; n += 1) {
      store.batch(n % 2 === 0 ? "promise" : "soon", () =>
        store.add(incoming(n, `line ${n}`, { author })),
      );
    }
    store.close();
    return {};
  },

  /** On a small disk: until it is full, some more, and then room is made. */
  async fill() {
    const ballast = join(dirname(databaseFile), "ballast");
    writeFileSync(ballast, Buffer.alloc(400 * 1024));
    const { store, retry } = await open();
    let count = 0;
    let troubled = 0;
    for (let n = 1; n <= 2000 && troubled < 6; n += 1) {
      store.batch("promise", () => store.add(incoming(n, "x".repeat(4096))));
      count = n;
      troubled += troubles.length;
    }
    const whileFull = store.history({}).length;
    await retry(0);
    const troublesWhileFull = [...troubles];
    rmSync(ballast);
    await retry(60_000);
    store.close();
    const again = await open();
    const ids = again.store.history({}).map(({ id }) => id);
    const all = Array.from({ length: count }, (_, index) => idOf(index + 1));
    const isComplete = JSON.stringify(ids) === JSON.stringify(all);
    again.store.close();
    const isEverythingThere = whileFull === count;
    return { count, isEverythingThere, troublesWhileFull, isComplete };
  },

  /** On a small disk that is full before anything is opened. */
  async fullAtOpen() {
    const ballast = openSync(join(dirname(databaseFile), "ballast"), "w");
    try {
      for (;;) writeSync(ballast, Buffer.alloc(4096));
    } catch {
      closeSync(ballast);
    }
    const { store, retry } = await open();
    store.add(incoming(1, "meanwhile"));
    await retry(0);
    const texts = store.history({}).map(({ text }) => text);
    store.close();
    return { texts, files: readdirSync(dirname(databaseFile)) };
  },

  /** On a disk that becomes read-only between two starts. */
  async readOnly() {
    const remount = (how: string): void => {
      execFileSync("mount", ["-o", `remount,${how}`, dirname(databaseFile)]);
    };
    const first = await open();
    first.store.add(incoming(1, "before"));
    first.store.close();
    remount("ro");
    const { store, retry } = await open();
    store.add(incoming(2, "meanwhile"));
    const troublesAtOpen = [...troubles];
    await retry(0);
    remount("rw");
    await retry(60_000);
    const texts = store.history({}).map(({ text }) => text);
    store.close();
    return { troublesAtOpen, texts };
  },
};

const found = await tasks[task]?.();
process.stdout.write(`${JSON.stringify({ ...found, troubles })}\n`);
