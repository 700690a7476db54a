/** What broken disks, editors and other programs leave in the home folder. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { loadSettings } from "../../src/cli/settings.js";
import { identityFromSeed } from "../../src/crypto/identity.js";
import { InstanceLock } from "../../src/daemon/instanceLock.js";
import { UdpchatError } from "../../src/errors.js";
import { withFileLock } from "../../src/store/fileLock.js";
import { groupKeysFile } from "../../src/store/groupKeys.js";
import { loadOrCreateIdentity } from "../../src/store/identityFile.js";
import { MembershipsFile } from "../../src/store/memberships.js";
import { type Paths, pathsOf } from "../../src/store/paths.js";
import { assertNoOtherDaemon } from "../../src/store/pidFile.js";
import { TrustFile } from "../../src/store/trustFile.js";
import { SeededRandom } from "../support/seededRandom.js";
import { damagedJson, fromHexDigits, hostileText, RawJson, toHexDigits } from "./hostileDraws.js";
import { chance, mutate, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const filesTarget: FuzzTarget = {
  name: "files",
  weight: 0.3,
  lifetimeInputs: 1000,
  open: () => new FilesSubject(),
};

type FileName = "identity" | "trust" | "memberships" | "groupKeys" | "settings" | "pid" | "lock";

const HEX_64 = "ab".repeat(32);
const OWN = identityFromSeed(new Uint8Array(32).fill(0xab)).device;
const AT = "2026-01-02T03:04:05.000Z";
const KEYS = { epoch: 1, key: HEX_64, retired: [HEX_64], removed: [], members: [HEX_64] };
const CHANGE = { by: HEX_64, removed: [HEX_64], signature: "cd".repeat(64) };
/** What is right in each file: the pid and the lock are no JSON. */
const RIGHT: Readonly<Record<FileName, Record<string, unknown>>> = {
  identity: { version: 1, seed: HEX_64, device: OWN },
  trust: {
    version: 1,
    peers: [
      ...[
        {
          device: HEX_64,
          name: "bob",
          trust: "verified",
          firstSeenAt: AT,
          changedAt: AT,
          byUs: true,
        },
      ],
      ...[
        {
          device: "cd".repeat(32),
          name: "eve",
          trust: "blocked",
          firstSeenAt: AT,
          changedAt: AT,
          byUs: false,
        },
      ],
    ],
  },
  memberships: { version: 1, memberships: [{ group: "#ops" }, { group: "#secret", secret: true }] },
  groupKeys: {
    version: 1,
    groups: [
      { label: "#ops", keys: { ...KEYS, change: CHANGE } },
      { label: "#gone", keys: null },
    ],
    invitations: [
      {
        label: "#new",
        from: { id: HEX_64, name: "bob", address: "10.0.0.2", port: 22_400 },
        keys: KEYS,
      },
    ],
  },
  settings: { name: "alice", port: 0, interface: ["lo"], timeout: "2s", "read-receipts": false },
  pid: {},
  lock: {},
};
const FILE_NAMES: readonly FileName[] = [
  "identity",
  "trust",
  "memberships",
  "groupKeys",
  "settings",
  "pid",
  "lock",
];
/** A file of zeros that takes no room on the disk, and must take none in memory. */
const SPARSE_BYTES = 400 * 1024 ** 2;
const MOST_GROWTH_KIB = 128 * 1024;
/** No file of ours is larger in these tests. */
const MOST_LOOKED_AT_BYTES = 1024 ** 2;
/** A process id that no system gives. */
const NO_PROCESS = "4194305";
const ALLOWED: ReadonlySet<string> = new Set([
  ...["HOME_UNUSABLE", "LIMIT_REACHED", "DAEMON_RUNNING"],
  ...["INVALID_ARGUMENT", "INVALID_NAME", "INVALID_PORT", "INVALID_DURATION"],
]);

class FilesSubject implements FuzzSubject {
  readonly #folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-files-"));
  #homes = 0;

  draw(random: SeededRandom): FuzzInput {
    const file = pick(random, FILE_NAMES);
    const place = chance(random, 0.9) ? "file" : pick(random, PLACES);
    return { kind: file, hex: toHexDigits(contentOf(random, file)), with: { place } };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const file = FILE_NAMES.find((name) => name === input.kind);
    if (file === undefined) return "refused";
    this.#homes += 1;
    const paths = pathsOf(join(this.#folder, `home${this.#homes}`));
    const path = pathOf(file, paths);
    mkdirSync(paths.home, { mode: 0o700 });
    try {
      put(path, fromHexDigits(input.hex), String(input.with?.["place"] ?? "file"));
      const before = lookAt(path);
      const memoryKib = process.resourceUsage().maxRSS;
      try {
        await READERS[file](paths, path, before);
        return "accepted";
      } catch (error) {
        if (!(error instanceof UdpchatError) || !ALLOWED.has(error.code)) throw error;
        // Who was told that it is unusable finds it as it was.
        assertSame(path, before);
        return "refused";
      } finally {
        const grownKib = process.resourceUsage().maxRSS - memoryKib;
        // oxlint-disable-next-line no-unsafe-finally -- whatever else it did
        if (grownKib > MOST_GROWTH_KIB) throw new Error(`${file} took ${grownKib} KiB of memory`);
      }
    } finally {
      rmSync(paths.home, { recursive: true, force: true });
    }
  }

  check(): void {
    const left = readdirSync(this.#folder);
    if (left.length > 0) throw new Error(`left behind: ${left.join(" ")}`);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Readers, and what they have promised of the file. */
const READERS: Readonly<
  Record<FileName, (paths: Paths, path: string, before: Seen) => Promise<void>>
> = {
  async identity({ identityFile }, path, before) {
    const identity = await loadOrCreateIdentity(identityFile, new SeededRandom(1));
    if (before.kind === "missing") return;
    assertSame(path, before);
    if (before.kind === "file" && !before.text.includes(identity.device)) {
      throw new Error("an identity that is not in the file");
    }
  },
  async trust({ trustFile }, path, before) {
    const file = new TrustFile(trustFile);
    const { entries, setAside } = await file.load();
    if (setAside !== undefined) assertSame(setAside, before);
    else if (before.kind === "file" && readFileSync(path, "latin1") !== before.text) {
      throw new Error("reading has changed the file");
    }
    const apply = (): undefined => undefined;
    const after = await file.change([{ device: "0".repeat(64), apply }]);
    const kept = [...entries.values()].filter(({ trust, device }) => {
      return trust !== "known" && after.entries.get(device)?.trust !== trust;
    });
    if (kept.length > 0) throw new Error("a decision of the user was lost");
  },
  async memberships({ membershipsFile }, _path, before) {
    const file = new MembershipsFile(membershipsFile);
    const { groups, setAside } = await file.list();
    if (setAside !== undefined) assertSame(setAside, before);
    await file.add("#more", false);
    const after = await file.list();
    const isKept = groups.every((group) => after.groups.includes(group));
    if (!isKept || !after.groups.includes("#more")) throw new Error("a membership was lost");
  },
  async groupKeys({ groupKeysFile: path }) {
    const file = groupKeysFile(path);
    const { groups, invitations } = await file.list();
    await file.lock("#more");
    const after = await file.list();
    const lost = [...groups].filter(([label, keys]) => after.groups.get(label)?.key !== keys?.key);
    if (lost.length > 0 || after.invitations.length < invitations.length) {
      throw new Error("a key was lost");
    }
  },
  async settings({ configFile }) {
    await loadSettings({ json: false, verbose: false }, {}, configFile);
  },
  async pid(paths, path) {
    await assertNoOtherDaemon(paths);
    const lock = await InstanceLock.acquire(paths);
    if (readFileSync(path, "latin1") !== `${process.pid}\n`) throw new Error("another pid");
    await lock.release();
    if (existsSync(path)) throw new Error("the pid file was not removed");
  },
  async lock(_paths, path) {
    // Only what was left behind long ago is taken away.
    const longAgo = new Date(Date.now() - 60_000);
    if (existsSync(path)) utimesSync(path, longAgo, longAgo);
    let ran = 0;
    await withFileLock(path, async () => void (ran += 1));
    if (ran !== 1) throw new Error("the step did not run once");
    if (existsSync(path)) throw new Error("the lock was not removed");
  },
};

function pathOf(file: FileName, paths: Paths): string {
  switch (file) {
    case "identity":
      return paths.identityFile;
    case "trust":
      return paths.trustFile;
    case "memberships":
      return paths.membershipsFile;
    case "groupKeys":
      return paths.groupKeysFile;
    case "settings":
      return paths.configFile;
    case "pid":
      return paths.pidFile;
    case "lock":
      return `${paths.trustFile}.lock`;
  }
}

function contentOf(random: SeededRandom, file: FileName): Uint8Array {
  const encoder = new TextEncoder();
  if (file !== "pid" && file !== "lock") {
    if (chance(random, 0.05)) return encoder.encode(hostileText(random));
    const right = RIGHT[file];
    return damagedJson(
      random,
      chance(random, 0.1)
        ? { ...right, version: new RawJson(pick(random, ["2", "1.0", '"1"', "1e0"])) }
        : right,
      0.4,
    );
  }
  const right = file === "pid" ? `${NO_PROCESS}\n` : `${NO_PROCESS} ${HEX_64} otherhost`;
  const odd = ["", "0", "-1", "99999999999", " 1 2", hostileText(random), right, right];
  const bytes = encoder.encode(pick(random, odd));
  return chance(random, 0.3) ? mutate(random, bytes) : bytes;
}

/** What may lie where a file is expected. */
const PLACES = [
  "missing",
  "empty",
  "directory",
  "full directory",
  "dangling link",
  "link",
  "loop",
  "sparse",
];

function put(path: string, bytes: Uint8Array, place: string): void {
  switch (place) {
    case "missing":
      return;
    case "empty":
      writeFileSync(path, "");
      return;
    case "directory":
      mkdirSync(path);
      return;
    case "full directory":
      mkdirSync(join(path, "something"), { recursive: true });
      return;
    case "dangling link":
      symlinkSync(`${path}.nowhere`, path);
      return;
    case "link":
      writeFileSync(`${path}.elsewhere`, bytes);
      symlinkSync(`${path}.elsewhere`, path);
      return;
    case "loop":
      symlinkSync(path, path);
      return;
    case "sparse": {
      const file = openSync(path, "w");
      ftruncateSync(file, SPARSE_BYTES);
      closeSync(file);
      return;
    }
    default:
      writeFileSync(path, bytes);
  }
}

/** What lies at a path. */
type Seen =
  | { readonly kind: "file"; readonly text: string }
  | { readonly kind: "other" | "missing" };

function lookAt(path: string): Seen {
  const listed = readdirSync(dirname(path), { withFileTypes: true });
  const found = listed.find(({ name }) => name === basename(path));
  if (found === undefined) return { kind: "missing" };
  if (!found.isFile()) return { kind: "other" };
  if (lstatSync(path).size > MOST_LOOKED_AT_BYTES) return { kind: "other" };
  return { kind: "file", text: readFileSync(path, "latin1") };
}

function assertSame(path: string, before: Seen): void {
  const now = lookAt(path);
  const isSame = now.kind === before.kind && textOf(now) === textOf(before);
  if (!isSame) throw new Error(`${basename(path)} was changed: ${JSON.stringify({ before, now })}`);
}

function textOf(seen: Seen): string {
  return seen.kind === "file" ? seen.text : "";
}
