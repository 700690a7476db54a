import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** A port that neither TCP nor UDP uses at the moment, on any address of this host. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0);
    await once(server, "listening");
    const where = server.address();
    const port = where === null || typeof where === "string" ? 0 : where.port;
    const isFree = await udpIsFree(port);
    server.close();
    await once(server, "close");
    if (isFree) return port;
  }
}

async function udpIsFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, () => {
      socket.close();
      resolve(true);
    });
  });
}
