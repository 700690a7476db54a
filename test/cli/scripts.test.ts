/** What scripts build on: programs that are run for what arrives, templates, waiting. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectApi } from "../../src/api/client.js";
import {
  ErrorLineSchema,
  EventLineSchema,
  HistoryLineSchema,
  MessageLineSchema,
  ProgressLineSchema,
} from "../../src/api/lines.js";
import { pathsOf } from "../../src/store/paths.js";
import { buildBin, CliWorld, eventually, type RunningCommand } from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";
import { isRunning } from "../support/processes.js";

const world = new CliWorld();
const file = (name: string): string => join(world.folder, name);
const read = (name: string): string =>
  existsSync(file(name)) ? readFileSync(file(name), "utf8") : "";

beforeAll(async () => {
  await buildBin();
  // Bob's daemon runs programs.
  mkdirSync(world.home("bob"), { recursive: true });
  const hooks = {
    message: [
      "sh",
      "-c",
      `printf '%s|%s|%s|%s\\n' "$UDPCHAT_FROM_NAME" "$UDPCHAT_SCOPE" "$(cat)" "$1" >> ${file("heard")}`,
      "sh",
      "$(touch never)",
    ],
    presence: ["sh", "-c", `echo "$UDPCHAT_FROM_NAME $UDPCHAT_EVENT" >> ${file("seen")}; exit 7`],
  };
  writeFileSync(join(world.home("bob"), "config.json"), JSON.stringify({ hooks }));
  for (const user of ["alice", "bob"]) {
    expect(await world.run(user, "start")).toMatchObject({ code: 0, stderr: "" });
  }
  await eventually(
    async () => (await world.run("alice", "peers")).stdout.includes("bob"),
    () => "alice to know bob",
  );
});
afterAll(() => world.dispose());

async function end(command: RunningCommand): Promise<void> {
  command.kill("SIGINT");
  expect(await command.ended()).toBe(130);
}

/** `listen` of bob, ready. */
async function listening(...options: string[]): Promise<RunningCommand> {
  const command = world.spawn("bob", "listen", ...options);
  await command.prints(/listening as|"ready"/);
  return command;
}

describe("serve --exec", () => {
  it("answers as many at the same time as it may, and tells who asks", async () => {
    // Each waits for the other.
    const exec =
      `touch "${world.folder}/$(cat)"; while ! [ -e ${file("one")} -a -e ${file("two")} ]; do sleep 0.02; done; ` +
      `printf '%s %s' "$UDPCHAT_FROM_NAME" "$UDPCHAT_FROM_TRUST"; test -n "$UDPCHAT_ID"`;
    const server = world.spawn("bob", "serve", "--exec", exec, "--concurrency", "2");
    await server.prints(/serving as bob/);
    const replies = await Promise.all(
      ["one", "two"].map((text) => world.run("alice", "ask", "bob", text, "--timeout", "20s")),
    );
    for (const { code, stdout } of replies) {
      expect(code).toBe(0);
      expect(stdout).toMatch(/^alice (un)?known\n$/);
    }
    await end(server);
  });

  it("ends a command at its limit, and the asker learns why", async () => {
    const server = world.spawn("bob", "serve", "--exec", "sleep 1000", "--time-limit", "100ms");
    await server.prints(/serving as bob/);
    const asked = await world.run("alice", "ask", "bob", "x", "--timeout", "20s");
    expect(asked.code).toBe(5);
    expect(asked.stderr).toContain("the command took longer than 0.1 s");
    await end(server);
  });

  it("leaves no command behind, even where it is killed", async () => {
    const server = world.spawn("bob", "serve", "--exec", `echo $$ > ${file("pid")}; sleep 1000`);
    await server.prints(/serving as bob/);
    const asking = world.spawn("alice", "ask", "bob", "x", "--timeout", "20s");
    await eventually(
      () => read("pid").endsWith("\n"),
      () => "the command to run",
    );
    const pid = Number(read("pid"));
    expect(isRunning(pid)).toBe(true);
    server.kill("SIGKILL");
    await eventually(
      () => !isRunning(pid),
      () => "the command to end",
    );
    expect(await asking.ended()).toBe(5);
  });
});

describe("ask --timeout", () => {
  it.each([
    ["a silent address", "127.0.0.1:9", "no acknowledgement from 127.0.0.1:9"],
    ["a name that nobody has", "nobody", "nobody was not found within 200 ms"],
    ["a command that takes its time", "bob", "delivered, but no reply within 200 ms"],
  ])("bounds the waiting for %s", async (_, target, words) => {
    const server = world.spawn("bob", "serve", "--exec", "sleep 1000");
    await server.prints(/serving as bob/);
    for (const user of ["alice", "carol"]) {
      const whom =
        target === "bob"
          ? (await world.run("alice", "peers", "--format", "{address}:{port}")).stdout.trim()
          : target;
      const asked = await world.run(user, "ask", whom, "x", "--timeout", "200ms");
      expect(asked.stderr).toContain(words);
      expect(asked).toMatchObject({ code: 4, stdout: "" });
    }
    await end(server);
  });
});

describe("listen --exec", () => {
  it("runs a command for each message, in order, with the text as data alone", async () => {
    const listen = await listening("--exec", 'printf "%s wrote " "$UDPCHAT_FROM_NAME"; cat; echo');
    const texts = ["one", `$(touch ${file("never")})`, "'; touch x; '", "four"];
    for (const text of texts) await world.run("alice", "send", "bob", text);
    await listen.prints(/four\n/);
    expect(listen.stdout).toBe(texts.map((text) => `alice wrote ${text}\n`).join(""));
    expect(existsSync(file("never"))).toBe(false);
    await end(listen);
  });

  it("gives JSON to a command that wants it, and keeps our own lines apart", async () => {
    const listen = await listening("--json", "--stdin", "json", "--exec", "cat; exit 3");
    await world.run("alice", "send", "bob", "hello\u001b");
    await listen.prints(/the command ended with 3/);
    await eventually(
      () => listen.stdout.includes('"message"'),
      () => "our own line",
    );
    const [line = ""] = listen.stderr.split("\n").filter((text) => text.startsWith("{"));
    const message = v.parse(MessageLineSchema, JSON.parse(line));
    expect(message).toMatchObject({ text: "hello\u001b", from: { name: "alice" } });
    expect(listen.stderr).toContain(`udpchat: message ${message.id}: the command ended with 3\n`);
    const lines = parseLines(EventLineSchema, listen.stdout);
    expect(lines.find(({ type }) => type === "message")).toEqual(message);
    await end(listen);
  });

  it("runs no more at a time than it may, and loses none that wait", async () => {
    const exec = `read -r text; mkdir ${file("lock")} || echo two at once; sleep 0.02; rmdir ${file("lock")}; echo "$text"`;
    const listen = await listening("--exec", exec);
    const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`);
    await world.run("alice", "join", "#many", "--detach");
    await world.run("bob", "join", "#many", "--detach");
    const alice = world.spawn("alice", "join", "#many");
    await alice.prints(/you joined #many \(2 online\)|bob (joined|is online)/);
    alice.endInput(texts.join("\n"));
    await alice.ended();
    await listen.prints(/text 11\n/);
    expect(listen.stdout.trim().split("\n")).toEqual(texts);
    await end(listen);
  });

  it("ends quietly with the one who reads it", async () => {
    const listen = await listening("--exec", "cat");
    listen.closeStdout();
    await world.run("alice", "send", "bob", "x");
    expect(await listen.ended()).toBe(0);
  });
});

describe("--format", () => {
  it("prints messages as wanted, each on its line", async () => {
    const listen = await listening("--format", "{from.name}\\t{text}\\\\ \\{{group}\\}");
    await world.run("alice", "send", "bob", "two\nlines\u001b[2J");
    await listen.prints(/lines/);
    expect(listen.stdout).toBe("alice\ttwo␊lines␛[2J\\ {}\n");
    await end(listen);
  });

  it("prints peers, what was sent, and what is stored", async () => {
    const template = ["--format", "{name} {state}"];
    expect(await world.run("alice", "peers", ...template)).toMatchObject({
      code: 0,
      stdout: "bob online\n",
    });
    expect(await world.run("alice", "discover", "--timeout", "300ms", ...template)).toMatchObject({
      stdout: "bob online\n",
    });
    const sent = await world.run("alice", "send", "bob", "x", "--format", "{status} {to.name}");
    expect(sent).toEqual({ code: 0, stdout: "delivered bob\n", stderr: "" });
    const lost = ["send", "127.0.0.1:9", "x", "--timeout", "100ms", "--format", "{status}"];
    expect(await world.run("alice", ...lost)).toMatchObject({ code: 4, stdout: "undelivered\n" });
    const stored = [
      "history",
      "--peer",
      "bob",
      "--limit",
      "1",
      "--format",
      "{own} {to.name} {text}",
    ];
    expect((await world.run("alice", ...stored)).stdout).toBe("true bob x\n");
  });

  it("prints a chat", async () => {
    const alice = world.spawn("alice", "join", "#format", "--format", "{from.name}: {text}");
    await alice.prints(/anyone on this network/);
    const bob = world.spawn("bob", "join", "#format");
    await bob.prints(/\(2 online\)|alice (joined|is online)/);
    bob.type("hello\n");
    await alice.prints(/bob: hello\n/);
    expect(alice.stdout).toBe("bob: hello\n");
    for (const chat of [alice, bob]) {
      chat.endInput("");
      expect(await chat.ended()).toBe(0);
    }
  });
});

describe("send --wait-read", () => {
  /** A person at bob's is shown what is unread, as `listen` and `history` say it. */
  async function readAll(): Promise<void> {
    const api = connectApi(pathsOf(world.home("bob")).socket);
    const { stdout } = await world.run("bob", "history", "--json", "--peer", "alice");
    const unread = parseLines(HistoryLineSchema, stdout).filter(({ state }) => state === "unread");
    await api.call("read", { ids: unread.map(({ id }) => id) });
    await api.close();
  }

  it("waits until it was read, also where it was read before", async () => {
    const send = ["send", "bob", "are you there?", "--wait-read", "--timeout", "20s", "--id", "r1"];
    const sending = world.spawn("alice", ...send);
    await sending.prints(/delivered to bob/);
    expect(sending.stdout).not.toContain("has read");
    await readAll();
    expect(await sending.ended()).toBe(0);
    expect(sending.stdout).toMatch(/^delivered to bob .*\n\* bob has read message \w{8}\n$/);
    const again = await world.run("alice", ...send, "--json");
    expect(again).toMatchObject({ code: 0, stderr: "" });
    const statuses = parseLines(ProgressLineSchema, again.stdout).map(({ status }) => status);
    expect(statuses).toEqual(["delivered", "read"]);
  });

  it("works without a daemon", async () => {
    const { stdout } = await world.run("alice", "peers", "--format", "{address}:{port}");
    const sending = world.spawn(
      "dave",
      "send",
      stdout.trim(),
      "and you?",
      "--wait-read",
      "--timeout",
      "20s",
    );
    await sending.prints(/delivered to bob/);
    const api = connectApi(pathsOf(world.home("bob")).socket);
    const history = await api.call("history", { query: "and you?" });
    await api.call("read", { ids: history.map(({ id }) => id) });
    await api.close();
    expect(await sending.ended()).toBe(0);
  });

  it("ends with 4 if nobody read it in time, and says that it is delivered", async () => {
    const send = ["send", "bob", "hello?", "--wait-read", "--timeout", "1s", "--json"];
    const { code, stdout, stderr } = await world.run("alice", ...send);
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^udpchat: the message to bob \(.*\) is delivered, but nobody read it within 1 s: /,
    );
    const [delivery = "", error = ""] = stdout.trim().split("\n");
    expect(v.parse(ProgressLineSchema, JSON.parse(delivery)).status).toBe("delivered");
    expect(v.parse(ErrorLineSchema, JSON.parse(error)).code).toBe("TIMEOUT");
  });

  it("ends with 4 if it was not even delivered", async () => {
    const send = ["send", "127.0.0.1:9", "x", "--wait-read", "--timeout", "200ms"];
    const { code, stderr } = await world.run("alice", ...send);
    expect(code).toBe(4);
    expect(stderr).toContain("not delivered to 127.0.0.1:9 within 200 ms");
  });
});

describe("hooks", () => {
  it("run for messages, with their texts as data alone", async () => {
    const text = `"; touch ${file("never")}; "`;
    await world.run("alice", "send", "bob", text);
    await eventually(
      () => read("heard").includes(`alice|direct|${text}|$(touch never)\n`),
      () => `the hook to run: ${read("heard")}`,
    );
    expect(existsSync(file("never"))).toBe(false);
  });

  it("run for presence; one that fails is a line in the log", async () => {
    await world.run("carol", "start");
    await eventually(
      () => read("seen").includes("carol online\n"),
      () => `the hook to run: ${read("seen")}`,
    );
    await world.run("carol", "stop");
    await eventually(
      () => read("seen").includes("carol offline\n"),
      () => `the hook to run: ${read("seen")}`,
    );
    const { logFile } = pathsOf(world.home("bob"));
    const failure = '"hook":"presence","program":"sh","reason":"the command ended with 7"';
    const logged = (): string => readFileSync(logFile, "utf8");
    await eventually(
      () => logged().includes(failure),
      () => failure,
    );
    // Facts alone: neither what was said nor who said it.
    expect(logged()).not.toContain("alice");
  });
});
