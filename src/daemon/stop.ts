import { setTimeout as delay } from "node:timers/promises";
import { AbortLink } from "../abortLink.js";
import { connectApi, daemonAnswers } from "../api/client.js";
import type { StoppingLine } from "../api/lines.js";
import { UdpchatError } from "../errors.js";

export interface StopOptions {
  readonly socket: string;
  /** Default 40,000: what was said in groups gets 35 s to be sent and repaired. */
  readonly timeoutMs?: number;
  /** Aborting it gives up the waiting; the daemon may stop all the same. */
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 40_000;
const POLL_MS = 25;

/**
 * Stops the daemon and waits until its socket is gone.
 * @throws UdpchatError DAEMON_NOT_RUNNING, TIMEOUT, ABORTED
 */
export async function stopDaemon(options: StopOptions): Promise<StoppingLine> {
  const { socket, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const api = connectApi(socket);
  const ending = new AbortLink(signal, AbortSignal.timeout(timeoutMs));
  let which = "the daemon";
  try {
    const stopping = await api.call("stop", {}, { signal: ending.signal });
    which = `the daemon (process id ${stopping.pid})`;
    while (await daemonAnswers(socket)) {
      await delay(POLL_MS, undefined, { signal: ending.signal });
    }
    return stopping;
  } catch (cause) {
    if (!ending.signal.aborted) throw cause;
    if (signal?.aborted === true) throw new UdpchatError("ABORTED", "given up", { cause });
    const message = `${which} still runs after ${timeoutMs} ms`;
    throw new UdpchatError("TIMEOUT", message, { remedy: "end that process", cause });
  } finally {
    ending.release();
  }
}
