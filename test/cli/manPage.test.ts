/** The manual page says all that the help says, and is read without a complaint. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands/index.js";
import { EXIT, EXIT_MEANINGS } from "../../src/cli/exitCodes.js";
import { GLOBAL_OPTIONS } from "../../src/cli/globalOptions.js";
import { optionName } from "../../src/cli/options.js";
import { environmentName, SETTING_KEYS } from "../../src/cli/settings.js";
import { runCli } from "../support/cliInProcess.js";

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

let folder: string;
let page: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-man-"));
  page = join(folder, "udpchat.1");
  writeFileSync(page, (await runCli(["__man"])).stdout);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a reader sees it, on one line each, however wide. */
function rendered(): string {
  const text = execFileSync("groff", ["-man", "-Tutf8", "-rLL=1000n", "-P-cbou", page]);
  return text.toString().replaceAll(/[‐−]/g, "-");
}

function runsWith(program: string, title: string): boolean {
  const isThere = spawnSync(program, ["-v"]).error === undefined;
  if (!isThere) process.stderr.write(`${title} (SKIPPED: no ${program})\n`);
  return isThere;
}

const hasGroff = runsWith("groff", "the manual page as it is read");
const hasMandoc = runsWith("mandoc", "the manual page without warnings");

it.runIf(hasGroff)("shows every command, option, example, variable and exit code", () => {
  const text = rendered();
  const expected = [
    ...COMMANDS.flatMap(({ usage, examples }) => [`udpchat ${usage}`, ...examples]),
    ...[GLOBAL_OPTIONS, ...COMMANDS.map(({ specs }) => specs)].flatMap((specs) =>
      Object.values(specs).map(({ describe }) => describe),
    ),
    ...Object.keys(GLOBAL_OPTIONS).map((key) => `--${optionName(key)}`),
    ...SETTING_KEYS.map(environmentName),
    ...Object.values(EXIT_MEANINGS),
  ];
  expect(expected.length).toBeGreaterThan(100);
  for (const line of expected) expect(text).toContain(line);
});

it.runIf(hasGroff)("is typeset without a warning", () => {
  const { stderr, status } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", page]);
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
});

it.runIf(hasMandoc)("passes mandoc's check", () => {
  const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning", page]);
  // It has none, so that it is the same whenever it is built.
  const complaints = stdout
    .toString()
    .split("\n")
    .filter((line) => !/missing date/.test(line));
  expect(complaints.join("\n").trim()).toBe("");
});

it("explains the exit codes as the README does", () => {
  const table = README.slice(README.indexOf("| exit code |")).split("\n\n", 1)[0] ?? "";
  const rows = table
    .split("\n")
    .slice(2)
    .map((row) => row.replaceAll("`", ""));
  const expected = Object.entries(EXIT).map(
    ([name, code]) =>
      `| ${code} | ${Object.entries(EXIT_MEANINGS).find(([key]) => key === name)?.[1]} |`,
  );
  expect(rows).toEqual(expected);
});
