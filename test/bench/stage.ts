import { connectApi } from "../../src/api/client.js";
import type { Api } from "../../src/api/operations.js";
import { pathsOf } from "../../src/store/paths.js";
import type { CliResult } from "../support/cliInProcess.js";
import { CliWorld, RunningCommand } from "../support/cliWorld.js";
import { LanUsers } from "../support/lanUsers.js";
import { namespacesAvailable } from "../support/namespaceLan.js";

/** Somebody who has the program and a home. */
export interface BenchUser {
  readonly name: string;
  readonly api: Api;
  spawn(...argv: string[]): RunningCommand;
  run(argv: readonly string[]): Promise<CliResult>;
}

/** Three users on a network: what everything is measured on. */
export interface Stage {
  readonly alice: BenchUser;
  readonly bob: BenchUser;
  readonly carol: BenchUser;
  /** Hosts of their own; undefined if all share the loopback interface. */
  readonly hosts: LanUsers | undefined;
  /** In words, with what it can't do. */
  readonly network: string;
  /** `node -e 0` where alice's commands run. */
  bareNode(): RunningCommand;
  dispose(): Promise<void>;
}

/** Hosts in namespaces where there can be some, else (or if wanted) the loopback interface. */
export function openStage(loopbackWanted: boolean): Stage {
  const available = namespacesAvailable();
  if (available.ok && !loopbackWanted) return namespaceStage();
  return loopbackStage(available.ok ? "asked for" : available.reason);
}

function namespaceStage(): Stage {
  const hosts = new LanUsers(3);
  const namespace = hosts.lan.host(0).namespace;
  return {
    alice: hosts.user(0, "alice"),
    bob: hosts.user(1, "bob"),
    carol: hosts.user(2, "carol"),
    hosts,
    network: "three network namespaces on a bridge, without a default route",
    bareNode: () =>
      new RunningCommand(["netns", "exec", namespace, process.execPath, "-e", "0"], {}, "ip"),
    dispose: () => hosts.dispose(),
  };
}

function loopbackStage(reason: string): Stage {
  const world = new CliWorld();
  const user = (name: string): BenchUser => ({
    name,
    api: connectApi(pathsOf(world.home(name)).socket),
    spawn: (...argv) => world.spawn(name, ...argv),
    run: (argv) => world.run(name, ...argv),
  });
  return {
    alice: user("alice"),
    bob: user("bob"),
    carol: user("carol"),
    hosts: undefined,
    network: `ONE HOST, LOOPBACK INTERFACE ONLY (${reason}): not what a network does`,
    bareNode: () => new RunningCommand(["-e", "0"], {}),
    dispose: () => world.dispose(),
  };
}

/** Starts a user's daemon. */
export async function startDaemon(user: BenchUser): Promise<void> {
  const { code, stderr } = await user.run(["start"]);
  if (code !== 0) throw new Error(`${user.name}'s daemon did not start: ${stderr}`);
}

/** The `host:port` of a user whose daemon runs, as alice writes it. */
export async function targetOf(user: BenchUser): Promise<string> {
  const { interfaces, port } = await user.api.call("status", {});
  const own = interfaces.find(({ loopback }) => !loopback) ?? interfaces[0];
  if (own === undefined) throw new Error(`${user.name} has no interface`);
  return `${own.address}:${port}`;
}
