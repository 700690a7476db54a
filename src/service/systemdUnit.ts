import {
  DESCRIPTION,
  type ProgramWords,
  RESTART_PAUSE_S,
  type ServiceProgram,
  STOP_TIMEOUT_S,
} from "./program.js";

/**
 * A unit of the user's own systemd (systemd.service(5), systemd.exec(5)). It is ready when the
 * daemon says so, by `systemd-notify`: a process of its own, whose word must count as well.
 *
 * The hardening is what a user's manager can do without namespaces, which need privileges or are
 * switched off on many systems. Not MemoryDenyWriteExecute: V8 compiles at run time. Not an
 * allow-list of system calls: V8 uses some that @system-service lacks (pkey_alloc), and is killed, and
 * the next Node will use others. Exit codes 2 and 6 stay as they are however often it is started: wrong settings, and a daemon that runs already.
 */
export function systemdUnit(program: ServiceProgram): string {
  const { executable, args, reloadArgs, environment } = program;
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quoted(specifiersKept(`${name}=${value}`))}`,
  );
  const lines = [
    "# Written by `udpchat service install`; `udpchat service remove` takes it away.",
    "# Changes of your own: systemctl --user edit, which this file does not overwrite.",
    "[Unit]",
    `Description=${DESCRIPTION}`,
    "",
    "[Service]",
    "Type=notify",
    "NotifyAccess=all",
    `ExecStart=${commandLine([executable, ...args])}`,
    `ExecReload=${commandLine([executable, ...reloadArgs])}`,
    ...variables,
    "Restart=on-failure",
    `RestartSec=${RESTART_PAUSE_S}`,
    "RestartPreventExitStatus=2 6",
    "TimeoutStartSec=30",
    `TimeoutStopSec=${STOP_TIMEOUT_S}`,
    "UMask=0077",
    "NoNewPrivileges=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap",
    "SystemCallErrorNumber=EPERM",
    "",
    "[Install]",
    "WantedBy=default.target",
  ];
  return `${lines.join("\n")}\n`;
}

/** What a unit that we wrote starts; undefined for any other one. */
export function programOfUnit(unit: string): ProgramWords | undefined {
  const [, line] = /^ExecStart=(".*")$/m.exec(unit) ?? [];
  if (line === undefined) return undefined;
  const words = [...line.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, word = ""]) =>
    word.replaceAll(/\\(.)/g, "$1").replaceAll("%%", "%"),
  );
  return words.map((word, index) => (index === 0 ? word : word.replaceAll("$$", "$")));
}

/** Variables are replaced in all words but that of the executable, where `$$` would stay. */
function commandLine([executable = "", ...args]: readonly string[]): string {
  const words = [executable, ...args.map((arg) => arg.replaceAll("$", "$$$$"))];
  return words.map((word) => quoted(specifiersKept(word))).join(" ");
}

function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, "\\$&")}"`;
}

function specifiersKept(text: string): string {
  return text.replaceAll("%", "%%");
}
