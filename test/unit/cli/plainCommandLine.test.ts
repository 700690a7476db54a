/** What is read without yargs must be what yargs would read. */
import { describe, expect, it } from "vitest";
import type { Chosen, Command } from "../../../src/cli/command.js";
import { parseCommandLine } from "../../../src/cli/commandLine.js";
import { COMMANDS } from "../../../src/cli/commands/index.js";
import { GLOBAL_OPTIONS } from "../../../src/cli/globalOptions.js";
import { plainCommandLine } from "../../../src/cli/plainCommandLine.js";
import { drawArguments } from "../../fuzz/cliArguments.js";
import { SeededRandom } from "../../support/seededRandom.js";

interface Seen {
  readonly command: string;
  /** Those that are declared and not undefined. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** What the command is given. */
function seen(parse: (commands: readonly Command[]) => Chosen | undefined): Seen | undefined {
  let result: Seen | undefined;
  const spies = COMMANDS.map((command) => ({
    ...command,
    choose: (given: object): Chosen => {
      const keys = Object.keys({ ...GLOBAL_OPTIONS, ...command.specs });
      const entries = keys.map((key) => [key, Reflect.get(given, key)] as const);
      const values = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
      result = { command: command.name, values };
      return command.choose(given);
    },
  }));
  parse(spies);
  return result;
}

const plain = (argv: readonly string[]): Seen | undefined =>
  seen((commands) => plainCommandLine(argv, commands));

const byYargs = (argv: readonly string[]): Seen | undefined =>
  seen((commands) => {
    const parsed = parseCommandLine(argv, { commands, version: "1.2.3" });
    return parsed.kind === "run" ? parsed.chosen : undefined;
  });

describe("a plain command line", () => {
  it.each([
    ["send bob hi", { target: "bob", text: "hi" }],
    ["send bob hi --queue --ttl 2d --json", { ttl: "2d", queue: true, json: true }],
    ["send --home=/tmp/x bob a=b --id=1=2", { home: "/tmp/x", text: "a=b", id: "1=2" }],
    ["listen --interface lo --interface=eth0", { interface: ["lo", "eth0"] }],
    ["verify alice 12345 67890", { code: ["12345", "67890"] }],
    ["verify alice", { target: "alice" }],
    ["history --peer bob --limit 5 --no-read-receipts", { peer: ["bob"], noReadReceipts: true }],
    ["outbox drop 001c --store memory", { action: "drop", id: "001c", store: "memory" }],
    ["serve --exec cat", { exec: "cat" }],
    ["send bob __proto__", { text: "__proto__" }],
    ["send bob help", { target: "bob", text: "help" }],
    ["send bob help --queue", { text: "help", queue: true }],
  ])("is read without yargs, as yargs reads it: %s", (line, values) => {
    const argv = line.split(" ");
    expect(plain(argv)?.values).toMatchObject(values);
    expect(plain(argv)).toEqual(byYargs(argv));
  });

  it.each([
    "",
    "sned bob hi",
    "send bob",
    "send bob hi there",
    "send bob hi --nope",
    "send bob hi --help",
    "send bob -",
    "send bob -- -5",
    "send bob hi --ttl",
    "send bob hi --ttl --queue",
    "send bob hi --ttl=",
    "send bob hi --ttl 1d --ttl 2d",
    "send bob hi --json=true",
    "send bob hi --json true",
    "send bob hi --queue --queue",
    "send bob hi --discoveryPort 5",
    "send bob hi --target eve",
    "send bob hi --store tape",
    "outbox pick 001c",
    "join help",
    "serve",
    "--json send bob hi",
    "--version",
  ])("is none, and left to yargs: %s", (line) => {
    expect(plain(line.split(" "))).toBeUndefined();
  });

  it("is one for help behind a command, and none where help is said", () => {
    const parse = (line: string) =>
      parseCommandLine(line.split(" "), { commands: COMMANDS, version: "1.2.3" }).kind;
    expect(["join help", "help", "send help"].map(parse)).toEqual(["print", "print", "print"]);
    expect(parse("--json send bob help")).toBe("run");
    expect(parse("send bob help --queue=true")).toBe("run");
  });

  it("leaves an empty word to yargs", () => {
    expect(plain(["send", "", "hi"])).toBeUndefined();
    expect(plain(["send", "bob", "hi", "--name", ""])).toBeUndefined();
  });

  it("is whatever yargs makes of it, for all that are drawn", () => {
    const seed = 20_261_121;
    const random = new SeededRandom(seed);
    let plainOnes = 0; // yargs takes milliseconds for each
    for (let number = 0; number < 300; number += 1) {
      const argv = drawArguments(random);
      const ours = plain(argv);
      if (ours === undefined) continue;
      plainOnes += 1;
      expect(ours, `${number} of seed ${seed}: ${JSON.stringify(argv)}`).toEqual(byYargs(argv));
    }
    expect(plainOnes).toBeGreaterThan(50);
  });
});
