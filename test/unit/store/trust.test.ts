import { execFile } from "node:child_process";
import { unwatchFile, watchFile } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  changedEntries,
  MAX_DECIDED,
  MAX_KNOWN,
  MAX_KNOWN_BY_THEM,
  MemoryTrust,
  type TrustChange,
  type TrustEntry,
} from "../../../src/store/trust.js";
import { TrustFile } from "../../../src/store/trustFile.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-trust-"));
  path = join(folder, "trust.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function entry(number: number, overrides: Partial<TrustEntry> = {}): TrustEntry {
  const at = new Date(number * 1000).toISOString();
  return {
    device: number.toString(16).padStart(64, "0"),
    name: `peer ${number}`,
    trust: "known",
    firstSeenAt: at,
    changedAt: at,
    byUs: true,
    ...overrides,
  };
}

function put(value: TrustEntry): TrustChange {
  return { device: value.device, apply: () => value };
}

function entriesOf(count: number, overrides: Partial<TrustEntry>, from = 0): TrustChange[] {
  return Array.from({ length: count }, (_, index) => put(entry(from + index, overrides)));
}

describe("the trust file", () => {
  it("outlasts the process, private", async () => {
    const before = new TrustFile(path);
    expect(await before.load()).toEqual({ entries: new Map(), setAside: undefined, fresh: true });
    const alice = entry(1, { name: 'a"\n\u202e', trust: "verified" });
    await before.change([put(alice), put(entry(2))]);
    const { entries, fresh } = await new TrustFile(path).load();
    expect([...entries.values()]).toEqual([alice, entry(2)]);
    expect(fresh).toBe(false);
    expect(await readdir(folder)).toEqual(["trust.json"]);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("applies a change to what another process wrote meanwhile", async () => {
    const [ours, theirs] = [new TrustFile(path), new TrustFile(path)];
    await ours.change([put(entry(1))]);
    await theirs.change([put(entry(1, { trust: "blocked" }))]);
    const seen: (string | undefined)[] = [];
    const record = await ours.change([
      { device: entry(1).device, apply: (current) => (seen.push(current?.trust), current) },
      put(entry(2)),
    ]);
    expect(seen).toEqual(["blocked"]);
    expect([...record.entries.values()].map(({ trust }) => trust)).toEqual(["blocked", "known"]);
  });

  it("loses nothing of several processes that write at once", async () => {
    const script = join(folder, "writer.mjs");
    const source = fileURLToPath(new URL("../../../src/store/trustFile.ts", import.meta.url));
    await build({
      stdin: {
        contents: `
          import { TrustFile } from ${JSON.stringify(source)};
          const [path, base] = process.argv.slice(2);
          const at = new Date().toISOString();
          for (let index = 0; index < 10; index += 1) {
            const device = (Number(base) + index).toString(16).padStart(64, "0");
            const value =
              { device, name: "x", trust: "known", firstSeenAt: at, changedAt: at, byUs: true };
            await new TrustFile(path).change([{ device, apply: (current) => current ?? value }]);
          }`,
        resolveDir: folder,
      },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: script,
      logLevel: "silent",
    });
    const run = promisify(execFile);
    await Promise.all(
      [100, 200, 300, 400].map((base) => run(process.execPath, [script, path, String(base)])),
    );
    expect((await new TrustFile(path).load()).entries.size).toBe(40);
    expect((await readdir(folder)).toSorted()).toEqual(["trust.json", "writer.mjs"]);
  }, 30_000);

  const valid = JSON.stringify({ version: 1, peers: [entry(1, { trust: "blocked" })] });
  it.each([
    ["empty", ""],
    ["cut short", valid.slice(0, -9)],
    ["of no version", '{"version":0,"peers":[]}'],
    ["with a wrong key", valid.replace('"device":"0', '"device":"x')],
    ["with a trust that we do not know", valid.replace('"blocked"', '"friend"')],
    ["with a date that is none", valid.replace(/"firstSeenAt":"[^"]*"/, '"firstSeenAt":"soon"')],
  ])("that is damaged (%s) is set aside and told of", async (_, content) => {
    await writeFile(path, content);
    const { entries, setAside, fresh } = await new TrustFile(path).load();
    expect(setAside).toMatch(/trust\.json\.damaged-\d+$/);
    expect({ entries, fresh }).toEqual({ entries: new Map(), fresh: true });
    expect(await readFile(setAside ?? "", "utf8")).toBe(content);
  });

  it("that is damaged while we run is kept as well when something changes", async () => {
    const store = new TrustFile(path);
    await store.change([put(entry(1))]);
    await writeFile(path, "{");
    const { entries, setAside, fresh } = await store.change([put(entry(2))]);
    expect(await readFile(setAside ?? "", "utf8")).toBe("{");
    expect({ names: [...entries.values()].map(({ name }) => name), fresh }).toEqual({
      names: ["peer 2"],
      fresh: true,
    });
  });

  it("tells whoever watches it of what others write, and of nothing after that", async () => {
    const watching = new TrustFile(path);
    let told = 0;
    const changed = new Promise<() => void>((resolve) => {
      const end = watching.watch(() => {
        told += 1;
        resolve(end);
      });
    });
    await new TrustFile(path).change([put(entry(1))]);
    (await changed)();
    expect(told).toBe(1);
    const ours = (): void => undefined;
    expect(watchFile(path, ours).listenerCount("change")).toBe(1);
    unwatchFile(path, ours);
  });

  it("that cannot be there is reported", async () => {
    await writeFile(join(folder, "file"), "");
    const store = new TrustFile(join(folder, "file", "trust.json"));
    await expect(store.change([put(entry(1))])).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
  });
});

describe("what is kept", () => {
  const sizes = (entries: ReadonlyMap<string, TrustEntry>) => ({
    byUs: [...entries.values()].filter(({ byUs }) => byUs).length,
    byThem: [...entries.values()].filter(({ byUs }) => !byUs).length,
  });

  it("of those who merely wrote to us: the last seen ones, and none of ours goes for them", () => {
    const ours = changedEntries(new Map(), entriesOf(10, { byUs: true }));
    const flood = entriesOf(MAX_KNOWN_BY_THEM + 500, { byUs: false }, 1000);
    const entries = changedEntries(ours, flood);
    expect(sizes(entries)).toEqual({ byUs: 10, byThem: MAX_KNOWN_BY_THEM });
    expect(entries.has(entry(1499).device)).toBe(false);
    expect(entries.has(entry(1500).device)).toBe(true);
  });

  it("of those that we used: the last seen ones, before all who merely wrote to us", () => {
    const theirs = changedEntries(new Map(), entriesOf(100, { byUs: false }, 900_000));
    const entries = changedEntries(theirs, entriesOf(MAX_KNOWN + 7, { byUs: true }));
    expect(sizes(entries)).toEqual({ byUs: MAX_KNOWN, byThem: 0 });
    expect(entries.has(entry(6).device)).toBe(false);
    expect(entries.has(entry(7).device)).toBe(true);
    const half = changedEntries(theirs, entriesOf(MAX_KNOWN - 50, { byUs: true }));
    expect(sizes(half)).toEqual({ byUs: MAX_KNOWN - 50, byThem: 50 });
  });

  it("of verified and blocked ones: all, however many others come", () => {
    const decided = [entry(1, { trust: "verified" }), entry(2, { trust: "blocked", byUs: false })];
    const before = changedEntries(new Map(), decided.map(put));
    const entries = changedEntries(before, entriesOf(MAX_KNOWN + MAX_KNOWN_BY_THEM, {}, 100));
    for (const { device, trust } of decided) expect(entries.get(device)?.trust).toBe(trust);
    expect(() =>
      changedEntries(before, entriesOf(MAX_DECIDED - 1, { trust: "blocked" }, 100)),
    ).toThrow(expect.objectContaining({ code: "LIMIT_REACHED" }));
  });

  it("in memory, the same", async () => {
    const store = new MemoryTrust();
    await store.change(entriesOf(MAX_KNOWN_BY_THEM + 1, { byUs: false }));
    const { entries, fresh } = await store.load();
    expect({ size: entries.size, fresh }).toEqual({ size: MAX_KNOWN_BY_THEM, fresh: false });
  });
});
