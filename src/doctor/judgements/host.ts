/** What this host itself is like: interfaces, routes, ports, buffers, the daemon. */
import type { StatusLine } from "../../api/lines.js";
import type { LanInterface } from "../../net/lan.js";
import { sanitiseName, shellWord } from "../../sanitise.js";
import { type Finding, finding } from "../finding.js";
import type { RouteFacts } from "../probes/routes.js";
import { interfaceKind } from "../system/interfaceKinds.js";
import type { PortOwner } from "../system/portOwners.js";

/** `used`: the interfaces that udpchat uses. */
export function judgeInterfaces(
  used: readonly LanInterface[],
  platform: NodeJS.Platform,
): Finding[] {
  if (used.every(({ loopback }) => loopback)) return [noInterface(used)];
  return [...new Set(used.map(({ name }) => name))]
    .filter((name) => interfaceKind(name) !== "lan")
    .map((name) => {
      const isVpn = interfaceKind(name) === "vpn";
      return finding("VIRTUAL_INTERFACE", "note", {
        seen: `udpchat also announces itself on ${sanitiseName(name)}, ${isVpn ? "a VPN" : "a network inside this machine"}`,
        meaning: isVpn
          ? "everybody at the other end can see your name, and its path is slower than the LAN"
          : "that does no harm, but peers may be shown with an address of that network",
        remedy: "name the interfaces that it is to use, if you don't want that",
        command: startOn(
          used.find((entry) => isLan(entry)),
          platform,
        ),
        interface: name,
      });
    });
}

function noInterface(used: readonly LanInterface[]): Finding {
  const only = used.length === 0 ? "no network interface is up" : "only loopback is up or chosen";
  return finding("NO_INTERFACE", used.length === 0 ? "problem" : "note", {
    seen: only,
    meaning: "nobody but programs on this machine can be reached",
    remedy: "connect the cable or the Wi-Fi, or leave out --interface",
    interface: used[0]?.name ?? null,
  });
}

function isLan({ name, loopback }: LanInterface): boolean {
  return !loopback && interfaceKind(name) === "lan";
}

/** Null where the name is more than a shell there is certain to take as it stands. */
function startOn(entry: LanInterface | undefined, platform: NodeJS.Platform): string | null {
  if (entry === undefined) return null;
  const isWindows = platform === "win32";
  // PowerShell runs `;` as a POSIX shell does, but quotes otherwise; cmd.exe knows neither.
  if (isWindows && !/^[\w ()*.-]+$/.test(entry.name)) return null;
  const name = isWindows ? `"${entry.name}"` : shellWord(entry.name);
  return `udpchat stop; udpchat start --interface ${name}`;
}

/** `used`: the interfaces that udpchat uses. */
export function judgeRoutes(
  routes: RouteFacts,
  used: readonly LanInterface[],
  platform: NodeJS.Platform,
): Finding[] {
  const lan = used.find(isLan);
  const findings: Finding[] = routes.elsewhere
    .filter((detour) => used.some(({ address }) => address === detour.interface.address))
    .map((detour) => {
      const { name, address, netmask } = detour.interface;
      return finding("LAN_ROUTED_ELSEWHERE", "problem", {
        seen: `what is for the neighbours of ${address} on ${sanitiseName(name)} leaves through ${sanitiseName(detour.via)}`,
        meaning: "you see others, as broadcast names its interface, but messages to them go astray",
        remedy: `let the VPN leave the local network (${address}, netmask ${netmask}) alone: look for "allow LAN access" in its settings, or disconnect it`,
        interface: name,
      });
    });
  const { defaultInterface } = routes;
  if (
    defaultInterface !== undefined &&
    lan !== undefined &&
    interfaceKind(defaultInterface) === "vpn"
  ) {
    findings.push(
      finding("VPN_DEFAULT_ROUTE", "note", {
        seen: `the default route leads into a VPN, ${sanitiseName(defaultInterface)}`,
        meaning:
          "udpchat names its interfaces, so that the LAN works as long as the VPN lets it; many " +
          "have a setting that cuts it off",
        remedy: `if nobody is found, allow LAN access in the VPN, or use ${sanitiseName(lan.name)} alone`,
        command: startOn(lan, platform),
        interface: defaultInterface,
      }),
    );
  }
  return findings;
}

/** `owners`: of the discovery port, which no other program shares. */
export function judgeDiscoveryPort(port: number, owners: readonly PortOwner[]): Finding {
  return finding("DISCOVERY_PORT_TAKEN", "problem", {
    seen: `UDP port ${port}, where peers are found, is held by ${ownersText(owners)}, which shares it with nobody`,
    meaning: "nobody can be found, and udpchat does not start",
    remedy: "stop that program; or give everybody on this network another port",
    command: killCommand(owners) ?? `udpchat start --discovery-port ${port + 10_000}`,
  });
}

/** The wanted data port is held by another program. */
export function judgeDataPort(
  status: Pick<StatusLine, "port">,
  wanted: number,
  owners: readonly PortOwner[],
): Finding {
  return finding("DATA_PORT_TAKEN", "note", {
    seen: `UDP port ${wanted} is held by ${ownersText(owners)}: udpchat uses ${status.port} instead`,
    meaning: `who finds you is told the right port; who writes to this machine without a port reaches that program instead${
      isUdpchat(owners) ? ", another udpchat" : ""
    }`,
    remedy: isUdpchat(owners)
      ? "nothing, if that is another user; otherwise stop one of them"
      : `stop that program, or name the port: HOST:${status.port}`,
    command: isUdpchat(owners) ? null : killCommand(owners),
  });
}

function ownersText(owners: readonly PortOwner[]): string {
  if (owners.length === 0) return "a program that this user may not see";
  return owners
    .map(({ pid, program }) => (pid === null ? program : `${program} (pid ${pid})`))
    .map(sanitiseName)
    .join(" and ");
}

function isUdpchat(owners: readonly PortOwner[]): boolean {
  return owners.some(({ program }) => program.includes("udpchat"));
}

function killCommand(owners: readonly PortOwner[]): string | null {
  const pids = owners.flatMap(({ pid }) => pid ?? []);
  return pids.length === 0 ? null : `kill ${pids.join(" ")}`;
}

/** What every node asks for, `RECEIVE_BUFFER_BYTES` of the sockets. */
const WANTED_BUFFER_BYTES = 1024 * 1024;
/** Linux counts its own bookkeeping too, and reports double (socket(7), SO_RCVBUF). */
const LINUX_FACTOR = 2;

/** `grantedBytes`: what the kernel reports. */
export function judgeReceiveBuffer(grantedBytes: number, platform: NodeJS.Platform): Finding[] {
  const granted = platform === "linux" ? grantedBytes / LINUX_FACTOR : grantedBytes;
  if (granted >= WANTED_BUFFER_BYTES) return [];
  return [
    finding("RECEIVE_BUFFER_SMALL", "note", {
      seen: `the system grants a receive buffer of ${Math.round(granted / 1024)} KiB where ${WANTED_BUFFER_BYTES / 1024} KiB were asked for`,
      meaning:
        "datagrams that come in a burst may be lost, and are sent again: long messages and large groups are slower",
      remedy: "raise the limit now, and for good, then start udpchat again",
      command: bufferCommand(platform),
    }),
  ];
}

function bufferCommand(platform: NodeJS.Platform): string | null {
  switch (platform) {
    case "linux":
      return (
        `sudo sysctl -w net.core.rmem_max=${WANTED_BUFFER_BYTES} && ` +
        `echo net.core.rmem_max=${WANTED_BUFFER_BYTES} | sudo tee /etc/sysctl.d/60-udpchat.conf`
      );
    case "darwin":
      return `sudo sysctl -w kern.ipc.maxsockbuf=${8 * WANTED_BUFFER_BYTES}`;
    default:
      return null;
  }
}

/** No daemon runs in this home. */
export function judgeNoDaemon(): Finding {
  return finding("DAEMON_NOT_RUNNING", "note", {
    seen: "no daemon runs in this home",
    meaning: "others can't find you or write to you; what you do yourself works",
    remedy: "start it",
    command: "udpchat start",
  });
}

/** Somebody speaks a later version of the protocol alone. */
export function judgeNewerVersions(status: Pick<StatusLine, "newerVersions">): Finding[] {
  return status.newerVersions.map(({ address, version }) =>
    finding("NEWER_VERSION", "note", {
      seen: `a udpchat at ${sanitiseName(address)} speaks version ${version} of the protocol alone`,
      meaning: "this one can't see who is there",
      remedy: "update udpchat on this machine",
    }),
  );
}
