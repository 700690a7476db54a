/** One database, several processes; and disks that only another process can have. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openMessageStore } from "../../../src/store/openMessageStore.js";
import { describeOnSmallDisk, OWN_MOUNTS } from "../../support/smallDisk.js";
import { describeOnEngines } from "../../support/sqliteEngines.js";

const PROGRAM = join(import.meta.dirname, "../../support/storeProcess.js");
const TIMEOUT_MS = 25_000;

let folder: string;
let databaseFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-disk-"));
  databaseFile = join(folder, "udpchat.db");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What the program says; it must say nothing on stderr. */
async function run(command: string, args: readonly string[]): Promise<unknown> {
  const { stdout, stderr } = await promisify(execFile)(command, [...args], { timeout: TIMEOUT_MS });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

function runOnSmallDisk(args: readonly string[]): Promise<unknown> {
  const mount = `mount -t tmpfs -o size=1m udpchat "$0" && exec "$@"`;
  return run("unshare", [
    ...[...OWN_MOUNTS, "sh", "-c", mount, folder],
    ...[process.execPath, PROGRAM, ...args],
  ]);
}

await describeOnEngines("processes of one home", (engine, engineName) => {
  it("make it, and write to it, at the same time", async () => {
    const digits = ["1", "2", "3"];
    const runs = digits.map((digit) =>
      run(process.execPath, [PROGRAM, engineName, databaseFile, "write", digit]),
    );
    expect(await Promise.all(runs)).toEqual(digits.map(() => ({ troubles: [] })));
    expect(readdirSync(folder)).toEqual(["udpchat.db"]);
    expect(statSync(databaseFile).mode & 0o777).toBe(0o600);
    const onTrouble = (): void => expect.unreachable();
    const { store } = await openMessageStore(
      { databaseFile },
      { store: "disk", onTrouble, engine },
    );
    const found = store.history({});
    const numbers = new Set(found.map(({ author, id }) => author.device + id));
    expect(found).toHaveLength(300);
    expect(numbers.size).toBe(300);
    store.close();
  });

  describeOnSmallDisk("on a disk", () => {
    it("that is full keep everything, and store it when there is room", async () => {
      expect(await runOnSmallDisk([engineName, databaseFile, "fill"])).toEqual({
        count: expect.any(Number),
        isEverythingThere: true,
        troublesWhileFull: ["STORE_FAILED"],
        isComplete: true,
        troubles: ["STORE_FAILED", "STORE_RESTORED"],
      });
    });

    it("that is read-only go on in memory, and store it when it is not", async () => {
      expect(await runOnSmallDisk([engineName, databaseFile, "readOnly"])).toEqual({
        troublesAtOpen: ["STORE_FAILED"],
        texts: ["before", "meanwhile"],
        troubles: ["STORE_FAILED", "STORE_RESTORED"],
      });
    });

    it("that is full from the start go on in memory", async () => {
      expect(await runOnSmallDisk([engineName, databaseFile, "fullAtOpen"])).toEqual({
        texts: ["meanwhile"],
        files: ["ballast"],
        troubles: ["STORE_FAILED"],
      });
    });
  });
});
