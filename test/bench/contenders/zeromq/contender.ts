/** ZeroMQ over TCP, with the package `zeromq`: REQ and REP, PUSH and PULL, PUB and SUB. */
import { setImmediate as aTurn } from "node:timers/promises";
import { Pull, Push, Reply, Request, Subscriber, XPublisher } from "zeromq";
import type { Contender, Endpoint, Take, Venue } from "../contender.js";

function urlOf(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error("there is nobody to connect to");
  return `tcp://${endpoint.address}:${endpoint.port}`;
}

/** Any free port; resolves with what the socket says of it. */
async function bound(socket: Reply | Pull, { address }: Venue): Promise<Endpoint> {
  await socket.bind(`tcp://${address}:*`);
  const port = Number(socket.lastEndpoint?.split(":").at(-1));
  return { address, port };
}

/** Sockets of ZeroMQ send in a thread of their own; nobody is told when they have. */
async function drained(): Promise<void> {}

async function takeAll(socket: Pull | Subscriber, take: Take): Promise<void> {
  for await (const [message] of socket) take(String(message));
}

/** PUB drops what a slow subscriber has no room for, unless it is told to refuse it instead. */
async function publish(socket: XPublisher, text: string): Promise<void> {
  for (;;) {
    try {
      await socket.send(text);
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      await aTurn();
    }
  }
}

export const contender: Contender = {
  async answer(venue) {
    const socket = new Reply();
    const where = await bound(socket, venue);
    void (async () => {
      for await (const [message] of socket) await socket.send(message ?? "");
    })();
    return where;
  },

  async ask(venue) {
    const socket = new Request({ receiveTimeout: 2000 });
    socket.connect(urlOf(venue.peer));
    return async (text) => {
      await socket.send(text);
      const [reply] = await socket.receive();
      return String(reply);
    };
  },

  async receive(venue, take) {
    const socket = new Pull();
    const where = await bound(socket, venue);
    void takeAll(socket, take);
    return where;
  },

  async send(venue) {
    const socket = new Push();
    socket.connect(urlOf(venue.peer));
    // It waits by itself where the high water mark is reached.
    return { send: (text) => socket.send(text), drained };
  },

  /** The speaker is bound there, before or afterwards. */
  async join(venue, take) {
    const socket = new Subscriber();
    socket.subscribe();
    socket.connect(urlOf(venue));
    void takeAll(socket, take);
  },

  async speak(venue) {
    const socket = new XPublisher({ noDrop: true, verbosity: "allSubs" });
    await socket.bind(urlOf(venue));
    for (let heard = 0; heard < venue.members; heard += 1) await socket.receive();
    return { send: (text) => publish(socket, text), drained };
  },
};
