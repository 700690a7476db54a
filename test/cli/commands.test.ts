/** Commands in this process: what they say about themselves and about wrong command lines. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErrorLineSchema } from "../../src/api/lines.js";
import { COMMANDS } from "../../src/cli/commands/index.js";
import { runCli } from "../support/cliInProcess.js";

let home: string;
beforeAll(() => (home = mkdtempSync(join(tmpdir(), "udpchat-commands-"))));
afterAll(() => rmSync(home, { recursive: true }));

const LOOPBACK = { UDPCHAT_INTERFACE: "lo", UDPCHAT_PORT: "0", UDPCHAT_DISCOVERY_PORT: "22499" };
const run = (...argv: string[]) => runCli(argv, { env: { ...LOOPBACK, UDPCHAT_HOME: home } });

describe("help", () => {
  it("lists the commands", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchSnapshot();
  });

  it.each(COMMANDS.map(({ name }) => name))("explains %s", async (name) => {
    const { code, stdout } = await run(name, "--help");
    expect(code).toBe(0);
    // The options of every command are in the snapshot above.
    expect(stdout.replace(/\n*Everywhere:[\s\S]*?(?=\n\n[A-Z])/, "")).toMatchSnapshot();
  });

  it("explains a command in other words", async () => {
    expect(await run("help", "send")).toEqual(await run("send", "--help"));
    expect(await run("help", "send", "--verbose")).toEqual(await run("send", "--help"));
    for (const words of [["help"], ["help", "help"], ["help", "--json"], ["-h"]]) {
      expect(await run(...words)).toEqual(await run("--help"));
    }
  });

  it("says to who types the name alone what a newcomer needs", async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatchSnapshot();
  });

  it("prints the version", async () => {
    expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("a wrong command line", () => {
  it.each([
    [["discovr"], "there is no command discovr: did you mean discover?"],
    [["send", "bob", "hi", "--jsno"], "there is no option --jsno: did you mean --json?"],
    [["join", "#ops", "--detatch"], "there is no option --detatch: did you mean --detach?"],
    [["send", "bob"], "udpchat: TEXT is missing: udpchat send TARGET TEXT"],
    [["send", "say"], "udpchat: TEXT is missing: udpchat send TARGET TEXT"],
    [["send", "bob", "-x"], "there is no option -x: put a text that begins with a dash behind --"],
    [["status", "--nope"], "there is no option --nope: see udpchat status --help"],
    [["join"], "udpchat: GROUP is missing: udpchat join GROUP"],
    [
      ["send", "bob", "--nope", "x"],
      "there is no option --nope: put a text that begins with a dash behind --",
    ],
    [["send", "", "x"], "TARGET is empty: use host:port, a name or the first characters of an id"],
    [["leave", ""], "GROUP is empty: use 224.0.1.100"],
    [["verify"], "udpchat: TARGET is missing: udpchat verify TARGET"],
    [["verify", "bob", "12345"], '"12345" is not a code: write all of its 25 digits'],
    [["block", "127.0.0.1:x"], '"x" is not a port'],
    [["unblock", ""], "TARGET is empty: use host:port, a name or the first characters of an id"],
    [["send", "bob", "x", "--require-verified=maybe"], "is neither on nor off"],
    [["id", "--json=maybe"], "--json=maybe is neither on nor off: use --json"],
    [["id", "--home", ""], "--home is empty: "],
    [["id", "--home", "a", "--home", "b"], "--home is given twice: give it once"],
    [["id", "--discovery-port", "0"], "port 0 is out of range: use 1 to 65535"],
    [["id", "--interface", "none9"], "there is no interface none9: this machine has "],
    [["discover", "--broadcast", "x"], '"x" is not an IPv4 address: write it as 10.0.0.255'],
    [["serve", "--exec", ""], "--exec is empty: "],
    [["send", "bob", "two", "words"], 'send takes fewer words: "words" is too much: put a text'],
    [["status", "now"], 'status takes fewer words: "now" is too much'],
    [["sned", "bob", "hi"], "there is no command sned: did you mean send?"],
    [["help", "sned"], "there is no command sned: did you mean send?"],
    [["--json=true"], "no command is given: see udpchat --help"],
    [["listen", "--port"], "--port needs a value"],
    [["listen", "--port", "x"], '--port: "x" is not a port: use 0 to 65535'],
    [["listen", "--port", "1", "--port", "2"], "--port is given twice: give it once"],
    [["listen", "--name", "a\u202eb"], "--name: "],
    [["send", "1.2.3.4", "x", "--timeout", "1w"], '--timeout: "1w" is not a duration'],
    [["send", "1.2.3.4", "x", "--wait", "1s"], "--wait goes with --plain alone"],
    [["send", "--plain", "1.2.3.4", "x", "--wait", "soon"], '"soon" is not a duration'],
    [["send", "--plain", "bob", "x"], "is not host:port"],
    [["send", "1.2.3.4:70000", "x"], "port 70000 is out of range"],
    [["send", "bob", "x", "--ttl", "2d"], "--ttl goes with --queue alone"],
    [["send", "bob", "x", "--queue", "--ttl", "1w"], '"1w" is not a duration: write it as'],
    [["send", "bob", "x", "--queue", "--ttl", "0"], '--ttl: "0" is not possible: use 1ms to 365d'],
    [["send", "bob", "x", "--queue", "--ttl", "366d"], "is not possible: use 1ms to 365d"],
    [["send", "bob", "x", "--id", ""], "--id is not possible: use 1 to 64 printable"],
    [["send", "bob", "x", "--id", "ü"], "--id is not possible: use 1 to 64 printable"],
    [["send", "--plain", "1.2.3.4", "x", "--id", "1"], "--id does not go with --plain"],
    [["send", "--plain", "1.2.3.4", "x", "--queue"], "--queue does not go with --plain"],
    [["histroy"], "there is no command histroy: did you mean history?"],
    [["history", "two", "words"], 'history takes fewer words: "words" is too much'],
    [["history", "--limit", "0"], '--limit: "0" is not possible: use 1 to 10000'],
    [["history", "--limit", "ten"], '--limit: "ten" is not possible: use 1 to 10000'],
    [["history", "--since", "yesterday"], '"yesterday" is neither a duration nor a date'],
    [["export", "--since", "2026-02-30"], '"2026-02-30" is neither a duration nor a date'],
    [["history", "--peer", "a", "--peer", "b"], "--peer is given twice: give it once"],
    [["outbox", "drp", "x"], "there is no outbox drp: did you mean drop?"],
    [["outbox", "drop"], "udpchat: ID is missing: udpchat outbox drop ID"],
    [["outbox", "drop", "ffff"], "no queued message has the id ffff: "],
    [["listen", "--store", "dsk"], '--store: "dsk" is not possible: did you mean disk?'],
    [["listen", "--retention", "90"], "messages are kept for at least 1h"],
    [["join", "10.0.0.1"], "multicast"],
    [["say", "#two words", "x"], "white space"],
    [["serve"], "--exec is missing: udpchat serve --exec 'uptime'"],
    [
      ["serve", "--exec", "x", "--concurrency", "0"],
      '--concurrency: "0" is not possible: use 1 to',
    ],
    [["serve", "--exec", "x", "--concurrency", "1e3"], '"1e3" is not possible: use 1 to 256'],
    [["serve", "--exec", "x", "--time-limit", "0"], '--time-limit: "0" is not possible: use 1ms'],
    [["serve", "--exec", "x", "--time-limit", "1w"], '"1w" is not a duration: write it as'],
    [["listen", "--exec", " "], "--exec is empty: udpchat listen --exec"],
    [["listen", "--stdin", "json"], "--stdin goes with --exec alone: udpchat listen --exec"],
    [["listen", "--concurrency", "2"], "--concurrency goes with --exec alone: "],
    [["listen", "--time-limit", "2s"], "--time-limit goes with --exec alone: "],
    [["listen", "--exec", "x", "--stdin", "xml"], '--stdin: "xml" is not possible: use text or'],
    [["listen", "--exec", "x", "--format", "{id}"], "--format does not go with --exec: print"],
    [
      ["listen", "--format", "{from.nam}"],
      "there is no field {from.nam}: did you mean {from.name}?",
    ],
    [["join", "#a", "--format", "{text"], "--format: a { stands alone: write \\{ for one"],
    [["peers", "--format", ""], "--format: it is empty: write it as"],
    [["discover", "--format"], "--format needs a value: see udpchat --help"],
    [["send", "bob", "x", "--format", "{statu}"], "no field {statu}: did you mean {status}?"],
    [["send", "1.2.3.4", "x", "--plain", "--wait-read"], "--wait-read does not go with --plain: "],
  ])("%j ends with 2", async (argv, words) => {
    const { code, stdout, stderr } = await run(...argv);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(/^udpchat: .*: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("is told to scripts on stdout as well", async () => {
    const { stdout, stderr, code } = await run("discovr", "--json");
    expect(code).toBe(2);
    expect(stderr).toContain("udpchat: ");
    const line = v.parse(ErrorLineSchema, JSON.parse(stdout));
    expect(line).toMatchObject({ code: "INVALID_ARGUMENT", remedy: "did you mean discover?" });
  });

  it("names a wrong key of the config file", async () => {
    const other = join(home, "other");
    mkdirSync(other);
    writeFileSync(join(other, "config.json"), '{"timeot":"1s"}');
    const { code, stderr } = await run("status", "--home", other);
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean timeout?");
  });

  it("refuses a setting that the config file has in both spellings", async () => {
    const twice = join(home, "twice");
    mkdirSync(twice);
    writeFileSync(join(twice, "config.json"), '{"discoveryPort":22401,"discovery-port":22402}');
    const { code, stderr } = await run("status", "--home", twice);
    expect(code).toBe(2);
    expect(stderr).toContain("is given twice");
  });

  it("shows cause and stack only with --verbose", async () => {
    expect((await run("listen", "--port", "x")).stderr.split("\n")).toHaveLength(2);
    expect((await run("listen", "--port", "x", "--verbose")).stderr).toContain("    at ");
  });
});

describe("without a daemon", () => {
  it.each([["status"], ["peers"], ["groups"], ["remove", "a", "#b"], ["join", "#b", "--detach"]])(
    "%s ends with 6",
    async (...argv) => {
      const { code, stderr } = await run(...argv);
      expect(stderr).toBe(`udpchat: no daemon runs in ${home}: start it with \`udpchat start\`\n`);
      expect(code).toBe(6);
    },
  );
});

describe("without a daemon, too", () => {
  it("the remedy has the --home that was said", async () => {
    const other = join(home, "nobody's");
    const { code, stderr } = await run("peers", "--home", other);
    const quoted = other.replace("'", "'\\''");
    expect(stderr).toContain(`start it with \`udpchat start --home '${quoted}'\`\n`);
    expect(code).toBe(6);
  });

  it("leave has nothing to leave", async () => {
    const { code, stderr } = await run("leave", "#ops");
    expect(stderr).toBe(
      "udpchat: no daemon runs, and no key of #ops is kept: start it with: udpchat start\n",
    );
    expect(code).toBe(6);
  });

  it("history, export and outbox read what is stored", async () => {
    expect(await run("history")).toEqual({
      code: 0,
      stdout: "",
      stderr: "nothing is stored yet\n",
    });
    expect(await run("history", "lunch")).toMatchObject({
      stdout: "",
      stderr: "nothing was found\n",
    });
    expect(await run("outbox")).toEqual({ code: 0, stdout: "", stderr: "nothing is queued\n" });
    for (const command of ["history", "export", "outbox"]) {
      expect(await run(command, "--json")).toEqual({ code: 0, stdout: "", stderr: "" });
    }
  });

  it("only a daemon queues in memory", async () => {
    const { code, stderr } = await run("send", "127.0.0.1:9", "x", "--queue", "--store", "memory");
    expect(stderr).toMatch(/^udpchat: only a daemon can queue with --store memory: start it /);
    expect(code).toBe(6);
  });

  it("stop has nothing to stop", async () => {
    const { code, stderr } = await run("stop");
    expect(stderr).toBe(`udpchat: no daemon runs in ${home}: there is nothing to stop\n`);
    expect(code).toBe(6);
  });
});

describe("a text on standard input", () => {
  const send = (input: string | Uint8Array) =>
    runCli(["send", "127.0.0.1:9", "-", "--timeout", "1ms"], {
      env: { ...LOOPBACK, UDPCHAT_HOME: home },
      input,
    });

  it("holds at most 65,536 bytes", async () => {
    const { code, stderr } = await send("x".repeat(65_537));
    expect(stderr).toContain("more than 65536 bytes: at most 65536 fit");
    expect(code).toBe(2);
    expect((await send("x".repeat(65_536))).code).toBe(4);
  });

  it("is UTF-8", async () => {
    const { code, stderr } = await send(Uint8Array.of(0x68, 0xff));
    expect(stderr).toContain("not UTF-8");
    expect(code).toBe(2);
  });
});

describe("an interruption", () => {
  it("ends a command with 130, and the second one at once", async () => {
    const forced: number[] = [];
    const { code } = await runCli(["listen"], {
      env: { ...LOOPBACK, UDPCHAT_HOME: home },
      forceExit: (exitCode) => forced.push(exitCode),
      onStart: (raise) => {
        setImmediate(() => {
          raise();
          expect(forced).toEqual([]);
          raise();
        });
      },
    });
    expect(code).toBe(130);
    expect(forced).toEqual([130]);
  });
});
