import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";

/**
 * A LAN made of Linux network namespaces: hosts on one bridge, with real kernels' sockets, no
 * default route, and nothing of it visible to the machine's own network. Needs root, `ip`, `nft`.
 */

/** Namespaces are named udpchat-<pid of the test>-<number>-<role>. */
const NAME_PATTERN = /^udpchat-(\d+)-\d+-/;
const BRIDGE_NAME = "br0";
const COMMAND_TIMEOUT_MS = 30_000;

export type Availability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What {@link NamespaceLan.setLoss} loses. */
export type LossyProtocol = "udp" | "tcp";

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Standard input; empty if absent. */
  readonly input?: string;
  /** The command is killed after this. Default 30 s. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Undefined if it was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

let availability: Availability | undefined;
let namespaceCount = 0;

/** Whether this machine can have a {@link NamespaceLan}; tried once per process. */
export function namespacesAvailable(): Availability {
  availability ??= probeNamespaces();
  return availability;
}

function probeNamespaces(): Availability {
  if (process.platform !== "linux") return { ok: false, reason: "not Linux" };
  if (process.getuid?.() !== 0) return { ok: false, reason: "not root" };
  const namespace = newNamespaceName("probe");
  try {
    removeStaleNamespaces();
    execute("nft", ["--version"]);
    execute("ip", ["netns", "add", namespace]);
    execute("ip", ["netns", "exec", namespace, "true"]);
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message.trim() : String(error) };
  } finally {
    removeNamespace(namespace);
  }
}

export class NamespaceLan {
  readonly #hosts: NamespaceHost[] = [];
  readonly #bridge: string;
  readonly #subnet: string;
  readonly #onExit = (): void => this.destroy();
  #destroyed = false;

  /**
   * Makes a LAN with `hosts` hosts: addresses `<subnet>.1`, `.2`, ... of a /24, interface eth0.
   * It is destroyed with the process, if not before.
   */
  static create(options: { readonly hosts: number; readonly subnet?: string }): NamespaceLan {
    removeStaleNamespaces();
    const lan = new NamespaceLan(options.subnet ?? "10.77.0");
    for (let index = 0; index < options.hosts; index += 1) lan.addHost();
    return lan;
  }

  private constructor(subnet: string) {
    this.#subnet = subnet;
    this.#bridge = newNamespaceName("bridge");
    process.once("exit", this.#onExit);
    execute("ip", ["netns", "add", this.#bridge]);
    // Without snooping the bridge floods multicast, as a switch without a querier should.
    execute(
      "ip",
      ["-n", this.#bridge, "-batch", "-"],
      `link add ${BRIDGE_NAME} type bridge mcast_snooping 0 forward_delay 0\nlink set ${BRIDGE_NAME} up\n`,
    );
  }

  /** The namespace of the bridge, where all traffic passes, and its interface there. */
  get hub(): { readonly namespace: string; readonly interfaceName: string } {
    return { namespace: this.#bridge, interfaceName: BRIDGE_NAME };
  }

  get hosts(): readonly NamespaceHost[] {
    return this.#hosts;
  }

  /** One of the hosts, from 0. */
  host(index: number): NamespaceHost {
    const host = this.#hosts[index];
    if (host === undefined) throw new Error(`this LAN has no host ${index}`);
    return host;
  }

  /** One more host, at the next address; with `connected: false` it has only `lo`. */
  addHost(options: { readonly connected?: boolean } = {}): NamespaceHost {
    const number = this.#hosts.length + 1;
    const host = new NamespaceHost(this.#bridge, number, `${this.#subnet}.${number}`);
    this.#hosts.push(host);
    if (options.connected !== false) host.addInterface(host.interfaceName, `${host.address}/24`);
    return host;
  }

  /**
   * Every host drops this share, 0 to 100, of the packets of these protocols from others; 0 ends
   * it.
   */
  setLoss(percent: number, protocols?: readonly LossyProtocol[]): void {
    for (const host of this.#hosts) host.setLoss(percent, protocols);
  }

  /**
   * Every host knows the hardware addresses of all others for good. The kernel's table of those it
   * asked for is shared by all namespaces, and full with 1024: a LAN of more than 30 hosts wants it.
   */
  introduceAll(): void {
    const known = this.#hosts.map(({ address, hardwareAddress }) => ({ address, hardwareAddress }));
    for (const host of this.#hosts) host.introduce(known);
  }

  /**
   * Hosts (by index) hear only those of their own list; a host in no list hears nobody. An empty
   * argument heals the network.
   */
  partition(groups: readonly (readonly number[])[]): void {
    for (const [index, host] of this.#hosts.entries()) {
      const side = groups.find((group) => group.includes(index)) ?? [index];
      const cut = this.#hosts.filter((_, other) => !side.includes(other));
      host.block(groups.length === 0 ? [] : cut.map(({ address }) => address));
    }
  }

  /** The switch drops multicast between hosts, or forwards it again; broadcast passes. */
  dropMulticast(dropped: boolean): void {
    const isMulticast = "ether daddr & ff:ff:ff:00:00:00 == 01:00:5e:00:00:00";
    const ruleset = [
      "add table bridge udpchat",
      "delete table bridge udpchat",
      "add table bridge udpchat",
      "add chain bridge udpchat forward { type filter hook forward priority 0; }",
      ...(dropped ? [`add rule bridge udpchat forward ${isMulticast} drop`] : []),
    ];
    execute("ip", ["netns", "exec", this.#bridge, "nft", "-f", "-"], `${ruleset.join("\n")}\n`);
  }

  /** Kills what still runs in it and removes it; may be called again. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    process.off("exit", this.#onExit);
    for (const { namespace } of this.#hosts) removeNamespace(namespace);
    removeNamespace(this.#bridge);
  }
}

/** A host of a {@link NamespaceLan}: its own interfaces, routes, ports and packet filter. */
export class NamespaceHost {
  readonly namespace: string;
  /** On the LAN. {@link setAddress} does not change it. */
  readonly address: string;
  readonly interfaceName = "eth0";
  readonly #bridge: string;
  readonly #number: number;
  #lossPercent = 0;
  #lossyProtocols: readonly LossyProtocol[] = [];
  #blocked: readonly string[] = [];

  /** Made by {@link NamespaceLan.addHost}. */
  constructor(bridge: string, number: number, address: string) {
    this.#bridge = bridge;
    this.#number = number;
    this.address = address;
    this.namespace = newNamespaceName(`host${number}`);
    execute("ip", ["netns", "add", this.namespace]);
    this.#ip("link set lo up");
  }

  /** A further interface on the LAN, up; `cidr` as 10.77.0.9/24, or no address yet. */
  addInterface(name: string, cidr?: string): void {
    // Both ends are made inside namespaces: the machine never sees them. At most 15 characters.
    const port = `h${this.#number}${name}`.slice(0, 15);
    this.#ip(`link add ${name} type veth peer name ${port} netns ${this.#bridge}`);
    execute("ip", ["-n", this.#bridge, "link", "set", port, "master", BRIDGE_NAME, "up"]);
    this.#ip(`link set ${name} up`);
    if (cidr !== undefined) this.setAddress(cidr, name);
  }

  /** Of the interface on the LAN. */
  get hardwareAddress(): string {
    const link = execute("ip", ["-n", this.namespace, "link", "show", this.interfaceName]);
    const [, address] = /link\/ether (\S+)/.exec(link) ?? [];
    if (address === undefined) throw new Error(`${this.namespace} has no hardware address`);
    return address;
  }

  /** See {@link NamespaceLan.introduceAll}. */
  introduce(others: readonly { readonly address: string; readonly hardwareAddress: string }[]) {
    const lines = others
      .filter(({ address }) => address !== this.address)
      .map(({ address, hardwareAddress }) => {
        const where = `lladdr ${hardwareAddress} dev ${this.interfaceName}`;
        return `neigh replace ${address} ${where} nud permanent`;
      });
    this.#ip(...lines);
  }

  removeInterface(name = this.interfaceName): void {
    this.#ip(`link del ${name}`);
  }

  /** Replaces the addresses of an interface. */
  setAddress(cidr: string, name = this.interfaceName): void {
    this.#ip(`addr flush dev ${name}`, `addr add ${cidr} brd + dev ${name}`);
  }

  linkUp(name = this.interfaceName): void {
    this.#ip(`link set ${name} up`);
  }

  linkDown(name = this.interfaceName): void {
    this.#ip(`link set ${name} down`);
  }

  /** Drops this share of the packets of these protocols that arrive from other hosts. */
  setLoss(percent: number, protocols: readonly LossyProtocol[] = ["udp"]): void {
    this.#lossPercent = percent;
    this.#lossyProtocols = protocols;
    this.#applyFilter();
  }

  /** Drops everything that arrives from these addresses; replaces an earlier list. */
  block(addresses: readonly string[]): void {
    this.#blocked = addresses;
    this.#applyFilter();
  }

  /** Starts a command on this host, in a process group of its own. Ends with the LAN. */
  spawn(
    command: string,
    args: readonly string[] = [],
    options: Pick<RunOptions, "env" | "cwd"> = {},
  ): ChildProcessWithoutNullStreams {
    return spawn("ip", ["netns", "exec", this.namespace, command, ...args], {
      ...options,
      detached: true,
    });
  }

  /** Runs a command on this host to its end, or until its time is up. */
  async run(
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<RunResult> {
    const { input = "", timeoutMs = COMMAND_TIMEOUT_MS, ...spawnOptions } = options;
    const child = this.spawn(command, args, spawnOptions);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    // A command that ends without reading its input is not a failure of ours.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const timer = setTimeout(() => killProcessGroup(child), timeoutMs);
    try {
      const code = await new Promise<number | undefined>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (exitCode) => resolve(exitCode ?? undefined));
      });
      return { code, stdout, stderr };
    } finally {
      clearTimeout(timer);
      killProcessGroup(child);
    }
  }

  #ip(...commands: readonly string[]): void {
    execute("ip", ["-n", this.namespace, "-batch", "-"], `${commands.join("\n")}\n`);
  }

  #applyFilter(): void {
    const rules = [`iifname "lo" accept`];
    if (this.#blocked.length > 0) rules.push(`ip saddr { ${this.#blocked.join(", ")} } drop`);
    // nft refuses a comparison that is always true.
    const chance = this.#lossPercent < 100 ? `numgen random mod 100 < ${this.#lossPercent} ` : "";
    const protocols = `{ ${this.#lossyProtocols.join(", ")} }`;
    if (this.#lossPercent > 0) rules.push(`meta l4proto ${protocols} ${chance}drop`);
    const ruleset = [
      "add table inet udpchat",
      "delete table inet udpchat",
      "add table inet udpchat",
      "add chain inet udpchat input { type filter hook input priority 0; }",
      ...rules.map((rule) => `add rule inet udpchat input ${rule}`),
    ];
    execute("ip", ["netns", "exec", this.namespace, "nft", "-f", "-"], `${ruleset.join("\n")}\n`);
  }
}

/** Kills a process that {@link NamespaceHost.spawn} started, and its children. */
export function killProcessGroup(
  child: ChildProcessWithoutNullStreams,
  signal: NodeJS.Signals = "SIGKILL",
): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended already.
  }
}

function newNamespaceName(role: string): string {
  namespaceCount += 1;
  return `udpchat-${process.pid}-${namespaceCount}-${role}`;
}

function execute(command: string, args: readonly string[], input = ""): string {
  return execFileSync(command, args, {
    input,
    encoding: "utf8",
    timeout: COMMAND_TIMEOUT_MS,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** What a test that was killed left behind. */
function removeStaleNamespaces(): void {
  for (const line of execute("ip", ["netns", "list"]).split("\n")) {
    const name = line.split(" ", 1)[0] ?? "";
    const pid = Number(NAME_PATTERN.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) removeNamespace(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Kills what runs in a namespace and removes it; does nothing if there is none. */
function removeNamespace(name: string): void {
  try {
    for (const pid of execute("ip", ["netns", "pids", name]).split("\n")) {
      if (Number(pid) > 0) process.kill(Number(pid), "SIGKILL");
    }
  } catch {
    // No such namespace, or a process that ended meanwhile.
  }
  try {
    execute("ip", ["netns", "del", name]);
  } catch {
    // No such namespace, or another test run removed it first.
  }
}
