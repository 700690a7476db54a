/** WebSockets, with the package `ws`. A member of a group connects to a relay. */
import { once } from "node:events";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { Contender, Endpoint, Outlet, Venue } from "../contender.js";

/** Beyond this the sender waits until all of it is written. */
const MAX_BUFFERED_BYTES = 64 * 1024;
const WELCOME = "welcome";

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString();
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)).toString();
}

async function listening(
  venue: Venue,
  connection: (client: WebSocket, server: WebSocketServer) => void,
): Promise<Endpoint> {
  const server = new WebSocketServer({ host: venue.address, port: 0 });
  server.on("connection", (client) => connection(client, server));
  await once(server, "listening");
  const where = server.address();
  if (where === null || typeof where === "string") throw new Error("the server has no port");
  return where;
}

async function connected({ peer }: Venue): Promise<WebSocket> {
  if (peer === undefined) throw new Error("there is no server");
  const client = new WebSocket(`ws://${peer.address}:${peer.port}`);
  await once(client, "open");
  return client;
}

/** A client of a relay, once the relay has it. */
async function enrolled(venue: Venue, take: (text: string) => void): Promise<WebSocket> {
  const client = await connected(venue);
  client.on("message", (data) => {
    const text = textOf(data);
    if (text !== WELCOME) take(text);
  });
  return client;
}

function outlet(client: WebSocket): Outlet {
  return {
    send(text) {
      if (client.bufferedAmount < MAX_BUFFERED_BYTES) {
        client.send(text);
        return undefined;
      }
      return new Promise((resolve) => client.send(text, resolve));
    },
    drained: async () => undefined,
  };
}

export const contender: Contender = {
  answer: (venue) =>
    listening(venue, (client) => client.on("message", (data) => client.send(textOf(data)))),

  async ask(venue) {
    const client = await connected(venue);
    let answered: (text: string) => void = () => undefined;
    client.on("message", (data) => answered(textOf(data)));
    return (text) =>
      new Promise((resolve) => {
        answered = resolve;
        client.send(text);
      });
  },

  receive: (venue, take) =>
    listening(venue, (client) => client.on("message", (data) => take(textOf(data)))),

  async send(venue) {
    return outlet(await connected(venue));
  },

  relay: (venue) =>
    listening(venue, (source, server) => {
      let slow = 0;
      source.on("message", (data) => {
        const text = textOf(data);
        for (const client of server.clients) {
          if (client === source) continue;
          if (client.bufferedAmount < MAX_BUFFERED_BYTES) {
            client.send(text);
            continue;
          }
          // Whoever is slow slows the speaker, and the relay stays small.
          slow += 1;
          source.pause();
          client.send(text, () => {
            slow -= 1;
            if (slow === 0) source.resume();
          });
        }
      });
    }),

  async join(venue, take) {
    await enrolled(venue, take);
  },

  async speak(venue) {
    return outlet(await enrolled(venue, () => undefined));
  },
};
