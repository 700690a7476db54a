import { createServer, type Server } from "node:http";
import process from "node:process";
import { toUdpchatError, UdpchatError } from "../errors.js";
import { EventLog } from "./eventLog.js";
import type { EventLine } from "./lines.js";
import type { Api } from "./operations.js";
import { buildRoutes, Places } from "./routes.js";

export interface ApiServerOptions {
  readonly api: Api;
  /** Path of the Unix socket, which must not exist in a folder that does; or of a named pipe. */
  readonly socketPath: string;
  /** Of this start: the first part of event ids. */
  readonly incarnation: string;
  /** Told of everything that happens, as clients of `events` are. */
  readonly observe?: (line: EventLine) => void;
  /** Told of failures that are bugs of ours. */
  readonly internalError?: (error: UdpchatError) => void;
  /** Other bounds than {@link API_LIMITS}. */
  readonly limits?: Partial<ApiLimits>;
}

/** What clients can make the server hold: a program of the same user that has gone astray. */
export interface ApiLimits {
  /** Connected at once; further ones are closed. */
  readonly connections: number;
  /** Of them streams; the rest is for calls. */
  readonly streams: number;
  readonly headerBytes: number;
  /** From the first byte to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte to the end of the body. */
  readonly requestTimeoutMs: number;
  /** How often the timeouts are looked at. */
  readonly checkIntervalMs: number;
}

/** A body has at most `MAX_BODY_BYTES`. */
const API_LIMITS: ApiLimits = {
  connections: 256,
  streams: 192,
  headerBytes: 8192,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkIntervalMs: 5000,
};

/** How long open answers may take to finish when the server closes. */
const CLOSE_GRACE_MS = 500;

/** The local API on its socket, which only this user can open. */
export class ApiServer {
  readonly #server: Server;
  readonly #log: EventLog;
  readonly #stopLogging = new AbortController();

  private constructor(server: Server, log: EventLog) {
    this.#server = server;
    this.#log = log;
  }

  /** Listens. Rejects with HOME_UNUSABLE, or DAEMON_RUNNING if something is bound there. */
  static async listen(options: ApiServerOptions): Promise<ApiServer> {
    const limits = { ...API_LIMITS, ...options.limits };
    const log = new EventLog(options.incarnation);
    const answer = buildRoutes({
      api: options.api,
      log,
      streams: new Places(limits.streams),
      internalError: options.internalError ?? (() => undefined),
    });
    const bounds = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
    };
    const server = createServer(bounds, (request, response) => void answer(request, response));
    server.maxConnections = limits.connections;
    await listenPrivately(server, options.socketPath);
    const started = new ApiServer(server, log);
    void started.#record(options);
    return started;
  }

  /** Keeps what happens from the start on, so that a client can come later and resume. */
  async #record({ api, observe }: ApiServerOptions): Promise<void> {
    try {
      const events = api.stream("events", {}, { signal: this.#stopLogging.signal });
      for await (const line of events) {
        if (line.type === "ready") continue;
        this.#log.append(line);
        observe?.(line);
      }
    } catch {
      // The messenger was closed: followers are told by the end of the log.
    }
    this.#log.end();
  }

  /** Takes no more connections; answers under way get a moment. Removes the socket. */
  async close(): Promise<void> {
    this.#stopLogging.abort();
    this.#log.end();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const force = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(force);
  }
}

async function listenPrivately(server: Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, socketPath)));
    server.once("listening", resolve);
    // The socket is created within this call: with the mask it is 0600 from its first moment.
    const mask = process.platform === "win32" ? undefined : process.umask(0o177);
    try {
      server.listen(socketPath);
    } finally {
      if (mask !== undefined) process.umask(mask);
    }
  });
  server.removeAllListeners("error");
  // A failing accept (too many open files) must not end the process.
  server.on("error", () => undefined);
}

function listenError(error: NodeJS.ErrnoException, socketPath: string): UdpchatError {
  if (error.code === "EADDRINUSE") {
    return new UdpchatError("DAEMON_RUNNING", `${socketPath} is in use`, { cause: error });
  }
  if (error.code === undefined) return toUdpchatError(error);
  return new UdpchatError("HOME_UNUSABLE", `can't listen on ${socketPath} (${error.code})`, {
    cause: error,
    remedy: "check that the folder can be written, or choose another: --home DIR",
  });
}
