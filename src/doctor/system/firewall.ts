import { readFile } from "node:fs/promises";
import * as v from "valibot";
import type { CommandOutcome, RunCommand } from "./command.js";
import { type NftRuleset, parseNftRuleset } from "./nftRuleset.js";

/** A firewall that manages rules of its own. */
export type FirewallManager = "ufw" | "firewalld" | "macos" | "windows";

/** What is known of the firewall of this host; only read, never changed. */
export interface FirewallFacts {
  /** The manager that is switched on. */
  readonly manager: FirewallManager | undefined;
  /** Ports that its rules let in, from somebody at least, if they could be read. */
  readonly letsIn: "everything" | "nothing" | readonly number[] | undefined;
  /** Of firewalld, where our interfaces are and which don't let everything in; unsanitised. */
  readonly zones: readonly string[];
  /** The rules of the kernel, on Linux, if they could be read. */
  readonly ruleset: NftRuleset | undefined;
  /** There are rules that this user may not read; the command that shows them. */
  readonly hidden: string | undefined;
}

const NONE: FirewallFacts = {
  manager: undefined,
  letsIn: undefined,
  zones: [],
  ruleset: undefined,
  hidden: undefined,
};

/**
 * @param program the one that others' datagrams are for, as the firewall of macOS and Windows knows it
 * @param interfaces names of those in use: firewalld has rules for each
 */
export async function readFirewall(
  platform: NodeJS.Platform,
  run: RunCommand,
  program: string,
  interfaces: readonly string[],
): Promise<FirewallFacts> {
  switch (platform) {
    case "linux":
      return await readLinux(run, interfaces);
    case "darwin":
      return await readMacos(run, program);
    case "win32":
      return await readWindows(run, program);
    default:
      return NONE;
  }
}

async function readLinux(run: RunCommand, interfaces: readonly string[]): Promise<FirewallFacts> {
  const [rules, ufw, firewalld] = await Promise.all([
    run("nft", ["-j", "list", "ruleset"]),
    readUfw(run),
    readFirewalld(run, interfaces),
  ]);
  const ruleset = rules.ok ? parseNftRuleset(rules.output) : undefined;
  const isDenied = !rules.ok && rules.why === "denied";
  const hidden = isDenied ? "sudo nft list ruleset" : undefined;
  return { ...NONE, ruleset, hidden, ...ufw, ...firewalld };
}

async function readUfw(run: RunCommand): Promise<Partial<FirewallFacts>> {
  const settings = await readFile("/etc/ufw/ufw.conf", "utf8").catch(() => "");
  if (!/^ENABLED=yes$/m.test(settings)) return {};
  const status = await run("ufw", ["status", "verbose"]);
  if (!status.ok) return { manager: "ufw", hidden: "sudo ufw status verbose" };
  const letsIn = parseUfwStatus(status.output);
  return letsIn === undefined ? {} : { manager: "ufw", letsIn };
}

/** A port or `Anywhere`, perhaps of one address or interface; what follows may be a comment. */
const UFW_RULE = /^(\S.*?)\s+(?:ALLOW|LIMIT)(?: IN)?\s+(?!OUT\b|FWD\b)(?!.*\(v6\))/gm;
const UFW_PORTS = /^(?:\S+ )?([\d,:]+)(?:\/udp)?$/;
const UFW_ANYWHERE = /^(?:Anywhere|\d+\.[\d.]+(?:\/\d+)?)(?:\/udp)?$/;

/**
 * What `ufw status verbose` lets in; undefined if it is off. A rule for part of the network, or for
 * one interface, counts as one for all: whether peers are there is not known, and so nothing is
 * claimed. Rules for an application name no ports.
 */
export function parseUfwStatus(output: string): FirewallFacts["letsIn"] {
  if (!/^Status: active$/m.test(output)) return undefined;
  if (/^Default: allow \(incoming\)/m.test(output)) return "everything";
  const targets = [...output.matchAll(UFW_RULE)].map(([, to = ""]) => to.replace(/ on \S+$/, ""));
  if (targets.some((to) => UFW_ANYWHERE.test(to))) return "everything";
  return targets.flatMap((to) => {
    const [, ports] = UFW_PORTS.exec(to) ?? [];
    return ports === undefined ? [] : portsOf(ports);
  });
}

async function readFirewalld(
  run: RunCommand,
  interfaces: readonly string[],
): Promise<Partial<FirewallFacts>> {
  const ask = (...args: string[]): Promise<CommandOutcome> => run("firewall-cmd", args);
  const state = await ask("--state");
  if (!state.ok || state.output.trim() !== "running") return {};
  const zones = new Set<string>();
  for (const name of interfaces) {
    const own = await ask(`--get-zone-of-interface=${name}`);
    // Interfaces without a zone of their own are in the default zone.
    const zone = own.ok ? own : await ask("--get-default-zone");
    if (!zone.ok) return HIDDEN_FIREWALLD;
    zones.add(zone.output.trim());
  }
  const closed: string[] = [];
  const lists: (readonly number[])[] = [];
  for (const zone of zones) {
    const list = await ask(`--zone=${zone}`, "--list-all");
    if (!list.ok) return HIDDEN_FIREWALLD;
    const letsIn = parseFirewalldZone(list.output);
    if (letsIn === "everything") continue;
    closed.push(zone);
    lists.push(letsIn);
  }
  const [first, ...others] = lists;
  // Open is what every zone lets in.
  const letsIn = first?.filter((port) => others.every((list) => list.includes(port)));
  return { manager: "firewalld", letsIn: letsIn ?? "everything", zones: closed };
}

const HIDDEN_FIREWALLD: Partial<FirewallFacts> = {
  manager: "firewalld",
  hidden: "sudo firewall-cmd --list-all-zones",
};

/** What `firewall-cmd --list-all` lets in: its target or its ports. */
export function parseFirewalldZone(output: string): "everything" | readonly number[] {
  if (/^\s*target: ACCEPT$/m.test(output)) return "everything";
  const [, ports = ""] = /^\s*ports: (.*)$/m.exec(output) ?? [];
  return ports
    .split(" ")
    .flatMap((port) => (port.endsWith("/udp") ? portsOf(port.slice(0, -4).replace("-", ":")) : []));
}

/** `22400,22401` or `22400:22410`. */
function portsOf(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split(":").map(Number);
    if (!(first >= 0 && last >= first && last <= 65_535)) return [];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

const SOCKETFILTERFW = "/usr/libexec/ApplicationFirewall/socketfilterfw";

async function readMacos(run: RunCommand, program: string): Promise<FirewallFacts> {
  const [state, blockAll, app] = await Promise.all([
    run(SOCKETFILTERFW, ["--getglobalstate"]),
    run(SOCKETFILTERFW, ["--getblockall"]),
    run(SOCKETFILTERFW, ["--getappblocked", program]),
  ]);
  const said = [state, blockAll, app].map((outcome) => (outcome.ok ? outcome.output : ""));
  const letsIn = parseSocketFilter(said);
  return letsIn === undefined ? NONE : { ...NONE, manager: "macos", letsIn };
}

/**
 * What macOS lets in, of what socketfilterfw says to `--getglobalstate`, `--getblockall` and
 * `--getappblocked`; undefined if its firewall is off.
 */
export function parseSocketFilter([
  state = "",
  blockAll = "",
  app = "",
]: readonly string[]): FirewallFacts["letsIn"] {
  if (!/Firewall is enabled/i.test(state)) return undefined;
  // "Firewall is set to block all non-essential incoming connections", formerly "Block all ENABLED!"
  if (/set to block all|Block all ENABLED|state set to enabled/i.test(blockAll)) return "nothing";
  // "Incoming connection to the application is blocked", or "… is permitted"
  return /is blocked/i.test(app) ? "nothing" : "everything";
}

async function readWindows(run: RunCommand, program: string): Promise<FirewallFacts> {
  const answer = await run("powershell", windowsArgs(program));
  if (!answer.ok) return NONE;
  const letsIn = parseWindowsFirewall(answer.output);
  return letsIn === undefined ? NONE : { ...NONE, manager: "windows", letsIn };
}

/**
 * The profiles in use, and the rules about our program: names and values are made text there, as
 * those of netsh are in the language of the system.
 */
function windowsArgs(program: string): string[] {
  const path = program.replaceAll("'", "''");
  const script =
    "$used = (Get-NetConnectionProfile).NetworkCategory | ForEach-Object " +
    "{ if (\"$_\" -eq 'DomainAuthenticated') { 'Domain' } else { \"$_\" } }; " +
    "$profiles = @(Get-NetFirewallProfile | Where-Object { $used -contains $_.Name } | ForEach-Object " +
    '{ @{ enabled = "$($_.Enabled)"; inbound = "$($_.DefaultInboundAction)" } }); ' +
    `$rules = @(Get-NetFirewallApplicationFilter -Program '${path}' -ErrorAction SilentlyContinue | ` +
    "Get-NetFirewallRule | Where-Object { \"$($_.Direction)\" -eq 'Inbound' } | ForEach-Object " +
    '{ @{ enabled = "$($_.Enabled)"; action = "$($_.Action)" } }); ' +
    "ConvertTo-Json -Depth 3 -Compress @{ profiles = $profiles; rules = $rules }";
  return ["-NoProfile", "-NonInteractive", "-Command", script];
}

const windowsShape = v.object({
  profiles: v.array(v.object({ enabled: v.string(), inbound: v.string() })),
  rules: v.array(v.object({ enabled: v.string(), action: v.string() })),
});

/** What Windows lets in for our program, of our own script; undefined: no profile in use is on. */
export function parseWindowsFirewall(output: string): FirewallFacts["letsIn"] {
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(windowsShape, json);
  if (!parsed.success) return undefined;
  const { profiles, rules } = parsed.output;
  const on = profiles.filter(({ enabled }) => enabled === "True");
  if (on.length === 0) return undefined;
  const actions = rules.filter(({ enabled }) => enabled === "True").map(({ action }) => action);
  // A rule that blocks goes before all that allow: whoever said no to the question has one.
  if (actions.includes("Block")) return "nothing";
  const isOpen = on.every(({ inbound }) => inbound === "Allow");
  return isOpen || actions.includes("Allow") ? "everything" : "nothing";
}
