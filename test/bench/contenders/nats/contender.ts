/** NATS: at most once, through Debian's nats-server (see `comparison/entrants.ts`). */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type Contender, everySo, type Outlet, type Take, type Venue } from "../contender.js";

/** Between two round trips to the server, of which one is always under way. */
const WINDOW = 1024;

async function connected({ peer, name }: Venue): Promise<NatsConnection> {
  if (peer === undefined) throw new Error("there is no broker");
  return connect({ servers: `${peer.address}:${peer.port}`, name });
}

async function subscribe(venue: Venue, subject: string, take: Take): Promise<undefined> {
  const connection = await connected(venue);
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) throw error;
      take(message.string());
    },
  });
  await connection.flush();
}

async function publisher(venue: Venue, subject: string): Promise<Outlet> {
  const connection = await connected(venue);
  let flushed = Promise.resolve();
  const pace = everySo(WINDOW, () => {
    const before = flushed;
    flushed = connection.flush();
    return before;
  });
  return {
    send(text) {
      connection.publish(subject, text);
      return pace();
    },
    drained: () => connection.flush(),
  };
}

export const contender: Contender = {
  async answer(venue) {
    const connection = await connected(venue);
    connection.subscribe("bench.ask", {
      callback: (error, message) => {
        if (error !== null) throw error;
        message.respond(message.data);
      },
    });
    await connection.flush();
    return undefined;
  },

  async ask(venue) {
    const connection = await connected(venue);
    return async (text) =>
      (await connection.request("bench.ask", text, { timeout: 2000 })).string();
  },

  receive: (venue, take) => subscribe(venue, "bench.one", take),
  send: (venue) => publisher(venue, "bench.one"),
  join: (venue, take) => subscribe(venue, "bench.group", take),
  speak: (venue) => publisher(venue, "bench.group"),
};
