import { setTimeout as delay } from "node:timers/promises";
import { connectApi, daemonAnswers } from "../api/client.js";
import type { StoppingLine } from "../api/lines.js";
import { UdpchatError } from "../errors.js";

export interface StopOptions {
  readonly socket: string;
  /** Default 40,000: what was said in groups gets 35 s to be sent and repaired. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 40_000;
const POLL_MS = 25;

/**
 * Stops the daemon and waits until its socket is gone.
 * @throws UdpchatError DAEMON_NOT_RUNNING, TIMEOUT
 */
export async function stopDaemon(options: StopOptions): Promise<StoppingLine> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const api = connectApi(options.socket);
  const stopping = await api.call("stop", {}, { signal: AbortSignal.timeout(timeoutMs) });
  for (let waitedMs = 0; await daemonAnswers(options.socket); waitedMs += POLL_MS) {
    if (waitedMs >= timeoutMs) {
      const message = `the daemon (process id ${stopping.pid}) still runs after ${timeoutMs} ms`;
      throw new UdpchatError("TIMEOUT", message, { remedy: "end that process" });
    }
    await delay(POLL_MS);
  }
  return stopping;
}
