/** The examples of the library, run as their first lines say, on hosts of their own. */
import { execFileSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { eventually, RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { LanUsers } from "../support/lanUsers.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

beforeAll(() => {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT });
});

describeOnNamespaces("an example of the library", () => {
  let users: LanUsers;
  /** Bounded by a test. */
  let running: RunningCommand[];
  beforeEach(() => {
    users = new LanUsers(3);
    running = [];
  });
  afterEach(async () => {
    for (const example of running) example.kill("SIGKILL");
    await Promise.all(running.map((example) => example.ended()));
    await users.dispose();
  });

  function start(host: number, file: string, ...args: string[]): RunningCommand {
    const { namespace } = users.lan.host(host);
    const line = ["netns", "exec", namespace, process.execPath, `examples/${file}`, ...args];
    const example = new RunningCommand(line, { POOL_PASSPHRASE: "several words" }, "ip");
    running.push(example);
    return example;
  }

  it("is a bot that answers requests, messages and its name", async () => {
    const bot = start(0, "bot.js", `${users.folder}/clerk`, "#ops");
    await bot.prints(/^clerk is there: [0-9a-f]{64}\n/);
    const bob = users.user(1, "bob");
    expect((await bob.run(["start"])).code).toBe(0);
    expect((await bob.run(["ask", "clerk", "memory"])).stdout).toMatch(
      /^\d+ % of its memory is free\n$/,
    );
    expect((await bob.run(["ask", "clerk", "sing"])).stdout).toBe(
      "I know time, uptime, load, memory\n",
    );
    const listen = bob.spawn("listen");
    await listen.prints(/listening/);
    await bob.run(["send", "clerk", "Uptime "]);
    await listen.prints(/clerk: \S+ is up for [\d.]+ hours\n/);
    const chat = bob.spawn("join", "#ops");
    await chat.prints(/you joined/);
    chat.type("clerk: sing\nclerk: time\n");
    await chat.prints(/clerk: bob: 20\d\d-/);
    expect(chat.stdout).not.toContain("I know");
    bot.kill("SIGINT");
    expect(await bot.ended()).toBe(0);
    expect(bot.stderr).toBe("");
  });

  it("is a board of who is here, now", async () => {
    const alice = users.user(1, "alice");
    expect((await alice.run(["start"])).code).toBe(0);
    const board = start(0, "presenceBoard.js", "8080");
    await board.prints(/alice is here\n/);
    const page = await onHost(`console.log(await (await fetch("http://127.0.0.1:8080")).text())`);
    expect(page).toContain("<h1>Who is here</h1>");
    const people = watchPeople();
    await people.prints(/^data: \[\{"name":"alice","address":"10.77.0.2","state":"online",/);
    const bob = users.user(2, "<b>bob");
    expect((await bob.run(["start"])).code).toBe(0);
    await people.prints(/"name":"<b>bob",.*"name":"alice",/);
    await alice.run(["stop"]);
    await eventually(
      () => /^data: (?!.*alice).*bob/m.test(people.stdout.trimEnd().split("\n\n").at(-1) ?? ""),
      () => `alice to leave in ${people.stdout}`,
    );
    board.kill("SIGTERM");
    expect(await board.ended()).toBe(0);
    expect((await bob.run(["peers"])).stdout).not.toContain("10.77.0.1:");
  });

  it("is a pool of workers that loses no work with one of them", async () => {
    const first = start(0, "workerPool.js", "worker");
    const second = start(1, "workerPool.js", "worker");
    await Promise.all([first.prints(/waiting for work/), second.prints(/waiting for work/)]);
    const boss = start(2, "workerPool.js", "boss", "2000000");
    await first.prints(/from \d+ to \d+/);
    first.kill("SIGKILL");
    await boss.prints(/^148933 primes are below 2000000\n$/, 20_000);
    expect(await boss.ended()).toBe(0);
    second.kill("SIGINT");
    expect(await second.ended()).toBe(0);
    expect(second.stdout.match(/from/g)?.length).toBeGreaterThan(1);
  });

  /** What a program prints on the host of the board. */
  async function onHost(program: string): Promise<string> {
    const module = ["--input-type=module", "--eval", program];
    const { stdout, stderr } = await users.lan.host(0).run(process.execPath, module);
    expect(stderr).toBe("");
    return stdout;
  }

  function watchPeople(): RunningCommand {
    const program = `
      for await (const chunk of (await fetch("http://127.0.0.1:8080/people")).body) {
        process.stdout.write(chunk);
      }`;
    const { namespace } = users.lan.host(0);
    const line = ["netns", "exec", namespace, process.execPath, "--input-type=module", "--eval"];
    const watching = new RunningCommand([...line, program], {}, "ip");
    running.push(watching);
    return watching;
  }
});
