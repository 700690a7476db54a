/** What the README shows is what happens. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as lines from "../../src/api/lines.js";
import { SETTING_KEYS } from "../../src/cli/settings.js";
import { FINDING_CODES } from "../../src/doctor/finding.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { LanUsers } from "../support/lanUsers.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");

beforeAll(() => {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT });
});

it("the demo works and leaves nothing behind", () => {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-readme-"));
  const env = { ...process.env, TMPDIR: folder };
  const transcript = execFileSync(process.execPath, ["test/demo/demo.js"], { cwd: ROOT, env });
  expect(transcript.toString()).toContain("Everything worked, and nothing was left behind.");
  expect(readdirSync(folder)).toEqual([]);
  rmdirSync(folder);
});

it("every command of the table exists", () => {
  const table = README.slice(README.indexOf("## Commands"), README.indexOf("TARGET is"));
  const named = [...table.matchAll(/`udpchat ([a-z]+)/g)].map(([, name = ""]) => name);
  expect(new Set(named).size).toBeGreaterThan(12);
  for (const name of new Set(named)) {
    const help = execFileSync(process.execPath, ["bin/udpchat.js", name, "--help"], { cwd: ROOT });
    expect(help.toString()).toContain(`udpchat ${name}`);
  }
});

it("names every key of every JSON line", () => {
  const inBackticks = (text: string): string[] =>
    [...text.matchAll(/`(\w+)`/g)].map(([, word = ""]) => word);
  const table = README.slice(README.indexOf("| `type` |"), README.indexOf("| exit code |"));
  /** `type: keys`, each kind of line once. */
  const documented = new Set<string>();
  let previous: string[] = [];
  for (const row of table.split("\n").slice(2)) {
    const [, type = "", keys = ""] = row.split("|");
    const own = inBackticks(keys);
    previous = keys.includes("the same, and") ? [...previous, ...own] : own;
    for (const name of inBackticks(type)) documented.add(kindOfLine(name, previous));
  }
  const printed = Object.values(lines).flatMap((schema) => {
    if (!("entries" in schema) || !("type" in schema.entries)) return [];
    const { type, ...keys } = schema.entries;
    // What the API alone answers.
    if (type.literal === "stopping" || type.literal === "marked") return [];
    return [kindOfLine(type.literal, Object.keys(keys))];
  });
  const expected = new Set(printed);
  expect(expected.size).toBeGreaterThan(20);
  expect([...documented].toSorted()).toEqual([...expected].toSorted());
});

function kindOfLine(type: string, keys: readonly string[]): string {
  return `${type}: ${keys.toSorted().join(" ")}`;
}

it("explains every finding of the doctor", () => {
  const begin = README.indexOf("## When nobody is found");
  const section = README.slice(begin, README.indexOf("## ", begin + 3));
  const explained = [...section.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)`/g)].map(([, code]) => code);
  expect(new Set(explained)).toEqual(new Set(FINDING_CODES));
  expect(explained).toHaveLength(FINDING_CODES.length);
});

it("explains every state and setting", () => {
  for (const state of lines.HistoryLineSchema.entries.state.options) {
    expect(README).toContain(`\`${state}\``);
  }
  for (const key of SETTING_KEYS) expect(README, key).toContain(`\`${key}\``);
});

describeOnNamespaces("the example of the library", () => {
  let users: LanUsers;
  beforeAll(() => {
    users = new LanUsers(2);
  });
  afterAll(() => users.dispose());

  it("greets whoever is there", async () => {
    const [, example = ""] = /```js\n(.*?)```/s.exec(README) ?? [];
    const alice = users.user(0, "alice");
    expect((await alice.run(["start"])).code).toBe(0);
    const chat = alice.spawn("join", "224.0.1.100");
    await chat.prints(/you joined/);
    const listener = alice.spawn("listen");
    await listener.prints(/listening/);
    const home = users.user(1, "greeter").home;
    const env = { ...process.env, HOME: home, XDG_DATA_HOME: join(home, "data") };
    const ran = await users.lan
      .host(1)
      .run(process.execPath, ["--input-type=module", "--eval", example], { cwd: ROOT, env });
    expect(ran.stderr).toBe("");
    expect(ran.stdout).toMatch(/^alice has it after [\d.]+ ms\n$/);
    await listener.prints(/greeter: good morning\n/);
    await chat.prints(/greeter: good morning, everybody\n/);
  });
});
