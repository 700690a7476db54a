import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import process from "node:process";
import type { Logger } from "pino";
import type { StatusLine } from "../api/lines.js";
import { ApiServer } from "../api/server.js";
import { Service } from "../api/service.js";
import { Messenger } from "../messenger/messenger.js";
import type { MessengerApi, MessengerOptions } from "../messenger/types.js";
import { type Memberships, MembershipsFile, MemoryMemberships } from "../store/memberships.js";
import type { Paths } from "../store/paths.js";
import { type HookPrograms, type HookSettings, Hooks } from "./hooks.js";
import { InstanceLock, type LockPaths } from "./instanceLock.js";
import { failureRecord } from "./logRecord.js";
import { type Log, type LogOptions, logEvent, logInterfaces, logStart, openLog } from "./logs.js";
import { tellReady } from "./readiness.js";
import { type DaemonSettings, Reloading, type SettingsReader } from "./reloading.js";
import { handleSignals } from "./signals.js";

export interface DaemonOptions {
  readonly paths: LockPaths & Pick<Paths, "membershipsFile">;
  readonly messengerOptions: MessengerOptions;
  readonly log?: LogOptions;
  /** Run for what happens. */
  readonly hooks?: HookPrograms;
  /** Where `messengerOptions` and `hooks` come from, which can change while it runs. */
  readonly settings: SettingsReader;
  /** Default `Messenger.open`. */
  readonly openMessenger?: (options: MessengerOptions) => Promise<MessengerApi>;
  /** Default `process.exit`: after a second signal or a crash. */
  readonly exit?: (code: number) => void;
}

/** A daemon that is ready. */
export interface Daemon {
  readonly status: StatusLine;
  /** Resolves when it has said goodbye, after `stop`, SIGTERM, SIGINT or the API's `stop`. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/** Distinguishes starts in event ids. */
const INCARNATION_BYTES = 4;

/**
 * The composition root: lock, messenger, API, standing groups, signals, log. Resolves when all of
 * it works; if one part fails the others are given back and it rejects with the reason.
 *
 * @throws UdpchatError DAEMON_RUNNING, HOME_UNUSABLE, INVALID_..., NETWORK_UNAVAILABLE
 */
export async function runDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths } = options;
  const log = await openLog(options.log);
  const cleanups = new Cleanups(log.logger);
  let requestStop: () => void = () => undefined;
  try {
    const lock = await InstanceLock.acquire(paths);
    cleanups.add("lock", () => lock.release());
    const open = options.openMessenger ?? ((wanted) => Messenger.open(wanted));
    const messenger = await open(options.messengerOptions);
    const memberships = membershipsOf(options);
    const hooks = new Hooks(hookSettings(options), {
      home: options.messengerOptions.home,
      env: process.env,
      logger: log.logger,
    });
    const apply = async (settings: DaemonSettings): Promise<void> => {
      await messenger.reconfigure(settings.messengerOptions);
      hooks.change(hookSettings(settings));
    };
    const reloading = new Reloading(apply, options.settings, log.logger);
    const service = new Service(messenger, {
      standing: memberships,
      onReload: () => reloading.reload(),
      onStop: () => requestStop(),
    });
    cleanups.add("messenger", () => service.close());
    await restoreMemberships(service, memberships, log.logger);
    cleanups.add("hooks", () => hooks.close());
    const server = await ApiServer.listen({
      api: service,
      socketPath: paths.socket,
      incarnation: randomBytes(INCARNATION_BYTES).toString("hex"),
      observe: (line) => {
        logEvent(log.logger, line);
        hooks.take(line);
      },
      internalError: (error) => log.logger.error({ err: error }, "internal error"),
    });
    void logInterfaceChanges(messenger, log.logger);
    // The API goes last but for the lock: until then it can say that we are closing.
    cleanups.addBefore("messenger", "api", () => server.close());
    await lock.assertHeld();
    const status = await service.call("status", {});
    logStart(log.logger, status, paths.socket);
    const untold = await tellReady(`port ${status.port}`);
    if (untold !== undefined) log.logger.error({ detail: untold }, "systemd was not told");
    const requests = {
      onStop: (stop: () => void) => (requestStop = stop),
      // The log tells how it went.
      reload: () => void reloading.reload().catch(() => undefined),
    };
    return { status, ...untilStopped(options, log, cleanups, requests) };
  } catch (error) {
    log.logger.error(failureRecord(error), "could not start");
    await cleanups.run();
    log.flush();
    throw error;
  }
}

function hookSettings({
  hooks = {},
  messengerOptions,
}: Pick<DaemonSettings, "hooks" | "messengerOptions">): HookSettings {
  return { programs: hooks, requireVerified: messengerOptions.requireVerified === true };
}

/** Until the messenger is closed. The API's clients are not told: `status` says what is in use. */
async function logInterfaceChanges(messenger: MessengerApi, logger: Logger): Promise<void> {
  for await (const event of messenger.events()) {
    if (event.type === "interfaces") logInterfaces(logger, event.interfaces);
  }
}

/** What has to be given back, the last acquired first. */
class Cleanups {
  readonly #logger: Logger;
  /** Bounded by the parts of the daemon. */
  readonly #steps: { readonly name: string; readonly run: () => Promise<void> }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, run: () => Promise<void>): void {
    this.#steps.push({ name, run });
  }

  /** Given back only after `later` was. */
  addBefore(later: string, name: string, run: () => Promise<void>): void {
    const index = this.#steps.findIndex((step) => step.name === later);
    this.#steps.splice(index, 0, { name, run });
  }

  /** One that fails does not keep the others. */
  async run(): Promise<void> {
    for (const { name, run } of this.#steps.splice(0).toReversed()) {
      try {
        await run();
      } catch (error) {
        this.#logger.error({ err: error, part: name }, "did not close");
      }
    }
  }
}

function membershipsOf({ messengerOptions, paths }: DaemonOptions): Memberships {
  return messengerOptions.ephemeral === true
    ? new MemoryMemberships()
    : new MembershipsFile(paths.membershipsFile);
}

async function restoreMemberships(
  service: Service,
  memberships: Memberships,
  logger: Logger,
): Promise<void> {
  const { groups, secret, setAside } = await memberships.list();
  if (setAside !== undefined) logger.error({ file: setAside }, "damaged memberships set aside");
  for (const group of groups) {
    try {
      await service.restoreMembership(group, secret.has(group));
      logger.info({ group }, "rejoined");
    } catch (error) {
      logger.error({ group, ...failureRecord(error) }, "could not rejoin");
    }
  }
}

function untilStopped(
  { paths, exit }: DaemonOptions,
  { logger, flush }: Log,
  cleanups: Cleanups,
  requests: { readonly onStop: (stop: () => void) => void; readonly reload: () => void },
): Pick<Daemon, "stop" | "stopped"> {
  const exitNow = exit ?? ((code) => process.exit(code));
  let settle: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (settle = resolve));
  const giveBack = async (): Promise<void> => {
    await cleanups.run();
    removeHandlers();
    logger.info("stopped");
    flush();
    settle();
  };
  let stopping = false;
  const stop = (): Promise<void> => {
    if (!stopping) void giveBack();
    stopping = true;
    return stopped;
  };
  const removeHandlers = handleSignals({
    stop: (signal) => {
      logger.info({ signal }, "stopping");
      void stop();
    },
    reload: requests.reload,
    force: () => exitNow(1),
    crash: (thrown) => {
      logger.fatal({ err: thrown }, "crashed");
      flush();
      rmSync(paths.pidFile, { force: true });
      if (paths.socketFolder !== undefined) rmSync(paths.socket, { force: true });
      exitNow(1);
    },
  });
  requests.onStop(() => {
    logger.info("stopping: asked to");
    void stop();
  });
  return { stop, stopped };
}
