import { UdpchatError } from "../errors.js";
import type { LanAddress } from "../net/lan.js";
import { openUdpSocket, WILDCARD_ADDRESS } from "../net/udpSocket.js";
import { systemClock } from "./clock.js";
import { EventQueue } from "./eventQueue.js";
import { addressOf } from "./hostLookup.js";
import { plainBytes, readPlainText } from "./plainText.js";
import { checkedDurationMs } from "./waiting.js";

/** A bare datagram that came back. */
export interface PlainReply {
  readonly from: LanAddress;
  readonly text: string;
}

/** How long to listen for replies. */
export interface PlainExchangeOptions {
  /** Default 1000; 0 only sends. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_WAIT_MS = 1000;
/** Replies that wait to be read. */
const MAX_REPLIES = 1024;

/**
 * Sends the bare bytes of a text from a socket of its own and yields the bare replies, as `nc -u`
 * does. Broadcast addresses work, and then many may reply. Nothing of it is signed or repeated.
 * @param to `host:port` or `host` (port 22400)
 * @throws UdpchatError INVALID_TARGET, INVALID_PORT, NAME_NOT_RESOLVED, MESSAGE_TOO_LARGE,
 *   NETWORK_UNAVAILABLE
 */
export async function* exchangePlain(
  to: string,
  text: string,
  options: PlainExchangeOptions = {},
): AsyncGenerator<PlainReply, void, undefined> {
  const bytes = plainBytes(text);
  const waitMs = checkedDurationMs(options.waitMs ?? DEFAULT_WAIT_MS);
  const destination = await addressOf(to);
  const replies = new EventQueue<PlainReply>({ capacity: MAX_REPLIES, signals: [options.signal] });
  let afterSend = (_failure: string | undefined): void => undefined;
  const socket = await openUdpSocket(
    { address: WILDCARD_ADDRESS, port: 0 },
    {
      received(reply, from) {
        const replyText = readPlainText(reply);
        if (replyText !== undefined) replies.push({ from, text: replyText });
      },
      sent: () => afterSend(undefined),
      sendFailed: (code) => afterSend(code),
      failed: () => undefined,
    },
  );
  let cancelTimer = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      afterSend = (failure) => {
        if (failure === undefined) resolve();
        else reject(notSent(to, failure));
      };
      socket.allowBroadcast();
      socket.send(bytes, destination);
    });
    cancelTimer = systemClock.after(waitMs, () => replies.end());
    yield* replies;
  } finally {
    cancelTimer();
    replies.end();
    await socket.close();
  }
}

function notSent(to: string, code: string): UdpchatError {
  const remedy =
    code === "EMSGSIZE"
      ? "send it in parts: this system takes smaller datagrams"
      : "check the address and the network";
  return new UdpchatError("NETWORK_UNAVAILABLE", `could not send to ${to} (${code})`, { remedy });
}
