/** Command lines completed by real shells, with what a running daemon knows. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bashInsertion, readBashLine } from "../../src/cli/completion/bashLine.js";
import { Messenger } from "../../src/messenger/messenger.js";
import { runCli } from "../support/cliInProcess.js";
import { buildBin, CliWorld, eventually } from "../support/cliWorld.js";
import fc from "../support/fastCheck.js";
import { describeOnShells, TypedShell } from "../support/typedShell.js";

/** Somebody may call himself so. */
const NAMES = [
  "carol",
  "alice b",
  "o'neil",
  '"quoted"',
  "$(touch pwned)",
  "`touch pwned`",
  "午饭 time",
  "back\\slash",
  "!bang",
  "semi;touch pwned",
  "*",
];

const world = new CliWorld();
const messengers: Messenger[] = [];
beforeAll(async () => {
  await buildBin();
  expect((await world.run("me", "start")).code).toBe(0);
  const { discoveryPort } = world;
  const options = { ephemeral: true, interfaces: ["lo"], port: 0, discoveryPort };
  const opened = NAMES.map(async (name) => Messenger.open({ ...options, name }));
  messengers.push(...(await Promise.all(opened)));
  await world.run("me", "join", "--detach", "#ops");
  await eventually(
    async () => (await world.run("me", "peers")).stdout.trim().split("\n").length === NAMES.length,
    () => "all peers in the roster",
  );
}, 60_000);
afterAll(async () => {
  await Promise.all(messengers.map((messenger) => messenger.close()));
  await world.dispose();
});

/** What is typed, a TAB in it, and the words that the shell makes of it. */
const LINES: readonly (readonly [string, readonly string[]])[] = [
  ["stat\t", ["status"]],
  ["send car\thi", ["send", "carol", "hi"]],
  ["send ali\thi", ["send", "alice b", "hi"]],
  ["send 'ali\thi", ["send", "alice b", "hi"]],
  ['send "ali\thi', ["send", "alice b", "hi"]],
  ["send o\thi", ["send", "o'neil", "hi"]],
  ["send '\"\thi", ["send", '"quoted"', "hi"]],
  ["send \\$\thi", ["send", "$(touch pwned)", "hi"]],
  ["send '$\thi", ["send", "$(touch pwned)", "hi"]],
  ["send '`\thi", ["send", "`touch pwned`", "hi"]],
  ["send 午\thi", ["send", "午饭 time", "hi"]],
  ["send back\thi", ["send", "back\\slash", "hi"]],
  ["send \\!\thi", ["send", "!bang", "hi"]],
  ["send sem\thi", ["send", "semi;touch pwned", "hi"]],
  ["say '#o\thi", ["say", "#ops", "hi"]],
  ["history --pe\tcaro\t", ["history", "--peer", "carol"]],
  ["history --peer=caro\t", ["history", "--peer=carol"]],
  ["join --passphrase-file sec\t", ["join", "--passphrase-file", "secret.txt"]],
];

describeOnShells("completion by", (name) => {
  let folder: string;
  let shell: TypedShell;
  beforeAll(() => {
    folder = join(world.folder, `shell-${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "secret.txt"), "");
    shell = new TypedShell(name, folder, { UDPCHAT_HOME: world.home("me") });
  });
  afterAll(() => shell.dispose());

  it("names commands, options, peers and groups, in quotes that hold", async () => {
    for (const [typed, words] of LINES) expect(await shell.words(typed), typed).toEqual(words);
    expect(existsSync(join(folder, "pwned"))).toBe(false);
  });
});

describe("completion", () => {
  const ask = async (user: string, ...question: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.run(user, "__complete", ...question);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  };

  it("says more to shells that show more", async () => {
    expect(await ask("me", "fish", "send", "")).toContain("carol\tonline, unknown\n");
    expect(await ask("me", "zsh", "say", "")).toMatch(
      /^224\.0\.1\.100\t.*everybody\n#ops\t.* group\n$/,
    );
    expect(await ask("me", "zsh", "st")).toContain("status\tstatus");
  });

  it("knows the daemon of the home that the line names", async () => {
    expect(await ask("nobody", "fish", "--home", world.home("me"), "leave", "")).toContain("#ops");
  });

  it("tells nothing of peers without a daemon, and starts none", async () => {
    expect(await ask("nobody", "fish", "send", "")).toBe("");
    expect(existsSync(world.home("nobody"))).toBe(false);
  });

  it.each([[[]], [["tcsh"]], [["bash"]], [["bash", "udpchat send '"]], [["zsh", "--"]]])(
    "is silent about the odd question %j",
    async (question) => {
      const env = { UDPCHAT_HOME: world.home("nobody") };
      const { code, stdout, stderr } = await runCli(["__complete", ...question], { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toContain("udpchat:");
    },
  );

  it("has a script for each shell, by name or by $SHELL", async () => {
    const script = await runCli(["completion"], { env: { SHELL: "/usr/bin/fish" } });
    expect(script).toEqual(await runCli(["completion", "fish"]));
    const unknown = await runCli(["completion"], { env: { SHELL: "/bin/tcsh" } });
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    expect(unknown.stderr).toContain("udpchat completion bash, zsh, fish");
  });
});

/** Quoting that only its own author reads would prove little. */
const hasBash = existsSync("/bin/bash");
if (!hasBash) process.stderr.write("what bash reads (SKIPPED: no /bin/bash)\n");
it.runIf(hasBash)("bash reads what is inserted as the value", () => {
  const text = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 32 });
  const names = fc.sample(text, 500).map((name) => name.replaceAll(/\p{Cc}/gu, "^"));
  const quotes = ["", "'", '"'] as const;
  const words = names.map((value, index) => {
    const quote = quotes[index % quotes.length] ?? "";
    const line = readBashLine(`udpchat send ${quote}`, " '\"");
    return `${quote}${bashInsertion(value, line) ?? ""}${quote}`;
  });
  const printed = execFileSync("/bin/bash", ["-c", `printf '%s\\n' ${words.join(" ")}`]);
  expect(printed.toString().split("\n").slice(0, -1)).toEqual(names);
});
