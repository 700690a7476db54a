/** `join --secret` in this process: where the key comes from, and what is said about it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { passphraseGroupKey } from "../../src/crypto/passphrase.js";
import { groupKeysFile, type StoredGroupKeys } from "../../src/store/groupKeys.js";
import { type CliRunOptions, runCli } from "../support/cliInProcess.js";

const PASSPHRASE = "correct horse battery staple";
const SECRET = "only who has the key can read this group";
const OPEN = "anyone on this network can read this group";
const SURROUNDINGS = {
  UDPCHAT_INTERFACE: "lo",
  UDPCHAT_PORT: "0",
  UDPCHAT_DISCOVERY_PORT: "22498",
};

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "udpchat-secret-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function run(argv: readonly string[], { env, ...options }: CliRunOptions = {}) {
  return runCli(argv, { ...options, env: { ...SURROUNDINGS, UDPCHAT_HOME: home, ...env } });
}

const stored = async (): Promise<StoredGroupKeys | null | undefined> =>
  (await groupKeysFile(join(home, "groupKeys.json")).list()).groups.get("#ops");

const keyOf = (digit: string): StoredGroupKeys => ({
  epoch: 0,
  key: digit.repeat(64),
  retired: [],
  removed: [],
  change: undefined,
});

describe("the passphrase", () => {
  it("of the environment is used, and needed once", async () => {
    const env = { UDPCHAT_PASSPHRASE: PASSPHRASE };
    const joined = await run(["join", "#ops", "--secret", "--json"], { env });
    expect(joined.stderr).toContain(SECRET);
    expect(joined.code).toBe(0);
    expect(JSON.parse(joined.stdout)).toMatchObject({ type: "group", group: "#ops", secret: true });
    expect((await stored())?.key).toBe(await passphraseGroupKey("#ops", PASSPHRASE));
    const again = await run(["join", "#OPS"]);
    expect(again.stderr).toContain(SECRET);
    expect(again.stderr).not.toContain(OPEN);
  });

  it("of a file is its first line, and goes before that of the environment", async () => {
    const file = join(home, "passphrase");
    writeFileSync(file, `${PASSPHRASE}\r\nsecond line\n`);
    const argv = ["join", "#ops", "--secret", "--passphrase-file", file];
    expect((await run(argv, { env: { UDPCHAT_PASSPHRASE: "another one" } })).code).toBe(0);
    expect((await stored())?.key).toBe(await passphraseGroupKey("#ops", PASSPHRASE));
  });

  it("is asked for on a terminal, and shown nowhere", async () => {
    const keyboard = new PassThrough();
    const onShown = (text: string): void => {
      if (text.includes("passphrase of #ops")) keyboard.write(`${PASSPHRASE}\n`);
      if (text.includes("you joined")) keyboard.end();
    };
    const joined = await run(["join", "#ops", "--secret"], { typing: { keyboard, onShown } });
    expect(joined.stderr).toContain("passphrase of #ops: \n");
    expect(joined.stdout + joined.stderr).not.toContain("horse");
    expect((await stored())?.key).toBe(await passphraseGroupKey("#ops", PASSPHRASE));
  });

  it("that is short is warned of", async () => {
    const env = { UDPCHAT_PASSPHRASE: "elevenchars" };
    const joined = await run(["join", "#ops", "--secret"], { env });
    expect(joined.stderr).toContain("less than 12 characters");
    expect(joined.stderr).not.toContain("elevenchars");
    expect(joined.code).toBe(0);
  });

  it("that is another one than before is refused, until the group is left", async () => {
    const joinWith = (passphrase: string) =>
      run(["join", "#ops", "--secret"], { env: { UDPCHAT_PASSPHRASE: passphrase } });
    await joinWith(PASSPHRASE);
    const refused = await joinWith("another long passphrase");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("leave it first");
    expect(await run(["leave", "#ops"])).toMatchObject({ code: 0, stdout: "left #ops\n" });
    expect((await joinWith("another long passphrase")).code).toBe(0);
  });

  it.each([
    [[], {}, "type its passphrase on a terminal"],
    [[], { UDPCHAT_PASSPHRASE: "" }, "the passphrase is empty"],
    [["--passphrase-file", "/nonexistent"], {}, "cannot read the passphrase file"],
  ])("%j that is not there ends with 2 (%j)", async (flags, env, words) => {
    const failed = await run(["join", "#ops", "--secret", ...flags], { env });
    expect(failed.stderr).toContain(words);
    expect(failed).toMatchObject({ code: 2, stdout: "" });
    expect(await stored()).toBeUndefined();
  });

  it("in a file goes with --secret", async () => {
    const failed = await run(["join", "#ops", "--passphrase-file", "x"]);
    expect(failed.stderr).toContain("goes with --secret alone");
    expect(failed.code).toBe(2);
  });
});

describe("an invitation", () => {
  it("is accepted without a passphrase, and it is said whose it was", async () => {
    const from = { id: "a".repeat(64), name: "alice", address: "10.0.0.2", port: 22400 };
    const store = groupKeysFile(join(home, "groupKeys.json"));
    await store.invite({ label: "#ops", from, keys: keyOf("f") });
    const joined = await run(["join", "#ops", "--secret"]);
    expect(joined.code).toBe(0);
    expect(joined.stderr).toContain("invited by alice (10.0.0.2:22400)");
    expect(await stored()).toEqual(keyOf("f"));
    expect((await run(["join", "#ops", "--secret"])).stderr).not.toContain("invited by");
  });
});

describe("the name of a secret group", () => {
  it("is never said to in the open, whether its key is there or gone", async () => {
    const path = join(home, "groupKeys.json");
    await groupKeysFile(path).keep("#ops", keyOf("f"));
    expect((await run(["say", "#ops", "psst"])).code).toBe(0);
    await groupKeysFile(path).lock("#ops");
    for (const argv of [
      ["say", "#ops", "psst"],
      ["join", "#ops"],
    ]) {
      const refused = await run(argv);
      expect(refused).toMatchObject({ code: 5, stdout: "" });
      expect(refused.stderr).toContain("has no key here any more");
    }
    writeFileSync(path, "damaged");
    for (const attempt of ["first", "second"]) {
      const damaged = await run(["say", "#ops", attempt]);
      expect(damaged).toMatchObject({ code: 1, stdout: "" });
      expect(damaged.stderr).toContain("are damaged");
    }
  });

  it("is free after leave", async () => {
    await groupKeysFile(join(home, "groupKeys.json")).keep("#ops", keyOf("f"));
    expect((await run(["leave", "#ops"])).code).toBe(0);
    expect((await run(["join", "#ops"])).stderr).toContain(OPEN);
    expect(readFileSync(join(home, "groupKeys.json"), "utf8")).not.toContain("ffff");
  });
});

describe("invite and remove", () => {
  it("are refused for open groups", async () => {
    const invited = await run(["invite", "127.0.0.1:9", "#ops"]);
    expect(invited.stderr).toContain("#ops is no secret group of this home");
    expect(invited.code).toBe(2);
  });

  it("invite ends with 4 where nobody takes it", async () => {
    await groupKeysFile(join(home, "groupKeys.json")).keep("#ops", keyOf("f"));
    const invited = await run(["invite", "127.0.0.1:9", "#ops", "--timeout", "50ms"]);
    expect(invited.code).toBe(4);
  });

  it("remove needs the daemon", async () => {
    const removed = await run(["remove", "alice", "#ops"]);
    expect(removed.stderr).toContain("no daemon runs in");
    expect(removed.code).toBe(6);
  });
});
