/** Who does the work: the daemon of this home if one runs, or else this process. */
import { connectApi, daemonAnswers } from "../api/client.js";
import type { HistoryApi } from "../api/historyService.js";
import type { StatusLine } from "../api/lines.js";
import type { Api } from "../api/operations.js";
import { UdpchatError } from "../errors.js";
import type { MessengerOptions, Warning } from "../messenger/types.js";
import { sanitiseName, shellWord } from "../sanitise.js";
import type { CommandContext } from "./context.js";
import { absentInterface } from "./interfaces.js";
import { flagOf, readFlags, type Settings } from "./settings.js";

/** Of a messenger of our own. */
export interface OwnMessenger {
  /** It takes messages of others: false for commands that would show none of them. */
  readonly receives: boolean;
  /** What it sends and receives is kept in the history. Default false: it touches no messages. */
  readonly keeps?: boolean;
  /** The command tells of warnings itself. */
  readonly showsWarnings?: boolean;
}

/**
 * Calls `use` with the daemon's API, or with a messenger of our own that lasts until `use` ends
 * and does not announce itself.
 */
export async function withApi<T>(
  context: CommandContext,
  own: OwnMessenger,
  use: (api: Api, by: "daemon" | "ourselves") => Promise<T>,
): Promise<T> {
  if (await daemonAnswers(context.paths.socket)) {
    return await useDaemon(context, (api) => use(api, "daemon"));
  }
  const api = await openOwn(context, own);
  try {
    return await use(api, "ourselves");
  } finally {
    await api.close();
  }
}

/** Calls `use` with what tells stored messages: the daemon, or else the disk without any network. */
export async function withHistory<T>(
  context: CommandContext,
  use: (history: HistoryApi) => Promise<T>,
): Promise<T> {
  if (await daemonAnswers(context.paths.socket)) {
    return await useDaemon(context, use);
  }
  const [{ HistoryDesk }, { HistoryService }] = await Promise.all([
    import("../messenger/historyDesk.js"),
    import("../api/historyService.js"),
  ]);
  const { home, settings } = context;
  const desk = await HistoryDesk.open({
    ...(home === undefined ? {} : { home }),
    ...(settings.discoveryPort === undefined ? {} : { discoveryPort: settings.discoveryPort }),
    ...(settings.readReceipts === undefined ? {} : { readReceipts: settings.readReceipts }),
  });
  await remarkDamage(desk.openingWarnings, context);
  try {
    return await use(new HistoryService(desk));
  } finally {
    await desk.close();
  }
}

/** What to do where no daemon runs. */
export interface WithoutDaemon {
  readonly remedy: string;
}

/**
 * Calls `use` with the daemon's API.
 * @throws UdpchatError DAEMON_NOT_RUNNING
 */
export async function withDaemon<T>(
  context: CommandContext,
  use: (api: Api) => Promise<T>,
  { remedy }: WithoutDaemon = { remedy: startIt(context) },
): Promise<T> {
  const { home, socket } = context.paths;
  if (!(await daemonAnswers(socket))) {
    throw new UdpchatError("DAEMON_NOT_RUNNING", `no daemon runs in ${home}`, { remedy });
  }
  return await useDaemon(context, use);
}

async function useDaemon<T>(context: CommandContext, use: (api: Api) => Promise<T>): Promise<T> {
  const api = await connect(context);
  try {
    return await use(api);
  } catch (error) {
    // Ours is closed below: it was the daemon's that ended.
    if (!(error instanceof UdpchatError) || error.code !== "CLOSED") throw error;
    throw new UdpchatError("DAEMON_NOT_RUNNING", "the daemon was stopped", {
      cause: error,
      remedy: startIt(context),
    });
  } finally {
    await api.close();
  }
}

/** With `--home` if it was said here: the environment still says the same next time. */
function startIt({ args }: CommandContext): string {
  if (args.home === undefined) return "start it with `udpchat start`";
  return `start it with \`udpchat start --home ${shellWord(args.home)}\``;
}

/** What the messenger is told of the settings. */
export function messengerOptions({
  home,
  settings,
}: Pick<CommandContext, "home" | "settings">): MessengerOptions {
  const { name, port, discoveryPort, interface: interfaces, broadcast, peer } = settings;
  const { requireVerified, store, retention, readReceipts } = settings;
  return {
    ...(home === undefined ? {} : { home }),
    ...(name === undefined ? {} : { name }),
    ...(port === undefined ? {} : { port }),
    ...(discoveryPort === undefined ? {} : { discoveryPort }),
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(broadcast === undefined ? {} : { broadcasts: broadcast }),
    ...(peer === undefined ? {} : { peers: peer }),
    ...(requireVerified === undefined ? {} : { requireVerified }),
    ...(store === undefined ? {} : { store }),
    ...(retention === undefined ? {} : { retentionMs: retention }),
    ...(readReceipts === undefined ? {} : { readReceipts }),
  };
}

async function connect(context: CommandContext): Promise<Api> {
  const flags = readFlags(context.args);
  assertPresent(flags.interface);
  const api = connectApi(context.paths.socket);
  // These go with each call.
  const { timeout: _timeout, requireVerified: _requireVerified, ...ofTheMessenger } = flags;
  if (Object.keys(ofTheMessenger).length > 0) {
    const ignored = ignoredFlags(flags, await api.call("status", {}, { signal: context.signal }));
    if (ignored.length > 0) {
      await context.stderr.line(
        `udpchat: ${ignored.join(", ")} changes nothing: the daemon that runs in this home has ` +
          "its own settings",
      );
    }
  }
  return api;
}

/** Flags that ask for something else than what the daemon does. */
function ignoredFlags(flags: Settings, daemon: StatusLine): string[] {
  const interfaces = new Set(daemon.interfaces.map(({ name }) => name));
  const wanted = new Set(flags.interface);
  const differs: Readonly<Record<string, boolean>> = {
    name: flags.name !== undefined && flags.name !== daemon.name,
    port: flags.port !== undefined && flags.port !== daemon.port && flags.port !== 0,
    discoveryPort:
      flags.discoveryPort !== undefined && flags.discoveryPort !== daemon.discoveryPort,
    interface: flags.interface !== undefined && !sameItems(wanted, interfaces),
    // The daemon does not tell these.
    broadcast: flags.broadcast !== undefined,
    peer: flags.peer !== undefined,
    store: flags.store !== undefined,
    retention: flags.retention !== undefined,
    readReceipts: flags.readReceipts !== undefined,
  };
  return Object.keys(differs)
    .filter((key) => differs[key])
    .map(flagOf);
}

/** @throws UdpchatError INVALID_ARGUMENT if one of these interfaces is not there */
function assertPresent(interfaces: readonly string[] | undefined): void {
  const error = absentInterface(interfaces);
  if (error !== undefined) throw error;
}

function sameItems(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}

async function openOwn(
  context: CommandContext,
  { receives, keeps = false, showsWarnings = false }: OwnMessenger,
): Promise<Api> {
  assertPresent(context.settings.interface);
  const [{ Messenger }, { Service }] = await Promise.all([
    import("../messenger/messenger.js"),
    import("../api/service.js"),
  ]);
  const messenger = await Messenger.open({
    ...messengerOptions(context),
    announce: false,
    receives,
    ...(keeps ? {} : { store: "none" }),
  });
  if (!showsWarnings) await remarkDamage(messenger.openingWarnings, context);
  return new Service(messenger);
}

/** What concerns whoever runs any command. */
const OF_FILES: ReadonlySet<string> = new Set(["TRUST_DAMAGED", "STORE_DAMAGED", "STORE_FAILED"]);

async function remarkDamage(
  warnings: readonly Warning[],
  { stderr }: CommandContext,
): Promise<void> {
  for (const { code, message } of warnings) {
    if (OF_FILES.has(code)) await stderr.line(sanitiseName(`udpchat: ${message}`));
  }
}
