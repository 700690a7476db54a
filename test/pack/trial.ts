import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type NamespaceHost, NamespaceLan, type RunResult } from "../support/namespaceLan.js";
import { localPrebuilds } from "./localPrebuilds.js";
import type { NodeRuntime } from "./nodeRuntime.js";
import { plainEnvironment, README, ROOT, shell } from "./root.js";

/** The first Node that has its own SQLite. */
const OWN_SQLITE = 22;

/**
 * Installs the package globally, in an empty folder, and uses it as the README says: its commands by
 * two users on two hosts, the library by a third one. Returns the folder of that one's project.
 */
export async function tryPackage(
  tarball: string,
  runtime: NodeRuntime,
  folder: string,
): Promise<string> {
  const prefix = join(folder, "global");
  mkdirSync(prefix, { recursive: true });
  const env = {
    ...plainEnvironment(),
    ...localPrebuilds(folder, runtime),
    npm_config_prefix: prefix,
    PATH: `${runtime.folder}:${join(prefix, "bin")}:${process.env["PATH"] ?? ""}`,
  };
  shell(`cp '${tarball}' .`, folder, env);
  const [global, local] =
    runtime.major < OWN_SQLITE
      ? [/^npm install --global udpchat/, "npm install"]
      : [/^npm install --global --ignore-scripts/, "npm install --ignore-scripts"];
  shell(readmeLine(global), folder, env);
  assert.ok(existsSync(join(prefix, "share/man/man1/udpchat.1")), "the manual page is there");

  const project = join(folder, "project");
  mkdirSync(project);
  shell(`${local} '../${basename(tarball)}'`, project, env);
  const [, greeter = ""] = /```js\n(.*?)```/s.exec(README) ?? [];
  writeFileSync(join(project, "greeter.mjs"), greeter);

  const lan = NamespaceLan.create({ hosts: 2 });
  try {
    const alice = new User("alice", lan.host(0), folder, env);
    const bob = new User("bob", lan.host(1), folder, env);
    await useCommands(alice, bob);
    await bob.run("udpchat stop");
    const { stdout } = await new User("greeter", lan.host(1), folder, env).run(
      `node '${join(project, "greeter.mjs")}'`,
    );
    assert.match(stdout, /^alice has it after [\d.]+ ms\n$/);
    await missNativeCode(alice, prefix);
    await alice.run("udpchat stop");
  } finally {
    lan.destroy();
  }
  return project;
}

/** What "First use" tells. */
async function useCommands(alice: User, bob: User): Promise<void> {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  assert.equal((await alice.run("udpchat --version")).stdout, `${version}\n`);
  for (const user of [alice, bob]) {
    assert.match((await user.run(readmeLine(/^udpchat start/))).stdout, /^running: pid \d+/);
  }
  assert.match((await alice.run(readmeLine(/^udpchat discover/))).stdout, /^bob\t/m);
  const sent = await alice.run(readmeLine(/^udpchat send bob/));
  assert.match(sent.stdout, /^delivered to bob \(10\.77\.0\.2:22400\)/);
  assert.match((await bob.run("udpchat history")).stdout, /\talice\t.*\tLunch at noon\?\n/);
  const joining = readmeLine(/^udpchat join/);
  await bob.run(`${joining} --detach`);
  await alice.run(joining, "good morning\n");
  await bob.eventually("udpchat history morning", /\talice\t.*\tgood morning\n/);
  assert.match((await bob.run("udpchat completion bash")).stdout, /^complete -F _udpchat/m);
}

/** Without the native code for this machine. */
async function missNativeCode(user: User, prefix: string): Promise<void> {
  const native = join(prefix, "lib/node_modules/udpchat/node_modules/sodium-native/prebuilds");
  assert.ok(existsSync(native), `${native} is where the native code lies`);
  rmSync(native, { recursive: true });
  const { code, stderr } = await user.tryRun("udpchat id --home elsewhere");
  assert.equal(code, 1);
  assert.match(stderr, /^udpchat: sodium-native cannot be loaded on [^\n]*: use [^\n]*\n$/);
}

/** The first command line of the README that is like this. */
function readmeLine(pattern: RegExp): string {
  const lines = README.matchAll(/^ {4,}(?:\$ )?(\S.*?)(?: {2,}#.*)?$/gm);
  const line = Array.from(lines, ([, text = ""]) => text).find((text) => pattern.test(text));
  assert.ok(line !== undefined, `the README has no line like ${pattern}`);
  return line;
}

/** Somebody with an account of his own. */
class User {
  readonly #host: NamespaceHost;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, host: NamespaceHost, folder: string, env: NodeJS.ProcessEnv) {
    this.#host = host;
    this.#home = join(folder, name);
    mkdirSync(this.#home);
    this.#env = { ...env, HOME: this.#home, UDPCHAT_NAME: name };
  }

  tryRun(line: string, input = ""): Promise<RunResult> {
    const options = { cwd: this.#home, env: this.#env, input };
    return this.#host.run("sh", ["-c", line], options);
  }

  async run(line: string, input = ""): Promise<RunResult> {
    const result = await this.tryRun(line, input);
    assert.equal(result.code, 0, `${line} ended with ${result.code}: ${result.stderr}`);
    return result;
  }

  /** Runs it again and again until it prints something like that. */
  async eventually(line: string, pattern: RegExp): Promise<void> {
    let printed = "";
    for (let tries = 0; tries < 50; tries += 1) {
      printed = (await this.run(line)).stdout;
      if (pattern.test(printed)) return;
    }
    assert.match(printed, pattern);
  }
}
