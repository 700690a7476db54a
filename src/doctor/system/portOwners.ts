import { readdir, readFile, readlink } from "node:fs/promises";
import type { RunCommand } from "./command.js";

/** A process that holds a UDP port. */
export interface PortOwner {
  /** Null where another user's processes can't be seen. */
  readonly pid: number | null;
  /** The program, as the system calls it, unsanitised; `user 1000` where only that is known. */
  readonly program: string;
}

/** Who holds a UDP port; none where nobody does or this user may not know. */
export async function portOwners(
  port: number,
  platform: NodeJS.Platform,
  run: RunCommand,
): Promise<PortOwner[]> {
  switch (platform) {
    case "linux":
      return await linuxOwners(port);
    case "win32":
      return parseOwnersWindows(await outputOf(run, "powershell", windowsArgs(port)));
    default:
      return parseLsof(await outputOf(run, "lsof", ["-nP", `-iUDP:${port}`, "-Fpc"]));
  }
}

async function outputOf(run: RunCommand, file: string, args: readonly string[]): Promise<string> {
  const outcome = await run(file, args);
  return outcome.ok ? outcome.output : "";
}

/** A socket of /proc/net/udp: proc(5). */
export interface UdpSocketRow {
  readonly port: number;
  readonly inode: string;
  readonly uid: number;
}

/** Wildcard, or an IPv4 address that is mapped: the sockets of udp6 that keep ports of IPv4. */
const LOCAL_ADDRESS = /^(?:[0-9A-F]{8}|0{32}|0{16}(?:F{4}0{4}|0{4}F{4})[0-9A-F]{8}):([0-9A-F]{4})$/;

/**
 * Rows of /proc/net/udp, and those of /proc/net/udp6 that may be in the way of IPv4; ports are
 * hexadecimal there, addresses words in the order of this machine's bytes.
 */
export function parseProcNetUdp(text: string): UdpSocketRow[] {
  return text.split("\n").flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const [, port = ""] = LOCAL_ADDRESS.exec(columns[1] ?? "") ?? [];
    const inode = columns[9] ?? "";
    if (port === "" || !/^\d+$/.test(inode)) return [];
    return [{ port: Number.parseInt(port, 16), inode, uid: Number(columns[7]) }];
  });
}

async function linuxOwners(port: number): Promise<PortOwner[]> {
  const files = ["/proc/self/net/udp", "/proc/self/net/udp6"];
  const tables = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  const rows = tables.flatMap(parseProcNetUdp).filter((row) => row.port === port);
  const inodes = new Set(rows.map(({ inode }) => inode));
  if (inodes.size === 0) return [];
  const owners: PortOwner[] = [];
  for (const name of await readdir("/proc")) {
    if (/^\d+$/.test(name) && (await holdsAny(name, inodes))) {
      owners.push({ pid: Number(name), program: await programOf(name) });
    }
  }
  if (owners.length > 0) return owners;
  return rows.map(({ uid }) => ({ pid: null, program: `a process of user ${uid}` }));
}

/** False for processes that we may not look into. */
async function holdsAny(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`${folder}/${descriptor}`).catch(() => "");
    const [, inode = ""] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inodes.has(inode)) return true;
  }
  return false;
}

async function programOf(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const words = line.split("\0").filter((word) => word !== "");
  // `node /usr/bin/udpchat daemon` says more than `node`.
  return words.slice(0, 3).join(" ").slice(0, 120);
}

/** Of `lsof -Fpc`: a line `p<pid>`, then one `c<command>` (lsof(8), OUTPUT FOR OTHER PROGRAMS). */
export function parseLsof(output: string): PortOwner[] {
  const owners: PortOwner[] = [];
  let pid: number | null = null;
  for (const line of output.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1));
    else if (line.startsWith("c")) owners.push({ pid, program: line.slice(1) });
  }
  return owners;
}

function windowsArgs(port: number): string[] {
  const script =
    `Get-NetUDPEndpoint -LocalPort ${port} | ForEach-Object { ` +
    `"$($_.OwningProcess) $((Get-Process -Id $_.OwningProcess).ProcessName)" }`;
  return ["-NoProfile", "-NonInteractive", "-Command", script];
}

/** Lines `<pid> <name>` of our own script. */
export function parseOwnersWindows(output: string): PortOwner[] {
  return output.split("\n").flatMap((line) => {
    const [, pid, program] = /^(\d+) (.+?)\s*$/.exec(line) ?? [];
    return pid === undefined || program === undefined ? [] : [{ pid: Number(pid), program }];
  });
}
