import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type GroupKeyStore,
  groupKeysFile,
  MAX_INVITATIONS,
  memoryGroupKeys,
  type StoredGroupKeys,
  type StoredInvitation,
} from "../../../src/store/groupKeys.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-keys-"));
  path = join(folder, "home", "groupKeys.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function keys(epoch: number, digit = "a"): StoredGroupKeys {
  const change =
    epoch === 0
      ? undefined
      : { by: "b".repeat(64), removed: ["c".repeat(64)], signature: "d".repeat(128) };
  const retired = Array.from({ length: epoch }, () => "e".repeat(64));
  return { epoch, key: digit.repeat(64), retired, removed: change?.removed ?? [], change };
}

function invitation(label: string, device: number, digit = "a"): StoredInvitation {
  const id = device.toString(16).padStart(64, "0");
  const from = { id, name: "mallory", address: "10.0.0.9", port: 22400 };
  return { label, from, keys: keys(0, digit) };
}

describe.each([
  ["file", () => groupKeysFile(path)],
  ["memory", () => memoryGroupKeys()],
])("keys of secret groups in a %s", (_, open: () => GroupKeyStore) => {
  it("are kept, changed, and forgotten", async () => {
    const store = open();
    expect(await store.list()).toEqual({ groups: new Map(), invitations: [] });
    await store.keep("#ops", keys(0));
    await store.update("#ops", keys(1, "f"));
    await store.keep("#dev", keys(0));
    expect([...(await store.list()).groups]).toEqual([
      ["#ops", keys(1, "f")],
      ["#dev", keys(0)],
    ]);
    expect(await store.forget("#ops")).toBe(true);
    expect(await store.forget("#ops")).toBe(false);
    expect([...(await store.list()).groups.keys()]).toEqual(["#dev"]);
  });

  it("are not replaced by those of an earlier epoch, nor brought back", async () => {
    const store = open();
    await store.keep("#ops", keys(2));
    await store.update("#ops", keys(1, "f"));
    expect((await store.list()).groups.get("#ops")).toEqual(keys(2));
    await store.forget("#ops");
    await store.update("#ops", keys(3));
    expect((await store.list()).groups.size).toBe(0);
    await store.lock("#ops");
    await store.update("#ops", keys(3));
    expect((await store.list()).groups.get("#ops")).toBeNull();
  });

  it("end invitations to the same group; forgetting a key leaves them", async () => {
    const store = open();
    await store.invite(invitation("#ops", 1));
    await store.invite(invitation("#dev", 1));
    await store.keep("#ops", keys(0));
    expect((await store.list()).invitations).toEqual([invitation("#dev", 1)]);
    await store.invite(invitation("#ops", 2));
    await store.forget("#ops");
    expect((await store.list()).invitations).toHaveLength(2);
    expect(await store.forget("#ops")).toBe(true);
    expect((await store.list()).invitations).toEqual([invitation("#dev", 1)]);
  });

  it("hold one invitation of a device to a group, and 64 in all", async () => {
    const store = open();
    await store.invite(invitation("#ops", 1, "a"));
    await store.invite(invitation("#ops", 1, "b"));
    expect((await store.list()).invitations).toEqual([invitation("#ops", 1, "b")]);
    for (let device = 2; device <= MAX_INVITATIONS + 1; device += 1) {
      await store.invite(invitation("#ops", device));
    }
    const { invitations } = await store.list();
    expect(invitations).toHaveLength(64);
    expect(invitations[0]).toEqual(invitation("#ops", 2));
  });
});

describe("the file of group keys", () => {
  it("is private, and read by the next process", async () => {
    await groupKeysFile(path).keep("#ops", keys(1));
    await groupKeysFile(path).invite(invitation("#dev", 1));
    const { groups, invitations } = await groupKeysFile(path).list();
    expect(groups.get("#ops")).toEqual(keys(1));
    expect(invitations).toEqual([invitation("#dev", 1)]);
    expect(await readdir(join(folder, "home"))).toEqual(["groupKeys.json"]);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("loses nothing when several processes write at once", async () => {
    const stores = Array.from({ length: 8 }, () => groupKeysFile(path));
    await Promise.all(stores.map((store, index) => store.keep(`#group-${index}`, keys(index))));
    expect((await groupKeysFile(path).list()).groups.size).toBe(8);
  });

  it.each(["", "{", '{"version":0}', '{"version":1,"groups":[{"label":"#ops"}],"invitations":[]}'])(
    "that is damaged (%s) stays as it is, and nothing is read from it or written",
    async (content) => {
      const store = groupKeysFile(path);
      await store.keep("#ops", keys(0));
      await writeFile(path, content);
      const damaged = { code: "HOME_UNUSABLE", message: expect.stringContaining("are damaged") };
      // Whatever is tried next, the name must not come to stand for the open group.
      await expect(store.list()).rejects.toMatchObject(damaged);
      await expect(store.keep("#dev", keys(0))).rejects.toMatchObject(damaged);
      await expect(groupKeysFile(path).list()).rejects.toMatchObject(damaged);
      expect(await readFile(path, "utf8")).toBe(content);
    },
  );

  it("keep who was met, and are read from files that do not say it", async () => {
    const members = ["ab".repeat(32)];
    const store = groupKeysFile(path);
    await store.keep("#ops", { ...keys(0), members });
    await store.keep("#old", keys(0));
    const { groups } = await groupKeysFile(path).list();
    expect(groups.get("#ops")?.members).toEqual(members);
    expect(groups.get("#old")).toEqual(keys(0));
  });

  it("hold eight invitations of one device: others keep their place", async () => {
    const store = groupKeysFile(path);
    await store.invite(invitation("#mine", 1));
    for (let index = 0; index < 100; index += 1) await store.invite(invitation(`#${index}`, 2));
    const labels = (await store.list()).invitations.map(({ label }) => label);
    expect(labels).toEqual(["#mine", ...Array.from({ length: 8 }, (_, i) => `#${i + 92}`)]);
  });

  it("holds at most 256 groups", async () => {
    const groups = Array.from({ length: 256 }, (_, index) => ({
      label: `#${index}`,
      keys: keys(0),
    }));
    const store = groupKeysFile(path);
    await store.keep("#0", keys(0));
    await writeFile(path, JSON.stringify({ version: 1, groups, invitations: [] }));
    await expect(store.keep("#more", keys(0))).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    await store.keep("#7", keys(1));
    expect((await store.list()).groups.size).toBe(256);
  });
});
