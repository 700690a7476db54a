import { Socket } from "node:dgram";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sourceAddressTo } from "../../src/net/sourceAddress.js";
import {
  HEEDLESS,
  MAX_SEND_QUEUE_BYTES,
  openUdpSocket,
  type UdpSocket,
  WILDCARD_ADDRESS,
} from "../../src/net/udpSocket.js";

const sockets: UdpSocket[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets.splice(0)) await socket.close();
});

async function open(options: { readonly address?: string; readonly port?: number } = {}) {
  const received: string[] = [];
  const failures: string[] = [];
  const sent: number[] = [];
  const socket = await openUdpSocket(
    { address: options.address ?? WILDCARD_ADDRESS, port: options.port ?? 0 },
    {
      received: (bytes) => received.push(Buffer.from(bytes).toString()),
      sent: (sizeBytes) => sent.push(sizeBytes),
      sendFailed: (code) => failures.push(code),
      failed: (code) => failures.push(code),
    },
  );
  sockets.push(socket);
  return { socket, received, failures, sent };
}

describe("openUdpSocket", () => {
  it("rejects a port in use and an address that is not ours, and keeps the cause", async () => {
    const { socket } = await open();
    await expect(open({ port: socket.port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      remedy: expect.any(String),
      cause: { code: "EADDRINUSE" },
    });
    await expect(open({ address: "198.51.100.7" })).rejects.toMatchObject({
      code: "NETWORK_UNAVAILABLE",
      cause: { code: "EADDRNOTAVAIL" },
    });
  });

  it("drops and counts what exceeds the send queue", async () => {
    const { socket, received, failures, sent } = await open();
    const queued = vi.spyOn(Socket.prototype, "getSendQueueSize");
    const self = { address: "127.0.0.1", port: socket.port };
    queued.mockReturnValue(MAX_SEND_QUEUE_BYTES + 1);
    socket.send(Buffer.from("dropped"), self);
    queued.mockReturnValue(MAX_SEND_QUEUE_BYTES);
    socket.send(Buffer.from("sent"), self);
    await expect.poll(() => received).toEqual(["sent"]);
    expect(failures).toEqual(["ENOBUFS"]);
    expect(sent).toEqual([4]);
  });

  it("asks for less where so large a receive buffer is refused, as macOS does", async () => {
    const asked: number[] = [];
    vi.spyOn(Socket.prototype, "setRecvBufferSize").mockImplementation((bytes) => {
      asked.push(bytes);
      if (bytes > 262_144) throw Object.assign(new Error("no"), { code: "ERR_SOCKET_BUFFER_SIZE" });
    });
    const socket = await openUdpSocket(
      { address: WILDCARD_ADDRESS, port: 0, receiveBufferBytes: 1_048_576 },
      HEEDLESS,
    );
    sockets.push(socket);
    expect(asked).toEqual([1_048_576, 524_288, 262_144]);
    expect(socket.receiveBufferBytes).toBeGreaterThan(0);
  });

  it("closes once, and neither sends nor fails afterwards", async () => {
    const { socket, failures } = await open();
    await Promise.all([socket.close(), socket.close()]);
    socket.send(Buffer.from("x"), { address: "127.0.0.1", port: 9 });
    expect(failures).toEqual([]);
    // The port is free again.
    await open({ port: socket.port });
  });
});

describe("sourceAddressTo", () => {
  it("tells the address that the kernel would send from", async () => {
    expect(await sourceAddressTo("127.0.0.1")).toEqual({ address: "127.0.0.1" });
  });
});
