/** Command lines, environments and settings, run in this process against a daemon in memory. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiServer } from "../../src/api/server.js";
import { EXIT } from "../../src/cli/exitCodes.js";
import type { UdpchatError } from "../../src/errors.js";
import { pathsOf } from "../../src/store/paths.js";
import { type CliResult, runCli } from "../support/cliInProcess.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { ApiWorld } from "./apiWorld.js";
import {
  drawArguments,
  drawEnvironment,
  drawSettings,
  HOME_MARK,
  OWN_TARGETS,
} from "./cliArguments.js";
import { assertHarmless } from "./harmless.js";
import { fromHexDigits, hostileText, toHexDigits } from "./hostileDraws.js";
import { chance, mutate, pick } from "./mutate.js";
import { goOffline } from "./offline.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const cliTarget: FuzzTarget = {
  name: "cli",
  weight: 0.15,
  lifetimeInputs: 200,
  open: (random) => CliSubject.open(random),
};

/** Then somebody presses Ctrl-C. */
const PATIENCE_STEPS = 40;
const STEP_MS = 100;
const EXIT_CODES: ReadonlySet<number> = new Set(Object.values(EXIT));
/** They print text whatever `--json` says. */
const PRINTS_TEXT = ["help", "--help", "-h", "--version", "completion", "__complete"];

class CliSubject implements FuzzSubject {
  readonly #world: ApiWorld;
  #server: ApiServer | undefined;
  readonly #internalErrors: UdpchatError[] = [];
  readonly #goOnline: () => void;

  static async open(random: SeededRandom): Promise<CliSubject> {
    const goOnline = goOffline();
    const world = await ApiWorld.open(random);
    const { socketFolder } = pathsOf(join(world.folder, "daemon"));
    if (socketFolder !== undefined) mkdirSync(socketFolder, { recursive: true, mode: 0o700 });
    return new CliSubject(world, goOnline);
  }

  private constructor(world: ApiWorld, goOnline: () => void) {
    this.#world = world;
    this.#goOnline = goOnline;
    world.onStop = () => void this.#stop();
  }

  async #serve(): Promise<void> {
    this.#server ??= await ApiServer.listen({
      api: this.#world.service,
      socketPath: pathsOf(join(this.#world.folder, "daemon")).socket,
      incarnation: "0000aaaa",
      internalError: (error) => void this.#internalErrors.push(error),
    });
  }

  /** The messenger goes on: another daemon takes it. */
  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
  }

  draw(random: SeededRandom): FuzzInput {
    const settings = drawSettings(random);
    const typed = new TextEncoder().encode(`${hostileText(random)}\n${hostileText(random)}`);
    return {
      kind: "command",
      texts: drawArguments(random),
      hex: toHexDigits(chance(random, 0.2) ? mutate(random, typed) : typed),
      with: {
        home: pick(random, ["daemon", "daemon", "daemon", "alone", "new"]),
        environment: drawEnvironment(random).join("\0"),
        ...(settings === undefined ? {} : { settings: toHexDigits(settings) }),
      },
    };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const home = join(this.#world.folder, String(input.with?.["home"] ?? "daemon"));
    const argv = (input.texts ?? []).map((word) => word.replaceAll("\0", ""));
    const words = keptWithin(argv, home);
    if (words.some((word) => OWN_TARGETS.includes(word))) return "refused";
    const settings = input.with?.["settings"];
    const { configFile } = pathsOf(home);
    if (settings !== undefined) {
      mkdirSync(home, { recursive: true });
      writeFileSync(configFile, fromHexDigits(String(settings)));
    }
    try {
      const result = await this.#run(words, home, input);
      assertKept(result, words);
      return result.code === EXIT.done ? "accepted" : "refused";
    } finally {
      rmSync(configFile, { force: true });
      if (home.endsWith("new")) rmSync(home, { recursive: true, force: true });
      this.#assertNoInternalError(words.join(" "));
    }
  }

  /** Whatever it answered, the server did not have to admit a mistake. */
  #assertNoInternalError(asked: string): void {
    const [error] = this.#internalErrors.splice(0);
    if (error !== undefined) throw new Error(`${asked}: ${error.message}`, { cause: error });
  }

  async #run(words: readonly string[], home: string, input: FuzzInput): Promise<CliResult> {
    await this.#serve();
    let interrupt: () => void = () => undefined;
    const running = runCli(words, {
      env: { ...environmentOf(input), UDPCHAT_HOME: home },
      input: fromHexDigits(input.hex),
      onStart: (raise) => (interrupt = raise),
    });
    for (let step = 0; step < PATIENCE_STEPS; step += 1) {
      if (await this.#world.settles(running, STEP_MS)) return running;
      // What goes through the socket takes turns of the loop, and no time of the world.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    interrupt();
    return await this.#world.mustSettle(running, JSON.stringify(words));
  }

  async check(): Promise<void> {
    await this.#serve();
    const env = { UDPCHAT_HOME: join(this.#world.folder, "daemon") };
    const { code } = await this.#world.mustSettle(runCli(["status"], { env }), "status");
    if (code !== EXIT.done) throw new Error(`status ends with ${code}`);
  }

  async close(): Promise<void> {
    await this.#world.mustSettle(this.#stop(), "closing the server");
    await this.#world.close();
    this.#goOnline();
  }
}

function environmentOf(input: FuzzInput): Record<string, string> {
  const lines = String(input.with?.["environment"] ?? "").split("\0");
  const pairs = lines.filter((line) => line.includes("="));
  return Object.fromEntries(
    pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** Whatever `--home` says, it is a folder of this run. */
function keptWithin(argv: readonly string[], home: string): string[] {
  const within = (value: string): string => {
    if (value === "" || value.startsWith("-")) return value;
    if (value.startsWith(HOME_MARK)) return value.replace(HOME_MARK, home);
    return join(home, value.replaceAll(/[/\\.]/g, "_"));
  };
  return argv.map((word, index) => {
    if (argv[index - 1] === "--home") return within(word);
    if (word.startsWith("--home=")) return `--home=${within(word.slice("--home=".length))}`;
    return word.replaceAll(HOME_MARK, home);
  });
}

function assertKept({ code, stdout, stderr }: CliResult, words: readonly string[]): void {
  const fail = (what: string): never => {
    throw new Error(`${what}: ${JSON.stringify({ words, code, stdout, stderr }).slice(0, 3000)}`);
  };
  if (!EXIT_CODES.has(code)) fail("no exit code of the contract");
  if (stderr.includes("report it as a bug")) fail("an internal error");
  if (/answer that is not understood/.test(stderr)) fail("the daemon breaks its contract");
  if (/^ {4}at /m.test(stderr + stdout) && !words.some((word) => word.startsWith("--verbose"))) {
    fail("a stack");
  }
  if (code !== EXIT.done && code !== EXIT.interrupted && !/^udpchat: /m.test(stderr)) {
    fail("no sentence on standard error");
  }
  assertHarmless(stdout, "standard output");
  assertHarmless(stderr, "standard error");
  if (asksForJson(words)) assertJsonLines(stdout, fail);
}

/** Certainly: a switch that is given twice, or a value that looks like it, may mean either. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const options = end === -1 ? words : words.slice(0, end);
  const at = options.indexOf("--json");
  return (
    at !== -1 &&
    options[at + 1] !== "false" &&
    options.every((word, index) => !word.startsWith("--json") || index === at) &&
    !words.some((word) => PRINTS_TEXT.includes(word) || /^-[^-]*h|^--(?:help|version)/.test(word))
  );
}

function assertJsonLines(stdout: string, fail: (what: string) => never): void {
  const lines = stdout.split("\n");
  if (lines.pop() !== "") fail("the last line has no end");
  for (const line of lines) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      fail("a line that is no JSON");
    }
    if (typeof value !== "object" || value === null || !("type" in value))
      fail("a line without type");
  }
}
