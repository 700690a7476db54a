/**
 * Several users of one host, in one process: real ones, that announce themselves and answer, and
 * have nothing to say. Arguments: how many, and the interface. Says `ready` on standard output.
 */
import process from "node:process";
import { Messenger } from "../../src/index.js";

const [count, interfaceName = "eth0"] = process.argv.slice(2);

for (let number = 0; number < Number(count); number += 1) {
  await Messenger.open({
    ephemeral: true,
    store: "none",
    name: `peer${number}`,
    port: 0,
    interfaces: [interfaceName],
  });
}
process.stdout.write("ready\n");
