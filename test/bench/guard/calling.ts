/**
 * Two messengers of one process that talk over real sockets on the loopback interface, for whoever
 * counts the system calls. Arguments: the name of the load, and how many messages.
 */
import process from "node:process";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { MessengerOptions } from "../../../src/messenger/types.js";
import { freePort } from "../comparison/freePort.js";

const TEXT = "x".repeat(64);
const IN_FLIGHT = 250;
const PATIENCE = { timeoutMs: 60_000 };

type Load = (sender: Messenger, target: string, messages: number) => Promise<void>;

const LOADS: Readonly<Record<string, Load>> = {
  "texts in bursts": async (sender, target, messages) => {
    for (let sent = 0; sent < messages; sent += IN_FLIGHT) {
      const send = (): Promise<unknown> => sender.send(target, TEXT, PATIENCE);
      await Promise.all(Array.from({ length: IN_FLIGHT }, send));
    }
  },
  "requests in turn": async (sender, target, messages) => {
    for (let asked = 0; asked < messages; asked += 1) await sender.ask(target, TEXT, PATIENCE);
  },
};

const discoveryPort = await freePort();

function open(name: string): Promise<Messenger> {
  const options: MessengerOptions = {
    name,
    ephemeral: true,
    store: "none",
    port: 0,
    discoveryPort,
    interfaces: ["lo"],
  };
  return Messenger.open(options);
}

const [name = "", messages = "0"] = process.argv.slice(2);
const load = LOADS[name];
if (load === undefined) throw new Error(`no load ${name}`);
const sender = await open("sender");
const receiver = await open("receiver");
receiver.handle(({ text }) => text);
void (async () => {
  for await (const _ of receiver.events()) continue;
})();
await load(sender, `127.0.0.1:${receiver.status().port}`, Number(messages));
process.exit();
