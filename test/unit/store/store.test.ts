import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../../src/crypto/systemRandom.js";
import { loadOrCreateIdentity } from "../../../src/store/identityFile.js";
import { MembershipsFile } from "../../../src/store/memberships.js";
import { MAX_SOCKET_PATH_BYTES, pathsOf } from "../../../src/store/paths.js";
import { makePrivateFolder } from "../../../src/store/privateFolder.js";
import { memoryStore, openStore } from "../../../src/store/store.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-store-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const isWindows = process.platform === "win32";

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("the identity file", () => {
  const load = (path: string) => loadOrCreateIdentity(path, systemRandom);

  it("is made on the first run, private, and found on the next", async () => {
    const path = join(folder, "new", "home", "identity.json");
    const first = await load(path);
    const second = await load(path);
    expect(second.device).toBe(first.device);
    if (!isWindows) {
      expect(await modeOf(path)).toBe(0o600);
      expect(await modeOf(join(folder, "new", "home"))).toBe(0o700);
    }
    expect(await readdir(join(folder, "new", "home"))).toEqual(["identity.json"]);
  });

  it("is one even if many are made at the same moment", async () => {
    const path = join(folder, "identity.json");
    const identities = await Promise.all(Array.from({ length: 16 }, () => load(path)));
    expect(new Set(identities.map(({ device }) => device)).size).toBe(1);
    expect(await readdir(folder)).toEqual(["identity.json"]);
  });

  it.each([
    ["empty", () => ""],
    ["cut short", (text: string) => text.slice(0, -20)],
    ["of another key", (text: string) => text.replace(/"seed":"./, '"seed":"z')],
    [
      "with a changed seed",
      (text: string) =>
        text.replace(/"seed":"(.)/, (_, digit) => `"seed":"${digit === "0" ? 1 : 0}`),
    ],
    ["huge", (text: string) => text + " ".repeat(5000)],
  ])("that is damaged (%s) is reported and left alone", async (_, damage) => {
    const path = join(folder, "identity.json");
    await load(path);
    const damaged = damage(await readFile(path, "utf8"));
    await writeFile(path, damaged);
    await expect(load(path)).rejects.toMatchObject({
      code: "HOME_UNUSABLE",
      remedy: expect.stringContaining("restore it from a backup"),
    });
    expect(await readFile(path, "utf8")).toBe(damaged);
  });

  it.skipIf(isWindows)("takes back permissions that are too wide", async () => {
    const path = join(folder, "identity.json");
    await load(path);
    await chmod(path, 0o644);
    await load(path);
    expect(await modeOf(path)).toBe(0o600);
  });

  it("that cannot be there is reported", async () => {
    await writeFile(join(folder, "file"), "");
    const loading = load(join(folder, "file", "identity.json"));
    await expect(loading).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
  });
});

describe("memberships", () => {
  it("outlast the process, in order, each once", async () => {
    const path = join(folder, "home", "memberships.json");
    const before = new MembershipsFile(path);
    expect(await before.list()).toEqual({
      groups: [],
      secret: new Set(),
      setAside: undefined,
    });
    // Not awaited one by one: they take turns.
    await Promise.all([
      before.add("#b", true),
      before.add("#a", true),
      before.add("#b", true),
      before.add("#c", false),
    ]);
    await before.remove("#a");
    const after = new MembershipsFile(path);
    expect((await after.list()).groups).toEqual(["#b", "#c"]);
    expect((await after.list()).secret).toEqual(new Set(["#b"]));
    await after.add("#b", false);
    await after.add("#c", true);
    expect(await after.list()).toMatchObject({ groups: ["#b", "#c"], secret: new Set(["#c"]) });
    expect(await readdir(join(folder, "home"))).toEqual(["memberships.json"]);
  });

  it.each(["", "{", '{"version":1}', '{"version":1,"memberships":[{"group":7}]}'])(
    "that are damaged (%s) are set aside and reported",
    async (content) => {
      const path = join(folder, "memberships.json");
      await writeFile(path, content);
      const memberships = new MembershipsFile(path);
      const { groups, setAside } = await memberships.list();
      expect(groups).toEqual([]);
      expect(setAside).toMatch(/memberships\.json\.damaged-\d+$/);
      expect(await readFile(setAside ?? "", "utf8")).toBe(content);
      await memberships.add("#ops", false);
      expect((await memberships.list()).groups).toEqual(["#ops"]);
      expect(await readdir(folder)).toHaveLength(2);
    },
  );

  it("are at most 256", async () => {
    const path = join(folder, "memberships.json");
    const many = Array.from({ length: 256 }, (_, index) => ({ group: `#${index}` }));
    await writeFile(path, JSON.stringify({ version: 1, memberships: many }));
    const memberships = new MembershipsFile(path);
    await expect(memberships.add("#more", false)).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    await memberships.add("#7", false);
    expect((await memberships.list()).groups).toHaveLength(256);
  });
});

describe("paths", () => {
  it("lie all in the home that is named", () => {
    const { socket, socketFolder, ...files } = pathsOf(folder);
    for (const path of Object.values(files)) expect(path.startsWith(folder)).toBe(true);
    if (!isWindows) {
      expect(socket).toBe(join(folder, "run", "udpchat.sock"));
      expect(socketFolder).toBe(join(folder, "run"));
    }
  });

  it("are the platform's without one", () => {
    expect(pathsOf().home).toMatch(/udpchat/);
    expect(pathsOf("")).toEqual(pathsOf());
  });

  it.skipIf(isWindows)("keep the socket's short, and different for each home", () => {
    const deep = join(folder, "x".repeat(200));
    const { socket } = pathsOf(deep);
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
    expect(socket.startsWith(tmpdir())).toBe(true);
    expect(pathsOf(deep).socket).toBe(socket);
    expect(pathsOf(`${deep}y`).socket).not.toBe(socket);
    const nameBytes = MAX_SOCKET_PATH_BYTES - Buffer.byteLength("/run/udpchat.sock");
    const fits = `/${"h".repeat(nameBytes - 1)}`;
    expect(pathsOf(fits).socketFolder).toBe(join(fits, "run"));
    expect(pathsOf(`${fits}h`).socketFolder).not.toBe(join(`${fits}h`, "run"));
  });
});

describe.skipIf(isWindows)("a private folder", () => {
  it("is made, taken again, and closed if it is open to others", async () => {
    const path = join(folder, "private");
    await makePrivateFolder(path);
    await makePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
    await chmod(path, 0o777);
    await makePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
  });

  it("is refused where somebody can send us elsewhere", async () => {
    await mkdir(join(folder, "elsewhere"), { mode: 0o755 });
    await symlink(join(folder, "elsewhere"), join(folder, "link"));
    const refused = makePrivateFolder(join(folder, "link"));
    await expect(refused).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
    expect(await modeOf(join(folder, "elsewhere"))).toBe(0o755);
  });

  it.skipIf(process.getuid?.() !== 0)("is refused where it is another user's", async () => {
    const path = join(folder, "theirs");
    await mkdir(path, { mode: 0o700 });
    await chown(path, 65_534, 65_534);
    await expect(makePrivateFolder(path)).rejects.toMatchObject({
      code: "HOME_UNUSABLE",
      message: expect.stringContaining("not private to you"),
    });
  });

  it("is given up where none can be made, at once", async () => {
    for (const path of ["/proc/udpchat/home", join(folder, "file", "home")]) {
      await writeFile(join(folder, "file"), "");
      await expect(makePrivateFolder(path)).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
    }
  });
});

describe("a store", () => {
  it("in a folder keeps identity and memberships", async () => {
    const first = await openStore(pathsOf(folder));
    await first.memberships.add("#ops", false);
    const second = await openStore(pathsOf(folder));
    expect(second.identity().device).toBe(first.identity().device);
    expect((await second.memberships.list()).groups).toEqual(["#ops"]);
  });

  it("in memory is somebody new each time", async () => {
    const store = memoryStore();
    expect(store.identity().device).not.toBe(memoryStore().identity().device);
    await store.memberships.add("#ops", false);
    await store.memberships.remove("#ops");
    await store.memberships.add("#dev", false);
    expect(await store.memberships.list()).toEqual({
      groups: ["#dev"],
      secret: new Set(),
      setAside: undefined,
    });
  });
});
