/** The recipes of the README, as they stand there. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectApi } from "../../src/api/client.js";
import { pathsOf } from "../../src/store/paths.js";
import { buildBin, eventually } from "../support/cliWorld.js";
import { hasShellWith, type ShellLine, ShellWorld } from "../support/shellWorld.js";

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

/** The shell in each recipe, by its heading. */
function recipes(): Map<string, string[]> {
  const section = README.slice(README.indexOf("## Recipes"), README.indexOf("## Who is who"));
  const found = section.split(/^### /m).slice(1);
  return new Map(
    found.map((text) => [
      text.split("\n", 1)[0] ?? "",
      Array.from(text.matchAll(/^```sh\n(.*?)^```/gms), ([, code = ""]) => code),
    ]),
  );
}

let shell: ShellWorld;
/** Bob's terminal, in #ops. */
let room: ShellLine;
const inFolder = (user: string, name: string): string => join(shell.folder(user), name);
const read = (user: string, name: string): string =>
  existsSync(inFolder(user, name)) ? readFileSync(inFolder(user, name), "utf8") : "";

/** Typed to its end; what it prints. */
async function typed(user: string, text: string, code = 0): Promise<string> {
  const line = shell.type(user, text);
  line.endInput("");
  expect(`${text}: ${await line.ended()}\n${line.stderr}`).toContain(`: ${code}\n`);
  return line.stdout;
}

async function fills(user: string, name: string, words: RegExp): Promise<void> {
  await eventually(
    () => words.test(read(user, name)),
    () => `${words} in ${name}: ${read(user, name)}`,
  );
}

/** How each is played: `code` are its blocks. */
const SCENES: Readonly<Record<string, (...code: string[]) => Promise<void>>> = {
  async "An alert from cron to a group"(code) {
    await typed("alice", `LIMIT=101\n${code}`);
    await typed("alice", `LIMIT=0\n${code}`);
    await room.prints(/alice: .*: the disk is \d+ % full\n/);
    expect(room.stdout.match(/the disk is/g)).toHaveLength(1);
  },

  async "The backup is finished"(code) {
    mkdirSync(inFolder("alice", "documents"));
    await typed("alice", code);
    const stored = await typed("bob", "udpchat history --format '{from.name}: {text}'");
    expect(stored).toMatch(/^alice: backup: [\d.]+\w?$/m);
  },

  async "A bot that answers"(bot, question) {
    const line = shell.type("bob", bot);
    await line.prints(/serving as bob/);
    expect(await typed("alice", question)).toMatch(/load average/);
    await typed("alice", question.replace("uptime", "disk"));
    await typed("alice", question.replace("uptime", "'$(touch x)'"), 5);
    await line.interrupt();
  },

  async "Pages on request"(pages, question) {
    mkdirSync(inFolder("bob", "pages"));
    writeFileSync(inFolder("bob", "pages/opening-hours.txt"), "Monday to Friday\n");
    writeFileSync(inFolder("bob", "secret.txt"), "secret\n");
    const line = shell.type("bob", pages);
    await line.prints(/serving as bob/);
    await typed("alice", question);
    expect(read("alice", "opening-hours.txt")).toBe("Monday to Friday\n");
    await typed("alice", "udpchat ask bob ../secret", 5);
    await line.interrupt();
  },

  async "A bot in a group"(code) {
    const line = shell.type("alice", code);
    await line.prints(/listening as alice/);
    room.type("!uptime\n");
    await room.prints(/alice: .*load average/);
    await line.interrupt();
  },

  async "Chat piped through jq"(code) {
    const line = shell.type("alice", code);
    // It does not say when it is ready.
    await eventually(
      async () => {
        await typed("bob", "udpchat send alice 'are you there?'");
        return line.stdout.includes("to me bob: are you there?\n");
      },
      () => `the message in: ${line.stdout}`,
    );
    await line.interrupt();
  },

  async "How the build went"(code) {
    writeFileSync(inFolder("alice", "Makefile"), "all:\n\t@echo compiling\n");
    await typed("alice", code);
    await room.prints(/alice: the build is green\n/);
    writeFileSync(inFolder("alice", "Makefile"), "all:\n\t@echo it is broken; exit 1\n");
    await typed("alice", code);
    await room.prints(/alice: the build is red␊it is broken/);
  },

  async "Errors of a log file to a group"(code) {
    writeFileSync(inFolder("alice", "app.log"), "an old ERROR\n");
    const line = shell.type("alice", code);
    await line.prints(/you joined/);
    await eventually(
      () => {
        appendFileSync(inFolder("alice", "app.log"), "all is well\nan ERROR\n");
        return room.stdout.includes("alice: an ERROR\n");
      },
      () => "the error in the room",
    );
    expect(room.stdout).not.toMatch(/an old ERROR|all is well/);
    await line.interrupt();
  },

  async "A group to a log file"(code) {
    const line = shell.type("alice", code);
    await line.prints(/listening as alice/);
    await typed("bob", "udpchat send alice 'not for the log'");
    room.type("for the log\n");
    await fills("alice", "ops.log", /^#ops \S+Z bob: for the log\n$/);
    await line.interrupt();
  },

  async "A machine disappears"(code) {
    const line = shell.type("alice", code);
    await line.prints(/listening as alice/);
    await typed("carol", "udpchat stop");
    await fills("alice", "gone.txt", /^\S+ carol\n/);
    await line.interrupt();
  },

  async "Somebody must read it"(code) {
    await typed("alice", `PATIENCE=300ms\n${code}`);
    await room.prints(/alice: bob does not read it/);
    const line = shell.type("alice", code);
    await line.prints(/delivered to bob/);
    const api = connectApi(pathsOf(shell.world.home("bob")).socket);
    const unread = await api.call("history", { query: "the server room is at 40" });
    await api.call("read", { ids: unread.map(({ id }) => id) });
    await api.close();
    expect(await line.ended()).toBe(0);
    expect(line.stdout).toContain("bob has read message");
    expect(room.stdout.match(/does not read it/g)).toHaveLength(1);
  },

  async "Again until it has arrived"(code) {
    await typed("alice", code);
    await typed("alice", code);
    expect(await typed("bob", "udpchat history 'under the mat' --json | wc -l")).toMatch(/^ *1\n$/);
  },

  async "Who wrote how much"(code) {
    expect(await typed("bob", code)).toMatch(/^ +\d+ alice\n/);
  },
};

it("every recipe is played", () => {
  expect([...recipes().keys()].toSorted()).toEqual(Object.keys(SCENES).toSorted());
});

const isPossible = hasShellWith("the recipes of the README", "jq", "make", "uptime", "df", "tar");
describe.skipIf(!isPossible)("the recipe", () => {
  beforeAll(async () => {
    await buildBin();
    shell = new ShellWorld();
    // The one of the README, as it stands there.
    const [, hooks = ""] = /```json\n(.*?)```/s.exec(README) ?? [];
    mkdirSync(shell.world.home("bob"), { recursive: true });
    writeFileSync(join(shell.world.home("bob"), "config.json"), hooks);
    await Promise.all(["alice", "bob", "carol"].map((user) => typed(user, "udpchat start")));
    await eventually(
      async () => (await typed("alice", "udpchat peers")).match(/bob|carol/g)?.length === 2,
      () => "alice to know the others",
    );
    room = shell.type("bob", "udpchat join '#ops' --format '{from.name}: {text}'");
    await room.prints(/anyone on this network/);
  });
  afterAll(() => shell.dispose());

  it.each([...recipes()])("%s", async (name, code) => {
    expect(code.length).toBeGreaterThan(0);
    await SCENES[name]?.(...code);
  });

  it("of the hooks", async () => {
    await fills("bob", "messages.txt", /^alice: the key is under the mat$/m);
    await fills("bob", "people.txt", /^carol: offline$/m);
    // What she says in a group is a message as well.
    expect(read("bob", "messages.txt")).toContain("alice: the build is green\n");
  });
});
