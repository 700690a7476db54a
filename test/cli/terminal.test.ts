/** Chats on a real terminal: what is typed, what comes in meanwhile, and what is to be seen. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BIN, buildBin, CliWorld, eventually, type RunningCommand } from "../support/cliWorld.js";
import { describeOnTmux, type TerminalSize, Tmux, type TmuxTerminal } from "../support/tmux.js";

const SIZE: TerminalSize = { columns: 50, rows: 16 };
const FAMILY = "👨‍👩‍👧";

/** Times and ports are others each time, and who came first is a matter of milliseconds. */
function steady(screen: string): string {
  return screen
    .replace(/^\d\d:\d\d/gm, "hh:mm")
    .replace(/127\.0\.0\.1:\d{5}/g, "127.0.0.1:ports")
    .replace(/^(\* \w+) (?:joined|is online)(?= \()/gm, "$1 came");
}

function expectScreen({ screen }: TmuxTerminal, hint: string): void {
  expect(steady(screen)).toMatchSnapshot(hint);
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

describeOnTmux("a chat on a terminal", () => {
  const world = new CliWorld();
  const tmux = new Tmux();
  beforeAll(async () => {
    await buildBin();
    for (const user of ["alice", "bob"]) {
      expect((await world.run(user, "start")).code).toBe(0);
    }
  });
  afterAll(async () => {
    tmux.dispose();
    await world.dispose();
  });

  const open = (user: string, argv: string[], env: Record<string, string> = {}): TmuxTerminal =>
    tmux.open(
      [process.execPath, BIN, ...argv],
      { NO_COLOR: "1", ...world.environment(user), ...env },
      SIZE,
    );

  let running: RunningCommand | undefined;
  afterEach(async () => {
    running?.kill("SIGKILL");
    await running?.ended();
    running = undefined;
  });

  /** Somebody else in the group, who says what the test writes. */
  async function member(user: string, group: string): Promise<RunningCommand> {
    running = world.spawn(user, "join", group);
    await running.prints(/you joined/);
    return running;
  }

  it("keeps what is typed in one piece while lines come in", async () => {
    const alice = open("alice", ["join", "#g1"]);
    await alice.shows("you joined");
    const bob = await member("bob", "#g1");
    await alice.shows("bob joined");
    alice.type("a long draft that is wrapped over more than one row of this terminal");
    await alice.shows("of this terminal");
    bob.type("hello alice\n");
    await alice.shows("bob: hello alice");
    bob.type("and a line that is longer than the terminal is wide, too\n");
    await alice.shows("wide, too");
    alice.press("Home");
    alice.type("!");
    await alice.shows("#g1> !a long");
    expect(alice.cursor.column).toBe(6);
    expectScreen(alice, "typing");
    alice.press("Enter");
    await bob.prints(
      /alice: !a long draft that is wrapped over more than one row of this terminal\n/,
    );
    await alice.shows("(sent)");
    expectScreen(alice, "said");
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("counts wide characters as wide as they are", async () => {
    const alice = open("alice", ["join", "#g2"]);
    await alice.shows("you joined");
    const bob = await member("bob", "#g2");
    await alice.shows("bob joined");
    alice.type("午饭吃什么");
    alice.press("Left", "Left");
    await eventually(
      () => alice.cursor.column === 11,
      () => `column 11 in ${alice.screen}`,
    );
    alice.press("BSpace");
    alice.type("哪😀");
    await alice.shows("午饭哪😀什么");
    expect(alice.cursor.column).toBe(13);
    alice.press("End");
    alice.type("x".repeat(32));
    alice.type("好吗");
    await alice.shows(/x\n好吗/);
    expect(alice.cursor).toMatchObject({ column: 4 });
    expectScreen(alice, "wide");
    alice.press("C-u");
    alice.type(`${FAMILY}e\u0301`);
    alice.press("Left", "Left");
    alice.type("<");
    alice.press("Right", "BSpace", "Enter");
    await bob.prints(/alice: <e\u0301\n/);
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("completes, understands commands, and says something to one alone", async () => {
    const alice = open("alice", ["join", "#g3"]);
    await alice.shows("you joined");
    const bob = open("bob", ["join", "#g3"]);
    await bob.shows("you joined");
    await alice.shows("bob joined");
    for (const [typed, completed] of [
      ["/wh", "/who "],
      ["/q", "/quit "],
      ["bo", "bob: "],
      ["see #g", "see #g3 "],
    ] as const) {
      alice.type(typed);
      alice.press("Tab");
      await alice.shows(new RegExp(`> ${completed}?$`));
      alice.press("C-u");
    }
    alice.type("/m");
    alice.press("Tab");
    await alice.shows("/msg  /me");
    alice.press("C-u");
    for (const line of ["/who", "/whoo", "//who", "/me waves"]) {
      alice.type(line);
      alice.press("Enter");
    }
    await bob.shows("* alice waves");
    alice.type("/msg b");
    alice.press("Tab");
    alice.type("psst");
    alice.press("Enter");
    await bob.shows("alice (to you alone): psst");
    await alice.shows("you -> bob: psst (read)");
    expectScreen(alice, "alice");
    alice.type("/quit");
    alice.press("Enter");
    expect(await alice.ended()).toBe(0);
    await bob.shows("alice left");
    expectScreen(bob, "bob");
    bob.press("C-d");
    expect(await bob.ended()).toBe(0);
  });

  it("keeps its prompt whole in a terminal that becomes narrower and wider", async () => {
    const alice = open("alice", ["join", "#g4"]);
    await alice.shows("you joined");
    alice.type("a draft that is wrapped where it is narrow");
    await alice.shows(/narrow$/);
    alice.resize({ columns: 24, rows: 10 });
    await alice.shows(/#g4> a draft that is wra\npped where it is narrow$/);
    const bob = await member("bob", "#g4");
    bob.type("hello\n");
    await alice.shows("bob: hello");
    alice.resize({ columns: 70, rows: 16 });
    await alice.shows(/#g4> a draft that is wrapped where it is narrow$/);
    alice.type("!");
    await alice.shows(/narrow!$/);
    expectScreen(alice, "resized");
    expect(alice.screen.split("#g4> ")).toHaveLength(2);
    alice.press("Enter");
    await bob.prints(/narrow!\n/);
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("Ctrl-C clears what is typed, and then leaves with 130", async () => {
    const alice = open("alice", ["join", "#g5"]);
    await alice.shows("you joined");
    alice.type("a draft");
    await alice.shows("#g5> a draft");
    alice.press("C-c");
    await alice.shows(/#g5>$/);
    alice.press("Up");
    await alice.shows("#g5> a draft");
    alice.press("C-c", "C-c");
    expect(await alice.ended()).toBe(130);
  });

  it("takes pasted lines for one message", async () => {
    const alice = open("alice", ["join", "#g6"]);
    await alice.shows("you joined");
    const bob = await member("bob", "#g6");
    alice.paste("one\n/quit\nthree\n");
    await alice.shows("#g6> one\n  /quit\n  three");
    expect(bob.stdout).not.toContain("one");
    alice.press("Enter");
    await bob.prints(/alice: one\n {6}\/quit\n {6}three\n/);
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("with one person shows what was said, how far it came, and who comes and goes", async () => {
    const alice = open("alice", ["chat", "bob"]);
    await alice.shows("bob is online");
    alice.type("Lunch at noon?");
    alice.press("Enter");
    await alice.shows("you: Lunch at noon? (delivered)");
    const bob = open("bob", ["chat", "alice"]);
    await bob.shows("alice: Lunch at noon?");
    await alice.shows("you: Lunch at noon? (read)");
    bob.type("/me is hungry");
    bob.press("Enter");
    await alice.shows("* bob is hungry");
    await bob.shows("* bob is hungry (read)");
    bob.press("C-d");
    expect(await bob.ended()).toBe(0);
    expect((await world.run("bob", "stop")).code).toBe(0);
    await alice.shows("bob is away");
    alice.type("see you");
    alice.press("Enter");
    await alice.shows("you: see you (queued)");
    expectScreen(alice, "away");
    expect((await world.run("bob", "start")).code).toBe(0);
    await alice.shows("you: see you (delivered)");
    const again = open("bob", ["chat", "alice"]);
    await again.shows("alice: see you");
    again.press("Up");
    await again.shows("alice> /me is hungry");
    expectScreen(again, "back");
    again.press("C-u", "C-d");
    expect(await again.ended()).toBe(0);
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("needs no daemon", async () => {
    const carol = world.spawn("carol", "listen");
    running = carol;
    await carol.prints(/on port \d+/);
    const [, port = ""] = /on port (\d+)/.exec(carol.stderr) ?? [];
    const dave = open("dave", ["chat", `127.0.0.1:${port}`]);
    await dave.shows("talking with");
    dave.type("hello");
    dave.press("Enter");
    await carol.prints(/dave: hello\n/);
    await dave.shows("you: hello (delivered)");
    carol.kill("SIGINT");
    await carol.ended();
    dave.type("still there?");
    dave.press("Enter");
    await dave.shows("you: still there? (queued)");
    dave.press("C-d");
    expect(await dave.ended()).toBe(0);
    expect(dave.screen).toContain("1 message still waits here");
  });

  it("stops and goes on, as Ctrl-Z and fg want it", async () => {
    const shell = tmux.open(
      ["bash", "--norc", "--noprofile", "-i"],
      { ...world.environment("alice"), PS1: "shell: ", NO_COLOR: "1" },
      SIZE,
    );
    await shell.shows("shell:");
    shell.type(`'${process.execPath}' '${BIN}' join '#g7'`);
    shell.press("Enter");
    await shell.shows("you joined");
    shell.type("a draft");
    await shell.shows("#g7> a draft");
    shell.press("C-z");
    await shell.shows(/Stopped[^]*shell:$/);
    shell.type("stty -a | tr ' ;' '\\n\\n' | grep -x icanon; clear; fg");
    shell.press("Enter");
    await shell.shows(/#g7> a draft$/);
    shell.press("Home");
    shell.type("still ");
    await shell.shows(/#g7> still a draft$/);
    expect(shell.screen.split("#g7>")).toHaveLength(2);
    shell.press("C-c", "C-d");
    await shell.shows(/shell:$/);
  });

  it("ends when its terminal goes away", async () => {
    const alice = open("alice", ["join", "#g12"]);
    await alice.shows("you joined");
    const { pid } = alice;
    expect(isRunning(pid)).toBe(true);
    const bob = await member("bob", "#g12");
    await bob.prints(/alice (?:joined|is online)/);
    alice.close();
    await bob.prints(/alice left/);
    await eventually(
      () => !isRunning(pid),
      () => "the end of the program",
    );
  });

  it.each([
    ["SIGTERM", (pid: number) => process.kill(pid, "SIGTERM"), 130],
    ["a crash", (pid: number) => process.kill(pid, "SIGUSR2"), 1],
  ])("gives the terminal back after %s", async (_what, end, code) => {
    // What nobody has thought of: an exception out of nowhere.
    const crashing = `process.on("SIGUSR2", () => { throw new Error("out of nowhere"); });`;
    const preload = `data:text/javascript;base64,${Buffer.from(crashing).toString("base64")}`;
    const shell = tmux.open(
      ["bash", "--norc", "--noprofile", "-i"],
      { ...world.environment("alice"), PS1: "shell: ", NO_COLOR: "1" },
      { columns: 100, rows: 30 },
    );
    await shell.shows("shell:");
    shell.type(`'${process.execPath}' --import '${preload}' '${BIN}' join '#g8'; echo code $?`);
    shell.press("Enter");
    await shell.shows("you joined");
    shell.type("a draft");
    await shell.shows("#g8> a draft");
    end(shell.pid);
    await shell.shows(`code ${code}`);
    shell.type("stty -a | tr ' ;' '\\n\\n' | grep -E -x 'icanon|echo|isig' | tr '\\n' ' '");
    shell.press("Enter");
    await shell.shows(/isig icanon echo/);
    const [, brackets = ""] = /[^]*\[\?2004([hl])[^]*code /.exec(shell.output) ?? [];
    expect(brackets).toBe("l");
  });

  it("can be typed into while much comes in", async () => {
    const alice = open("alice", ["join", "#g11"]);
    await alice.shows("you joined");
    const bob = await member("bob", "#g11");
    bob.type(Array.from({ length: 100 }, (_, number) => `line ${number}\n`).join(""));
    await alice.shows("bob: line 5");
    for (const letter of "meanwhile") alice.type(letter);
    await alice.shows(/bob: line 99\n#g11> meanwhile$/);
    // The prompt was never left behind in what scrolls away.
    expect(alice.scrollback.match(/#g11>/g)).toHaveLength(1);
    expect(alice.scrollback.match(/bob: line \d+$/gm)).toHaveLength(100);
    alice.press("C-u", "C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("is plain where nothing can be drawn, and has no colour where that is not wanted", async () => {
    const dumb = open("alice", ["join", "#g9"], { TERM: "dumb" });
    await dumb.shows("you joined");
    const bob = await member("bob", "#g9");
    dumb.type("hello");
    dumb.press("Enter");
    await bob.prints(/alice: hello\n/);
    bob.type("hello back\n");
    await dumb.shows("bob: hello back");
    dumb.press("C-d");
    expect(await dumb.ended()).toBe(0);
    expect(dumb.output).not.toContain("\u001b");

    const alice = open("alice", ["join", "#g9"]);
    await alice.shows("you joined");
    bob.type("alice, hello again\n");
    await alice.shows("bob: alice, hello again");
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(alice.output).not.toMatch(/\u001b\[[\d;]*m/);
  });

  it("rings for whoever is named, if that is wanted", async () => {
    const alice = open("alice", ["join", "#g10", "--notify"]);
    await alice.shows("you joined");
    const bob = await member("bob", "#g10");
    bob.type("malice is not meant\n");
    await alice.shows("not meant");
    expect(alice.output).not.toContain("\u0007");
    bob.type("but Alice is\n");
    await alice.shows("but Alice is");
    expect(alice.output).toContain("\u0007");
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });

  it("hands a notification to the program that shows it", async () => {
    const folder = join(world.folder, "bin");
    const shown = join(folder, "shown");
    mkdirSync(folder);
    writeFileSync(join(folder, "notify-send"), `#!/bin/sh\nprintf '%s\\n' "$@" > ${shown}\n`, {
      mode: 0o755,
    });
    const alice = open("alice", ["chat", "bob", "--notify", "desktop"], { PATH: `${folder}:/bin` });
    await alice.shows("bob is online");
    const text = '$(touch x) `id` "; <b>Lunch</b>?';
    expect((await world.run("bob", "send", "alice", text)).code).toBe(0);
    await alice.shows("bob: $(touch x)");
    await eventually(
      () => existsSync(shown) && readFileSync(shown, "utf8").endsWith("?\n"),
      () => "the notification",
    );
    expect(readFileSync(shown, "utf8").split("\n")).toEqual([
      "--app-name=udpchat",
      "--",
      "bob",
      '$(touch x) `id` "; &lt;b&gt;Lunch&lt;/b&gt;?',
      "",
    ]);
    expect(alice.output).not.toContain("\u0007");
    alice.press("C-d");
    expect(await alice.ended()).toBe(0);
  });
});
