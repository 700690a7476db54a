/** A daemon whose disk is full: it goes on, says so, and stores everything when there is room. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { HistoryLineSchema, StatusLineSchema } from "../../src/api/lines.js";
import { BIN, buildBin, CliWorld, eventually, RunningCommand } from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";
import { ShellSession } from "../support/shellSession.js";
import { describeOnSmallDisk, OWN_MOUNTS } from "../support/smallDisk.js";

/** After a failed attempt the disk is tried again after 30 s. */
const RESTORED_MS = 50_000;

describeOnSmallDisk("a daemon on a small disk", () => {
  let world: CliWorld;
  let shell: Shell;
  beforeAll(() => buildBin());
  beforeEach(() => {
    world = new CliWorld();
    shell = new Shell(world);
  });
  afterEach(async () => {
    await shell.end();
    await world.dispose();
  });

  async function tellBob(port: number, text: string): Promise<void> {
    const sent = await world.run("alice", "send", `127.0.0.1:${port}`, text);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  }

  it("goes on when it is full, says so, and has lost nothing when there is room", async () => {
    await shell.run("udpchat start");
    const [status] = parseLines(StatusLineSchema, await shell.run("udpchat status --json"));
    const { pid = 0, port = 0 } = status ?? {};
    await tellBob(port, "before");
    const listened = join(world.folder, "listened");
    await shell.run(`udpchat listen --json > ${listened} & sleep 1`);
    await shell.run("dd if=/dev/zero of=$UDPCHAT_HOME/ballast bs=4k 2> /dev/null", 1);

    const texts = Array.from({ length: 5 }, (_, n) => `${n}`.repeat(30_000));
    for (const text of texts) await tellBob(port, text);
    await shell.run("udpchat send 127.0.0.1:9 later --queue --timeout 300ms");
    const codes = (): string[] =>
      [...readFileSync(listened, "utf8").matchAll(/"code":"(STORE_\w+)"/g)].map(
        ([, code = ""]) => code,
      );
    await eventually(
      () => codes().length > 0,
      () => "the warning",
    );
    expect(codes()).toEqual(["STORE_FAILED"]);
    await shell.run("udpchat status --json");
    const all = ["before", ...texts, "later"];
    const stored = async (): Promise<string[]> =>
      parseLines(HistoryLineSchema, await shell.run("udpchat history --json")).map(
        ({ text }) => text,
      );
    expect(await stored()).toEqual(all);

    await shell.run("rm $UDPCHAT_HOME/ballast");
    await eventually(
      () => codes().includes("STORE_RESTORED"),
      () => `the disk to be used again, after ${codes().join()}`,
      RESTORED_MS,
    );
    await shell.run(`kill -9 ${pid}`);
    await eventually(
      () => !isRunning(pid),
      () => "the end of the daemon",
    );
    expect(await stored()).toEqual(all);
    expect(await shell.run("udpchat outbox")).toContain("later");
  }, 90_000);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Of bob, whose home is on a disk of 2 MB that only it and its children see. */
class Shell {
  readonly #shell: ShellSession;

  constructor(world: CliWorld) {
    const home = world.home("bob");
    mkdirSync(home, { recursive: true });
    const env = {
      UDPCHAT_HOME: home,
      UDPCHAT_NAME: "bob",
      UDPCHAT_PORT: "0",
      UDPCHAT_DISCOVERY_PORT: String(world.discoveryPort),
      UDPCHAT_INTERFACE: "lo",
    };
    const shell = new RunningCommand([...OWN_MOUNTS, "sh"], env, "unshare");
    shell.type(`mount -t tmpfs -o size=2m,mode=700 udpchat ${home}\n`);
    shell.type(`udpchat() { ${process.execPath} ${BIN} "$@"; }\n`);
    this.#shell = new ShellSession(shell);
  }

  /** What the command prints on standard output. */
  async run(command: string, code = 0): Promise<string> {
    const result = await this.#shell.run(command);
    expect(result.code, result.stderr).toBe(code);
    return result.stdout;
  }

  /** The daemon as well. */
  async end(): Promise<void> {
    await this.#shell.end("kill -9 $(cat $UDPCHAT_HOME/*.pid) 2> /dev/null; kill $(jobs -p)");
  }
}
