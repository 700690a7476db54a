import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GlobalArgs } from "../../../src/cli/globalOptions.js";
import { flagWords, loadSettings, type Settings } from "../../../src/cli/settings.js";
import { UdpchatError } from "../../../src/errors.js";

let folder: string;
let configFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-settings-"));
  configFile = join(folder, "config.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Sources {
  readonly flags?: Partial<GlobalArgs>;
  readonly env?: Record<string, string>;
  readonly file?: unknown;
}

function load({ flags = {}, env = {}, file }: Sources): Promise<Settings> {
  if (file !== undefined) {
    writeFileSync(configFile, typeof file === "string" ? file : JSON.stringify(file));
  }
  return loadSettings({ json: false, verbose: false, ...flags }, env, configFile);
}

async function failure(sources: Sources): Promise<UdpchatError> {
  try {
    await load(sources);
  } catch (thrown) {
    if (thrown instanceof UdpchatError) return thrown;
    throw thrown;
  }
  return expect.fail("nothing was thrown");
}

describe("settings", () => {
  it("are empty where nothing is said", async () => {
    expect(await load({})).toEqual({});
  });

  it("come from flags first, then the environment, then the file", async () => {
    const file = { name: "file", port: 1, discoveryPort: 1, timeout: "1s" };
    const env = { UDPCHAT_NAME: "env", UDPCHAT_PORT: "2", UDPCHAT_DISCOVERY_PORT: "2" };
    const flags = { name: "flag", port: "3" };
    expect(await load({ file, env, flags })).toEqual({
      name: "flag",
      port: 3,
      discoveryPort: 2,
      timeout: 1000,
    });
  });

  it("require verified peers where any source says so, and a flag can take it back", async () => {
    const on = { requireVerified: true };
    expect(await load({ flags: on })).toEqual(on);
    expect(await load({ env: { UDPCHAT_REQUIRE_VERIFIED: "1" } })).toEqual(on);
    expect(await load({ file: { "require-verified": true } })).toEqual(on);
    const off = { requireVerified: false };
    expect(await load({ file: on, flags: off })).toEqual(off);
    const { code, message } = await failure({ env: { UDPCHAT_REQUIRE_VERIFIED: "yes" } });
    expect({ code, message }).toEqual({
      code: "INVALID_ARGUMENT",
      message: "UDPCHAT_REQUIRE_VERIFIED: true or false is expected",
    });
  });

  it("say where and how long messages are kept, and whether readers are told of", async () => {
    const kept = { store: "memory", retention: 90 * 86_400_000, readReceipts: false };
    const flags = { store: "memory", retention: "90d", noReadReceipts: true };
    expect(await load({ flags })).toEqual(kept);
    const env = { UDPCHAT_STORE: "memory", UDPCHAT_RETENTION: "90d", UDPCHAT_READ_RECEIPTS: "0" };
    expect(await load({ env })).toEqual(kept);
    expect(await load({ file: { ...kept, retention: "90d" } })).toEqual(kept);
    expect(await load({ file: kept, flags: { noReadReceipts: false } })).toEqual({
      ...kept,
      readReceipts: true,
    });
  });

  it("come out again as the words that say them", async () => {
    const flags = {
      name: "bob",
      interface: ["lo", "eth0"],
      store: "disk",
      retention: "2h",
      noReadReceipts: true,
      requireVerified: false,
    };
    expect(flagWords(await load({ flags }))).toEqual([
      "--name=bob",
      "--interface=lo",
      "--interface=eth0",
      "--require-verified=false",
      "--store=disk",
      "--retention=7200000",
      "--no-read-receipts=true",
    ]);
  });

  it("read lists in each source", async () => {
    const file = { interface: "lo", peer: ["10.0.0.2:1", "bob.lan"], "discovery-port": 5 };
    const env = { UDPCHAT_BROADCAST: "10.1.255.255, 10.2.255.255" };
    const flags = { peer: ["10.0.0.9"] };
    expect(await load({ file, env, flags })).toEqual({
      interface: ["lo"],
      broadcast: ["10.1.255.255", "10.2.255.255"],
      peer: ["10.0.0.9"],
      discoveryPort: 5,
    });
  });

  it("take an empty variable as not set", async () => {
    expect(await load({ env: { UDPCHAT_PORT: "", UDPCHAT_PEER: "" } })).toEqual({});
  });

  it("ignore variables that are no settings", async () => {
    expect(await load({ env: { UDPCHAT_FROM_ID: "x", UDPCHAT_HOME: "/nowhere" } })).toEqual({});
  });

  it.each<[string, Sources, string, string]>([
    ["a port that is none", { flags: { port: "abc" } }, "INVALID_PORT", "--port"],
    ["a port out of range", { env: { UDPCHAT_PORT: "65536" } }, "INVALID_PORT", "UDPCHAT_PORT"],
    ["a fraction of a port", { file: { port: 1.5 } }, "INVALID_PORT", '"port" in'],
    ["a negative port", { flags: { discoveryPort: "-1" } }, "INVALID_PORT", "--discovery-port"],
    ["a name that is too long", { flags: { name: "x".repeat(33) } }, "INVALID_NAME", "--name"],
    ["an empty name", { flags: { name: "" } }, "INVALID_NAME", "--name"],
    ["a bad duration", { flags: { timeout: "soon" } }, "INVALID_DURATION", "--timeout"],
    ["no time at all", { flags: { timeout: "0" } }, "INVALID_DURATION", "at least"],
    ["too long a wait", { file: { timeout: "2d" } }, "INVALID_DURATION", "at most"],
    ["a store that is none", { env: { UDPCHAT_STORE: "ram" } }, "INVALID_ARGUMENT", "disk or"],
    ["days without a unit", { flags: { retention: "90" } }, "INVALID_DURATION", "at least 1h"],
    ["too long a retention", { file: { retention: "40000d" } }, "INVALID_DURATION", "at most"],
    ["a receipt of maybe", { env: { UDPCHAT_READ_RECEIPTS: "x" } }, "INVALID_ARGUMENT", "true or"],
    ["a broadcast name", { flags: { broadcast: ["lan"] } }, "INVALID_ARGUMENT", "--broadcast"],
    ["a wrong type", { file: { interface: 5 } }, "INVALID_ARGUMENT", '"interface" in'],
    ["broken JSON", { file: "{" }, "INVALID_ARGUMENT", "is not JSON"],
    ["a list as file", { file: [] }, "INVALID_ARGUMENT", "no JSON object"],
  ])("refuse %s", async (_what, sources, code, words) => {
    const error = await failure(sources);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  it("have programs that the daemon runs, in the file alone", async () => {
    const hooks = { message: ["notify-send", "a message", ""], presence: ["true"] };
    expect(await load({ file: { hooks } })).toEqual({ hooks });
    expect(await load({ file: { hooks: {} } })).toEqual({ hooks: {} });
    expect(await load({ file: {}, env: { UDPCHAT_HOOKS: '{"message":["true"]}' } })).toEqual({});
  });

  it.each([
    ["a text", "notify-send"],
    ["a list", ["notify-send"]],
    ["nothing", null],
    ["a kind that there is not", { mesage: ["true"] }],
    ["a line for a shell", { message: "notify-send hello" }],
    ["no program", { message: [] }],
    ["a program without a name", { presence: ["", "x"] }],
    ["a number", { presence: ["sleep", 5] }],
  ])("refuse hooks that are %s", async (_what, hooks) => {
    const error = await failure({ file: { hooks } });
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toMatch(/^"hooks" in .* expected/);
    expect(error.remedy).toContain('{"message": [');
  });

  it("are not read from a file that is far too large", async () => {
    const error = await failure({ file: `{}${" ".repeat(2 * 1024 * 1024)}` });
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("has more than 1048576 bytes");
  });

  it("name the nearest key of a mistyped one in the file", async () => {
    const error = await failure({ file: { discoveryprt: 1 } });
    expect(error.message).toContain('"discoveryprt" in');
    expect(error.remedy).toBe("did you mean discoveryPort?");
    expect((await failure({ file: { hook: {} } })).remedy).toBe("did you mean hooks?");
    expect((await failure({ file: { zzz: 1 } })).remedy).toContain("the settings are name, port");
  });
});
