/** `config`: what it shows, writes and refuses. */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigLineSchema, type SettingLine, SettingLineSchema } from "../../src/api/lines.js";
import { SETTING_KEYS } from "../../src/cli/settings.js";
import { type CliResult, runCli } from "../support/cliInProcess.js";
import { parseLines } from "../support/jsonLines.js";

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "udpchat-config-"));
  file = join(home, "config.json");
});
afterEach(() => rmSync(home, { recursive: true }));

const config = (...words: string[]): Promise<CliResult> =>
  runCli(["config", ...words, "--home", home]);
const content = (): unknown => JSON.parse(readFileSync(file, "utf8"));
const done = (stdout: string): CliResult => ({ code: 0, stdout, stderr: "" });

async function settings(
  env: Record<string, string> = {},
  ...flags: string[]
): Promise<SettingLine[]> {
  const argv = ["config", "list", "--json", "--home", home, ...flags];
  return parseLines(SettingLineSchema, (await runCli(argv, { env })).stdout);
}

describe("config list", () => {
  it("has every setting and its default", async () => {
    const lines = await settings();
    expect(lines.map(({ key }) => key)).toEqual(SETTING_KEYS);
    expect(lines.every(({ source, origin }) => source === "default" && origin === null)).toBe(true);
    const values = Object.fromEntries(lines.map(({ key, value }) => [key, value]));
    expect(values).toEqual({
      name: userInfo().username,
      port: 22400,
      discoveryPort: 22401,
      interface: null,
      broadcast: [],
      peer: [],
      timeout: "5s",
      requireVerified: false,
      store: "disk",
      retention: null,
      readReceipts: true,
    });
  });

  it("says where each value comes from", async () => {
    writeFileSync(file, JSON.stringify({ name: "file", timeout: 1500, retention: "48h", port: 1 }));
    const env = { UDPCHAT_PORT: "2", UDPCHAT_PEER: "a, b", UDPCHAT_NAME: "env" };
    const lines = await settings(env, "--name", "flag", "--no-read-receipts");
    const said = lines.filter(({ source }) => source !== "default");
    expect(said.map(({ type: _type, ...rest }) => rest)).toEqual([
      { key: "name", value: "flag", source: "flag", origin: "--name" },
      { key: "port", value: 2, source: "environment", origin: "UDPCHAT_PORT" },
      { key: "peer", value: ["a", "b"], source: "environment", origin: "UDPCHAT_PEER" },
      { key: "timeout", value: "1500ms", source: "file", origin: file },
      { key: "retention", value: "2d", source: "file", origin: file },
      { key: "readReceipts", value: false, source: "flag", origin: "--no-read-receipts" },
    ]);
  });

  it("is a table for people, and rows with tabs in a pipe", async () => {
    await config("set", "peer", "a", "b");
    await config("set", "name", "bob");
    const { stdout } = await config("list");
    expect(stdout).toContain("name\tbob\tfile\n");
    expect(stdout).toContain("peer\ta,b\tfile\n");
    expect(stdout).toContain("interface\t\tdefault\n");
    let shown = "";
    const typing = { keyboard: new PassThrough(), onShown: (text: string) => void (shown += text) };
    await runCli(["config", "list", "--home", home], { env: { NO_COLOR: "1" }, typing });
    expect(shown).toMatch(/^SETTING +VALUE +FROM\nname +bob +config file\n/);
    expect(shown).toMatch(/^interface +all +default$/m);
    expect(shown).toMatch(/^peer +a, b +config file$/m);
    expect(shown).toMatch(/^retention +for ever +default$/m);
  });
});

describe("config get", () => {
  it("prints the value alone, and lists item by item", async () => {
    expect(await config("get", "port")).toEqual(done("22400\n"));
    expect(await config("get", "discovery-port")).toEqual(done("22401\n"));
    expect(await config("get", "retention")).toEqual(done(""));
    await config("set", "peer", "a,b", "c:1");
    expect(await config("get", "peer")).toEqual(done("a\nb\nc:1\n"));
    const { stdout } = await config("get", "peer", "--json");
    const [line] = parseLines(SettingLineSchema, stdout);
    expect(line).toMatchObject({ key: "peer", value: ["a", "b", "c:1"], source: "file" });
  });

  it("names the setting that was meant", async () => {
    expect(await config("get", "nmae")).toEqual({
      code: 2,
      stdout: "",
      stderr: 'udpchat: "nmae" is no setting: did you mean name?\n',
    });
  });
});

describe("config set", () => {
  it("writes values in the types that they have, in a file of our own", async () => {
    expect(await config("set", "name", "Bob B.")).toEqual(done("name = Bob B. (config file)\n"));
    await config("set", "port", "0");
    await config("set", "requireVerified", "true");
    await config("set", "read-receipts", "false");
    await config("set", "retention", "90d");
    await config("set", "interface", "lo");
    expect(content()).toEqual({
      name: "Bob B.",
      port: 0,
      requireVerified: true,
      readReceipts: false,
      retention: "90d",
      interface: ["lo"],
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await settings()).filter(({ source }) => source === "file")).toHaveLength(6);
  });

  it("keeps order, indentation and spelling of what is there, and a link", async () => {
    const elsewhere = join(home, "dotfiles.json");
    writeFileSync(elsewhere, '{\n\t"discovery-port": 1,\n\t"name": "x"\n}\n');
    symlinkSync(elsewhere, file);
    await config("set", "discoveryPort", "22402");
    expect(readFileSync(elsewhere, "utf8")).toBe(
      '{\n\t"discovery-port": 22402,\n\t"name": "x"\n}\n',
    );
    expect(readFileSync(file, "utf8")).toBe(readFileSync(elsewhere, "utf8"));
  });

  it.each([
    [["name", ""], "name"],
    [["port", "70000"], "port: port 70000 is out of range"],
    [["retention", "90"], "retention: messages are kept for at least 1h"],
    [["store", "cloud"], "store: disk or memory is expected"],
    [["requireVerified", "yes"], "requireVerified: true or false is expected"],
    [["broadcast", "10.0.0.255", "nowhere"], 'broadcast: "nowhere" is not an IPv4 address'],
    [["colour", "red"], '"colour" is no setting: the settings are name, port,'],
    [["name", "bob", "alice"], 'config set name bob: "alice" is too much'],
    [["name"], "VALUE is missing: udpchat config set name VALUE"],
    [[], "KEY is missing: udpchat config set KEY"],
  ])("refuses %j, and writes nothing", async (words, sentence) => {
    const { code, stdout, stderr } = await config("set", ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`udpchat: ${sentence}`);
    expect(existsSync(file)).toBe(false);
  });

  it("leaves a file alone in which something else is wrong, until that is taken out", async () => {
    for (const text of ["{", "[]", '{"nmae":"x"}']) {
      writeFileSync(file, text);
      const { code, stderr } = await config("set", "name", "bob");
      expect(code).toBe(2);
      expect(stderr).toContain(file);
      expect(readFileSync(file, "utf8")).toBe(text);
    }
    expect(await config("unset", "nmae")).toEqual(done(""));
    expect(content()).toEqual({});
    expect((await config("set", "name", "bob")).code).toBe(0);
  });

  it("says so where something goes before the file", async () => {
    const argv = ["config", "set", "name", "bob", "--home", home];
    const { code, stdout, stderr } = await runCli(argv, { env: { UDPCHAT_NAME: "env" } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "name = env (UDPCHAT_NAME)\n" });
    expect(stderr).toBe("udpchat: UDPCHAT_NAME goes before the config file\n");
    expect(content()).toEqual({ name: "bob" });
  });

  it("loses nothing when several set something at once", async () => {
    const words = [
      ["name", "bob"],
      ["port", "0"],
      ["timeout", "1s"],
      ["store", "memory"],
    ];
    await Promise.all(words.map((one) => config("set", ...one)));
    expect(content()).toEqual({ name: "bob", port: 0, timeout: "1s", store: "memory" });
  });
});

describe("config unset and path", () => {
  it("goes back to the default, also twice", async () => {
    await config("set", "port", "1");
    for (let count = 0; count < 2; count += 1) {
      expect(await config("unset", "port")).toEqual(done("port = 22400 (default)\n"));
    }
    expect((await config("unset", "prot")).stderr).toContain("did you mean port?");
  });

  it("names the file, whether it is there or not, or is right", async () => {
    const line = async () => parseLines(ConfigLineSchema, (await config("path", "--json")).stdout);
    expect(await config("path")).toEqual(done(`${file}\n`));
    expect(await line()).toEqual([{ type: "config", path: file, exists: false }]);
    writeFileSync(file, "{");
    expect(await line()).toEqual([{ type: "config", path: file, exists: true }]);
    expect((await config("path", "x")).stderr).toContain('config path: "x" is too much');
    expect((await config("get", "name", "x")).stderr).toContain('config get name: "x" is too much');
  });

  it("names the action that was meant", async () => {
    expect((await config("sett", "x", "y")).stderr).toContain("did you mean set?");
    expect((await config()).stderr).toContain("ACTION is missing");
  });
});
