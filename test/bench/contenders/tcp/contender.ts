/** A chat server as many write it: JSON lines over TCP. A member of a group connects to a relay. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Contender, Endpoint, Outlet, Venue } from "../contender.js";

/** One line of the protocol. */
interface Line {
  readonly from: string;
  readonly text: string;
}

function encode(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function decode(line: string): Line {
  const value: unknown = JSON.parse(line);
  if (typeof value === "object" && value !== null && "from" in value && "text" in value) {
    if (typeof value.from === "string" && typeof value.text === "string") {
      return { from: value.from, text: value.text };
    }
  }
  throw new Error(`not a line of this chat: ${line}`);
}

function onLine(socket: Socket, take: (line: Line) => void): void {
  let pending = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    pending += chunk;
    let start = 0;
    for (let end = pending.indexOf("\n"); end !== -1; end = pending.indexOf("\n", start)) {
      take(decode(pending.slice(start, end)));
      start = end + 1;
    }
    pending = pending.slice(start);
  });
}

async function listening(venue: Venue, server: Server): Promise<Endpoint> {
  server.listen(0, venue.address);
  await once(server, "listening");
  const where = server.address();
  if (where === null || typeof where === "string") throw new Error("the server has no port");
  return where;
}

async function connected({ peer }: Venue): Promise<Socket> {
  if (peer === undefined) throw new Error("there is no server");
  const socket = connect({ port: peer.port, host: peer.address, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** A client of a relay, once the relay has it. */
async function enrolled(venue: Venue, take: (line: Line) => void): Promise<Socket> {
  const socket = await connected(venue);
  await new Promise<void>((resolve) => {
    onLine(socket, (line) => (line.from === "" ? resolve() : take(line)));
  });
  return socket;
}

function outlet(socket: Socket, from: string): Outlet {
  return {
    send: (text) => (socket.write(encode({ from, text })) ? undefined : once(socket, "drain")),
    drained: async () => (socket.writableNeedDrain ? once(socket, "drain") : undefined),
  };
}

export const contender: Contender = {
  answer(venue) {
    const server = createServer({ noDelay: true }, (socket) => {
      onLine(socket, ({ text }) => socket.write(encode({ from: venue.name, text })));
    });
    return listening(venue, server);
  },

  async ask(venue) {
    const socket = await connected(venue);
    let answered: (text: string) => void = () => undefined;
    onLine(socket, ({ text }) => answered(text));
    return (text) =>
      new Promise((resolve) => {
        answered = resolve;
        socket.write(encode({ from: venue.name, text }));
      });
  },

  receive(venue, take) {
    const server = createServer((socket) => onLine(socket, ({ text }) => take(text)));
    return listening(venue, server);
  },

  async send(venue) {
    return outlet(await connected(venue), venue.name);
  },

  relay(venue) {
    const clients = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      clients.add(socket);
      socket.once("close", () => clients.delete(socket));
      onLine(socket, (line) => {
        const text = encode(line);
        for (const client of clients) {
          if (client === socket || client.write(text)) continue;
          // Whoever is slow slows the speaker, and the relay stays small.
          socket.pause();
          client.once("drain", () => socket.resume());
        }
      });
      socket.write(encode({ from: "", text: "welcome" }));
    });
    return listening(venue, server);
  },

  async join(venue, take) {
    await enrolled(venue, ({ text }) => take(text));
  },

  async speak(venue) {
    return outlet(await enrolled(venue, () => undefined), venue.name);
  },
};
