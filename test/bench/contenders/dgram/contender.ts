/** UDP as Node has it: nothing is acknowledged, repeated or ordered. The limit of what there is. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Contender, Endpoint, Outlet, Take, Venue } from "../contender.js";

const GROUP = "239.192.77.1";
/** What is asked for; the kernel grants what it may. The same as udpchat asks for. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/** Between two turns of the event loop. */
const BATCH = 64;
const PATIENCE_MS = 2000;

async function bound(venue: Venue, port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr: port !== 0 });
  socket.bind(port, port === 0 ? venue.address : "0.0.0.0");
  await once(socket, "listening");
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return socket;
}

async function connected(venue: Venue, to: Endpoint): Promise<Socket> {
  const socket = await bound(venue, 0);
  socket.connect(to.port, to.address);
  await once(socket, "connect");
  return socket;
}

function outlet(socket: Socket): Outlet {
  let count = 0;
  return {
    send(text) {
      count += 1;
      if (count % BATCH !== 0) {
        socket.send(text);
        return undefined;
      }
      return new Promise((resolve) => socket.send(text, resolve));
    },
    drained: async () => undefined,
  };
}

function peerOf({ peer }: Venue): Endpoint {
  if (peer === undefined) throw new Error("there is nobody to send to");
  return peer;
}

export const contender: Contender = {
  async answer(venue) {
    const socket = await bound(venue, 0);
    socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
    return socket.address();
  },

  async ask(venue) {
    const socket = await connected(venue, peerOf(venue));
    let settle: { resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
    socket.on("message", (bytes) => settle?.resolve(bytes.toString()));
    const limit = setTimeout(() => settle?.reject(new Error("no reply")), PATIENCE_MS);
    return (text) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        limit.refresh();
        socket.send(text);
      });
  },

  async receive(venue, take: Take) {
    const socket = await bound(venue, 0);
    socket.on("message", (bytes) => take(bytes.toString()));
    return socket.address();
  },

  async send(venue) {
    return outlet(await connected(venue, peerOf(venue)));
  },

  async join(venue, take) {
    const socket = await bound(venue, venue.port);
    socket.addMembership(GROUP, venue.address);
    socket.on("message", (bytes) => take(bytes.toString()));
  },

  async speak(venue) {
    const socket = await bound(venue, 0);
    socket.setMulticastInterface(venue.address);
    socket.setMulticastLoopback(true);
    socket.connect(venue.port, GROUP);
    await once(socket, "connect");
    return outlet(socket);
  },
};
