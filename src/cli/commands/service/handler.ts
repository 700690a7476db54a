import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { connectApi, daemonAnswers } from "../../../api/client.js";
import type { ServiceLine } from "../../../api/lines.js";
import { stopDaemon } from "../../../daemon/stop.js";
import { toUdpchatError, UdpchatError } from "../../../errors.js";
import { shellWord } from "../../../sanitise.js";
import type { ServiceStatus, UserService } from "../../../service/service.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { loadSettings } from "../../settings.js";
import { serviceOf, serviceProgram } from "./program.js";

export interface ServiceArgs {
  readonly action: string;
  readonly print: boolean;
}

/** @throws UdpchatError NO_SERVICE_MANAGER, SERVICE_FAILED, HOME_UNUSABLE, and of the settings */
export async function handle(args: GlobalArgs & ServiceArgs, context: CommandContext) {
  const service = serviceOf(context);
  if (service === undefined) {
    const message = `${process.platform} has no service manager that udpchat knows`;
    throw new UdpchatError("NO_SERVICE_MANAGER", message, {
      remedy: "have `udpchat start` run at log-in",
    });
  }
  if (args.print && args.action !== "install") {
    throw new UdpchatError("INVALID_ARGUMENT", `--print does not go with ${args.action}`, {
      remedy: "udpchat service install --print",
    });
  }
  switch (args.action) {
    case "install":
      return await install(args, service, context);
    case "remove":
      return await remove(service, context);
    default:
      return await status(service, context);
  }
}

async function install(
  args: GlobalArgs & ServiceArgs,
  service: UserService,
  context: CommandContext,
): Promise<number> {
  const { io, paths, printer, signal, stderr, stdout } = context;
  // Wrong ones are told here, and not by a service that does not start.
  await loadSettings(args, io.env, paths.configFile);
  const program = serviceProgram(args, context);
  if (args.print) {
    await stdout.write(service.define(program));
    return EXIT.done;
  }
  await service.manager.assertUsable();
  if ((await daemonAnswers(paths.socket)) && !(await service.status()).running) {
    const { pid } = await stopDaemon({ socket: paths.socket, signal });
    await stderr.line(`udpchat: the daemon that ran (pid ${pid}) makes room for the service`);
  }
  const { changed } = await service.install(program);
  await untilReady(context);
  await printer.line(await serviceLine(service, context));
  if (printer.forScripts) return EXIT.done;
  if (!changed) await stderr.line("nothing had to be changed");
  await stderr.line(`take it away with: ${commandHere("udpchat service remove", context)}`);
  const presence = await service.manager.presence();
  if (presence?.withoutLogin === false) {
    await stderr.line(`it runs while you are logged in; to have it always: ${presence.remedy}`);
  }
  return EXIT.done;
}

async function remove(service: UserService, context: CommandContext): Promise<number> {
  const { printer, stderr } = context;
  const found = await service.remove();
  await printer.line(await serviceLine(service, context));
  if (!found && !printer.forScripts) await stderr.line("nothing had to be changed");
  return EXIT.done;
}

async function status(service: UserService, context: CommandContext): Promise<number> {
  const line = await serviceLine(service, context);
  await context.printer.line(line);
  return line.running ? EXIT.done : EXIT.daemon;
}

async function serviceLine(service: UserService, context: CommandContext): Promise<ServiceLine> {
  const status = await service.status();
  const { manager } = service;
  const daemon = status.installed ? await runningDaemon(context) : undefined;
  const unusable = await manager.assertUsable().catch((error: unknown) => toUdpchatError(error));
  // Where the manager does not tell, a daemon of this home is the service's: it leaves no other.
  const isOurs = status.pid === undefined || status.pid === daemon?.pid;
  const running = status.running || (manager.kind === "taskScheduler" && daemon !== undefined);
  return {
    type: "service",
    manager: manager.kind,
    file: manager.file,
    installed: status.installed,
    enabled: status.enabled,
    running,
    pid: running ? (status.pid ?? daemon?.pid ?? null) : null,
    since: running && isOurs ? (daemon?.startedAt ?? null) : null,
    program: status.program === undefined ? null : [...status.program],
    problem: problemOf(status, context) ?? unusable?.message ?? null,
  };
}

function problemOf(status: ServiceStatus, context: CommandContext): string | null {
  const again = commandHere("udpchat service install", context);
  if (!status.installed) return null;
  if (status.program === undefined) return `its definition is not understood: ${again}`;
  const [missing] = status.missing;
  return missing === undefined ? null : `${missing} is not there any more: ${again}`;
}

/** With `--home` where that was said. */
function commandHere(command: string, { args }: CommandContext): string {
  return args.home === undefined ? command : `${command} --home ${shellWord(args.home)}`;
}

/** Undefined unless one answers. */
async function runningDaemon({ paths, signal }: CommandContext) {
  if (!(await daemonAnswers(paths.socket))) return undefined;
  return await connectApi(paths.socket).call("status", {}, { signal });
}

const READY_MS = 10_000;
const POLL_MS = 50;

/**
 * systemd waits for that itself, the others do not.
 * @throws UdpchatError SERVICE_FAILED
 */
export async function untilReady({ paths, signal }: CommandContext): Promise<void> {
  const endMs = performance.now() + READY_MS;
  while (!(await daemonAnswers(paths.socket))) {
    if (performance.now() >= endMs) {
      const message = `the service was not ready after ${READY_MS} ms`;
      throw new UdpchatError("SERVICE_FAILED", message, { remedy: "read: udpchat logs" });
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
