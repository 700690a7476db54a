import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectApi } from "../../src/api/client.js";
import type { Api } from "../../src/api/operations.js";
import { pathsOf } from "../../src/store/paths.js";
import type { CliResult } from "./cliInProcess.js";
import { BIN, killDaemon, RunningCommand } from "./cliWorld.js";
import { type NamespaceHost, NamespaceLan } from "./namespaceLan.js";

/** Hosts on a LAN of namespaces, each with a user who has the program and a home. */
export class LanUsers {
  readonly lan: NamespaceLan;
  /** Of their homes; removed at the end. */
  readonly folder = mkdtempSync(join(tmpdir(), "udpchat-lan-"));
  readonly #users: LanUser[] = [];

  constructor(hosts: number) {
    this.lan = NamespaceLan.create({ hosts });
  }

  /** A user named `name` on host `index`; several may share a host. `bin`: of the program. */
  user(index: number, name: string, bin = BIN): LanUser {
    const user = new LanUser(this.lan.host(index), join(this.folder, name), name, bin);
    this.#users.push(user);
    return user;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#users.map((user) => user.dispose()));
    this.lan.destroy();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class LanUser {
  readonly host: NamespaceHost;
  readonly home: string;
  readonly name: string;
  /** Of the commands that follow, beside their home and name. */
  readonly environment: Record<string, string> = {};
  readonly #bin: string;
  /** Bounded by the commands of a test, those that ended among them. */
  readonly #running: RunningCommand[] = [];

  constructor(host: NamespaceHost, home: string, name: string, bin: string) {
    this.#bin = bin;
    this.host = host;
    this.home = home;
    this.name = name;
  }

  /** The local API of this user's daemon: a Unix socket is reached from any namespace. */
  get api(): Api {
    return connectApi(pathsOf(this.home).socket);
  }

  /** A command of this user, left running. */
  spawn(...argv: string[]): RunningCommand {
    const env = { UDPCHAT_HOME: this.home, UDPCHAT_NAME: this.name, ...this.environment };
    const inNamespace = [
      "netns",
      "exec",
      this.host.namespace,
      process.execPath,
      this.#bin,
      ...argv,
    ];
    const command = new RunningCommand(inNamespace, env, "ip");
    this.#running.push(command);
    return command;
  }

  /** A command run to its end, with this on its standard input. */
  async run(argv: readonly string[], input = ""): Promise<CliResult> {
    const command = this.spawn(...argv);
    command.endInput(input);
    return { code: await command.ended(), stdout: command.stdout, stderr: command.stderr };
  }

  async dispose(): Promise<void> {
    for (const command of this.#running) command.kill("SIGKILL");
    killDaemon(this.home);
    await Promise.all(this.#running.map((command) => command.ended()));
  }
}
