import { createSocket, type Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { errnoOf, UdpchatError } from "../errors.js";
import type { LanAddress } from "./lan.js";

/** Bound to this, a socket receives unicast, broadcast and multicast of every interface. */
export const WILDCARD_ADDRESS = "0.0.0.0";

/**
 * libuv queues what the kernel refuses with ENOBUFS or EAGAIN, without bound. Beyond this we drop:
 * 4 MiB are 3495 datagrams of 1200 bytes, more than a receiver could keep.
 */
export const MAX_SEND_QUEUE_BYTES = 4 * 1024 * 1024;

/** Below this a smaller receive buffer is no longer asked for. */
const MIN_RECEIVE_BUFFER_BYTES = 64 * 1024;

export interface UdpSocketOptions {
  /** IPv4 literal to bind to. */
  readonly address: string;
  /** 0 means any free port. */
  readonly port: number;
  /**
   * Shares the port with other sockets that ask for it. libuv sets SO_REUSEADDR on Linux and
   * Windows and SO_REUSEPORT on macOS and the BSDs, which there is what delivers broadcast and
   * multicast to every one of them (libuv src/unix/udp.c, uv__sock_reuseaddr). Node's own
   * `reusePort` is another thing: on Linux it balances the load, so each datagram reaches one.
   */
  readonly reuseAddr?: boolean;
  /** Receive buffer to ask for; without it the kernel's default. */
  readonly receiveBufferBytes?: number;
}

export interface UdpSocketHandlers {
  /** `bytes` belongs to the receiver: Node allocates it per datagram. */
  readonly received: (bytes: Uint8Array, from: LanAddress) => void;
  readonly sent: (sizeBytes: number) => void;
  /** One datagram was not sent. `code` is an errno; drops on overload count as ENOBUFS. */
  readonly sendFailed: (code: string) => void;
  /** The socket itself failed (a receive error); it may still work. */
  readonly failed: (code: string) => void;
}

/** For who wants to know only part of it. */
export const HEEDLESS: UdpSocketHandlers = {
  received: () => undefined,
  sent: () => undefined,
  sendFailed: () => undefined,
  failed: () => undefined,
};

/**
 * Binds a UDP socket.
 * @throws UdpchatError PORT_IN_USE if another socket holds the port, else NETWORK_UNAVAILABLE.
 *   `dgram.bind` reports its failure as an event and leaves its callback waiting for ever.
 */
export async function openUdpSocket(
  options: UdpSocketOptions,
  handlers: UdpSocketHandlers,
): Promise<UdpSocket> {
  const socket = createSocket({
    type: "udp4",
    reuseAddr: options.reuseAddr ?? false,
    // Only IP literals are ever passed. Node's default defers each literal by a tick, which would
    // hide a whole burst from the check of the send queue.
    lookup: (address, _options, done) => done(null, address, 4),
  });
  await new Promise<void>((resolve, reject) => {
    const onError = (cause: Error): void => {
      socket.close();
      reject(bindError(options, cause));
    };
    socket.once("error", onError);
    // `exclusive` keeps a cluster worker from sharing the socket with its siblings.
    socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
      socket.off("error", onError);
      resolve();
    });
  });
  return new UdpSocket(socket, options.receiveBufferBytes, handlers);
}

function bindError(options: UdpSocketOptions, cause: Error): UdpchatError {
  const where = `${options.address}:${options.port}`;
  switch (errnoOf(cause)) {
    case "EADDRINUSE":
      return new UdpchatError("PORT_IN_USE", `UDP port ${options.port} is in use (${where})`, {
        cause,
        remedy: "stop the program that holds it, or choose another port",
      });
    case "EACCES":
      return new UdpchatError("NETWORK_UNAVAILABLE", `not allowed to use UDP port ${where}`, {
        cause,
        remedy: "choose a port above 1023",
      });
    default:
      return new UdpchatError("NETWORK_UNAVAILABLE", `cannot open a UDP socket on ${where}`, {
        cause,
        remedy: "check that the network is up and that this program may use it",
      });
  }
}

/** A bound UDP socket. No method throws for what the network does; failures go to the handlers. */
export class UdpSocket {
  /** The port it is bound to. */
  readonly port: number;
  /** What the kernel reports (Linux: double of what was asked for, see `Lan`). */
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  readonly #handlers: UdpSocketHandlers;
  readonly #afterSend: (error: Error | null, sizeBytes: number) => void;
  #closed: Promise<void> | undefined;

  /** Takes a bound socket; see {@link openUdpSocket}. */
  constructor(socket: Socket, receiveBufferBytes: number | undefined, handlers: UdpSocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.port = socket.address().port;
    this.receiveBufferBytes = askReceiveBuffer(socket, receiveBufferBytes);
    this.#afterSend = (error, sizeBytes) => {
      if (error === null) handlers.sent(sizeBytes);
      // Closing cancels what is still queued.
      else if (this.#closed === undefined) handlers.sendFailed(codeOf(error));
    };
    socket.on("message", (bytes, { address, port }) => {
      if (this.#closed === undefined) handlers.received(bytes, { address, port });
    });
    socket.on("error", (error) => {
      if (this.#closed === undefined) handlers.failed(codeOf(error));
    });
  }

  /** Sends one datagram; `bytes` must not change afterwards. Does nothing once closed. */
  send(bytes: Uint8Array, to: LanAddress): void {
    if (this.#closed !== undefined) return;
    if (!isIPv4(to.address)) {
      this.#handlers.sendFailed("EINVAL");
    } else if (this.#socket.getSendQueueSize() > MAX_SEND_QUEUE_BYTES) {
      this.#handlers.sendFailed("ENOBUFS");
    } else {
      try {
        this.#socket.send(bytes, to.port, to.address, this.#afterSend);
      } catch (error) {
        // Arguments that Node itself refuses, as port 0.
        this.#handlers.sendFailed(codeOf(error));
      }
    }
  }

  /** Allows sending to broadcast addresses. */
  allowBroadcast(allowed = true): void {
    this.#socket.setBroadcast(allowed);
  }

  /**
   * Multicasts of this socket leave through the interface with this address, go no further than
   * its network (TTL 1), and are heard by other programs on this host.
   * @throws the system error, if the interface is gone.
   */
  multicastThrough(interfaceAddress: string): void {
    this.#socket.setMulticastTTL(1);
    this.#socket.setMulticastLoopback(true);
    this.#socket.setMulticastInterface(interfaceAddress);
  }

  /** Receives a group on one interface. Returns the errno of a failure, else undefined. */
  addMembership(group: string, interfaceAddress: string): string | undefined {
    return errnoThrownBy(() => this.#socket.addMembership(group, interfaceAddress));
  }

  /** The reverse of {@link addMembership}, by the same address even if the interface is gone. */
  dropMembership(group: string, interfaceAddress: string): string | undefined {
    return errnoThrownBy(() => this.#socket.dropMembership(group, interfaceAddress));
  }

  /** Settles when the socket is closed; may be called again. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#socket.close(() => resolve());
    });
    return this.#closed;
  }
}

/** Asks for a receive buffer, for less where that much is refused, and reads what there is. */
function askReceiveBuffer(socket: Socket, wantedBytes = 0): number {
  // Linux grants what it may and says nothing; macOS refuses what exceeds kern.ipc.maxsockbuf.
  for (let bytes = wantedBytes; bytes >= MIN_RECEIVE_BUFFER_BYTES; bytes = Math.floor(bytes / 2)) {
    if (errnoThrownBy(() => socket.setRecvBufferSize(bytes)) === undefined) break;
  }
  return socket.getRecvBufferSize();
}

function errnoThrownBy(step: () => void): string | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return errnoOf(error) ?? "UNKNOWN";
}
