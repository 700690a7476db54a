/** MQTT, at most once (QoS 0), through Debian's mosquitto (see `comparison/entrants.ts`). */
import { connectAsync, type MqttClient } from "mqtt";
import { type Contender, everySo, type Outlet, type Take, type Venue } from "../contender.js";

/** Between two waits until everything is written. */
const WINDOW = 256;

async function connected({ peer, name }: Venue): Promise<MqttClient> {
  if (peer === undefined) throw new Error("there is no broker");
  return connectAsync(`mqtt://${peer.address}:${peer.port}`, { clientId: name });
}

async function subscribe(venue: Venue, topic: string, take: Take): Promise<undefined> {
  const client = await connected(venue);
  client.on("message", (_topic, payload) => take(payload.toString()));
  await client.subscribeAsync(topic, { qos: 0 });
}

async function publisher(venue: Venue, topic: string): Promise<Outlet> {
  const client = await connected(venue);
  let written: Promise<unknown> = Promise.resolve();
  const pace = everySo(WINDOW, () => written);
  return {
    send(text) {
      const turn = pace();
      if (turn === undefined) {
        client.publish(topic, text, { qos: 0 });
        return undefined;
      }
      written = client.publishAsync(topic, text, { qos: 0 });
      return written;
    },
    drained: () => written,
  };
}

export const contender: Contender = {
  async answer(venue) {
    const client = await connected(venue);
    client.on("message", (_topic, payload) => client.publish("bench/reply", payload, { qos: 0 }));
    await client.subscribeAsync("bench/ask", { qos: 0 });
    return undefined;
  },

  async ask(venue) {
    const client = await connected(venue);
    let answered: Take = () => undefined;
    client.on("message", (_topic, payload) => answered(payload.toString()));
    await client.subscribeAsync("bench/reply", { qos: 0 });
    return (text) =>
      new Promise((resolve) => {
        answered = resolve;
        client.publish("bench/ask", text, { qos: 0 });
      });
  },

  receive: (venue, take) => subscribe(venue, "bench/one", take),
  send: (venue) => publisher(venue, "bench/one"),
  join: (venue, take) => subscribe(venue, "bench/group", take),
  speak: (venue) => publisher(venue, "bench/group"),
};
