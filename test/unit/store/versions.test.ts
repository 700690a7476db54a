/** The home of a later udpchat: nothing of it is read, changed or moved. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../../src/crypto/systemRandom.js";
import { groupKeysFile } from "../../../src/store/groupKeys.js";
import { loadIdentity, loadOrCreateIdentity } from "../../../src/store/identityFile.js";
import { MembershipsFile } from "../../../src/store/memberships.js";
import { openDatabase } from "../../../src/store/openDatabase.js";
import { MIGRATIONS } from "../../../src/store/schema.js";
import { loadEngine } from "../../../src/store/sqliteEngine.js";
import { TrustFile } from "../../../src/store/trustFile.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-later-"));
});
afterEach(() => rm(folder, { recursive: true }));

const KEYS = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

/** Every way to a file of the home. */
const WAYS: [string, (path: string) => Promise<unknown>][] = [
  ["trust.json", (path) => new TrustFile(path).load()],
  [
    "trust.json",
    (path) => new TrustFile(path).change([{ device: "ab".repeat(32), apply: () => undefined }]),
  ],
  ["memberships.json", (path) => new MembershipsFile(path).list()],
  ["memberships.json", (path) => new MembershipsFile(path).add("#ops", false)],
  ["memberships.json", (path) => new MembershipsFile(path).remove("#ops")],
  ["groups.json", (path) => groupKeysFile(path).list()],
  ["groups.json", (path) => groupKeysFile(path).keep("#ops", KEYS)],
  ["identity.json", (path) => loadIdentity(path)],
  ["identity.json", (path) => loadOrCreateIdentity(path, systemRandom)],
];

describe("a file that a later version wrote", () => {
  it.each(WAYS)("is refused with a sentence, and stays (%s, way %#)", async (name, way) => {
    const path = join(folder, name);
    for (const version of [2, 3, 1.5, 1_000_000]) {
      const content = JSON.stringify({ version, peers: "elsewhere" });
      await writeFile(path, content);
      await expect(way(path)).rejects.toMatchObject({
        code: "HOME_UNUSABLE",
        message: `a later version of udpchat wrote ${path}`,
        remedy: "update udpchat, or choose another folder with --home",
      });
      expect(await readFile(path, "utf8")).toBe(content);
      expect(await readdir(folder)).toEqual([name]);
    }
  });

  it("is refused as a database", async () => {
    const path = join(folder, "udpchat.db");
    const engine = await loadEngine();
    const later = [...MIGRATIONS, "CREATE TABLE later (row INTEGER PRIMARY KEY) STRICT;"];
    (await openDatabase(engine, path, later)).database.close();
    await expect(openDatabase(engine, path, MIGRATIONS)).rejects.toMatchObject({
      code: "STORE_UNUSABLE",
      message: `a later version of udpchat wrote ${path}`,
    });
    const names = await readdir(folder);
    expect(names.filter((name) => name.includes("damaged"))).toEqual([]);
    const again = await openDatabase(engine, path, later);
    expect(again.setAside).toBeUndefined();
    again.database.close();
  });
});
