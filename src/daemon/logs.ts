import process from "node:process";
import { type Logger, type LoggerOptions, pino } from "pino";
import type { EventLine, PeerRefLine, StatusLine } from "../api/lines.js";
import { sanitiseName } from "../sanitise.js";
import { LogFile } from "./logFile.js";
import { logRecord } from "./logRecord.js";

export interface LogOptions {
  /** Default stderr. */
  readonly destination?: NodeJS.WritableStream;
  /** A file instead, which is rotated: see `LogFile`. */
  readonly file?: string;
  /** For people; otherwise one JSON object a line. */
  readonly pretty?: boolean;
  /** Default `info`. */
  readonly level?: "debug" | "info" | "warn" | "error";
}

/** A logger, and how to write out at once what it still holds. */
export interface Log {
  readonly logger: Logger;
  readonly flush: () => void;
}

const STDERR_DESCRIPTOR = 2;

/**
 * Logs in this process, without worker threads: they break when the program is bundled. Everything
 * on its way into the log passes `logRecord` and the sanitiser, whatever was handed over.
 */
export async function openLog(options: LogOptions = {}): Promise<Log> {
  const settings = {
    level: options.level ?? "info",
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: logRecord },
    serializers: { err: (error: unknown) => error, msg: sanitiseName },
  };
  if (options.file !== undefined) return openLogFile(options.file, settings);
  if (options.pretty === true) {
    const output = options.destination ?? process.stderr;
    // Bundled, a CommonJS module has this one export.
    const { default: pretty } = await import("pino-pretty");
    const format = pretty.prettyFactory({
      colorize: (process.env["NO_COLOR"] ?? "") === "",
      translateTime: "SYS:HH:MM:ss.l",
      ignore: "pid",
    });
    const stream = { write: (line: string): unknown => output.write(format(line)) };
    return { logger: pino(settings, stream), flush: () => undefined };
  }
  if (options.destination !== undefined) {
    return { logger: pino(settings, options.destination), flush: () => undefined };
  }
  const stream = pino.destination({ dest: STDERR_DESCRIPTOR, sync: false });
  const flush = (): void => {
    try {
      stream.flushSync();
    } catch {
      // Not open yet, or closed: nothing is held back then.
    }
  };
  return { logger: pino(settings, stream), flush };
}

/** A daemon whose log cannot be written goes on: whoever started it is told. */
function openLogFile(path: string, settings: LoggerOptions): Log {
  const file = new LogFile(path);
  file.open();
  if (file.failure !== undefined) {
    process.stderr.write(sanitiseName(`udpchat: cannot write ${path} (${file.failure})`) + "\n");
  }
  return { logger: pino(settings, file), flush: () => undefined };
}

/** The daemon is ready. */
export function logStart(logger: Logger, status: StatusLine, socket: string): void {
  logger.info(
    {
      id: status.id,
      port: status.port,
      discoveryPort: status.discoveryPort,
      interfaces: status.interfaces.map(nameAndAddress),
      socket,
    },
    "ready",
  );
  if (status.portTaken) {
    logger.warn({ port: status.port }, "the wanted port is taken by another program");
  }
}

interface NamedAddress {
  readonly name: string;
  readonly address: string;
}

/** Other interfaces are in use than before. */
export function logInterfaces(logger: Logger, interfaces: readonly NamedAddress[]): void {
  logger.info({ interfaces: interfaces.map(nameAndAddress) }, "interfaces changed");
}

function nameAndAddress({ name, address }: NamedAddress): string {
  return `${name} ${address}`;
}

/** What happened, without what was said. A warning's text names peers, sanitised as all here. */
export function logEvent(logger: Logger, line: EventLine): void {
  switch (line.type) {
    case "presence":
      logger.debug({ ...party(line.peer), group: line.group, online: line.online }, line.event);
      return;
    case "message":
      logger.debug({ ...party(line.from), scope: line.scope, group: line.group }, "message");
      return;
    case "delivery":
      logger.debug({ ...party(line.to), id: line.id }, line.status);
      return;
    case "gap":
      logger.warn({ ...party(line.from), group: line.group, count: line.count }, "messages lost");
      return;
    case "invitation":
      logger.info({ ...party(line.from), group: line.group }, "invitation");
      return;
    case "removed":
      logger.info({ ...party(line.peer), group: line.group, by: line.by.id }, "removed");
      return;
    case "warning":
      logger.warn(
        { code: line.code, detail: line.message, ...(line.peer === null ? {} : party(line.peer)) },
        "warning",
      );
      return;
    default:
  }
}

function party(peer: PeerRefLine): { peer: string | null; address: string } {
  return { peer: peer.id, address: `${peer.address}:${peer.port}` };
}
