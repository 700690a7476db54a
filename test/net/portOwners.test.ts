/** Who holds a port, of the tables of a real kernel. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import process from "node:process";
import { expect, it } from "vitest";
import { portOwners } from "../../src/doctor/system/portOwners.js";

const nobody = async () => ({ ok: false, why: "missing" }) as const;

it.runIf(process.platform === "linux").each([
  ["udp4", "127.0.0.1"],
  ["udp6", "::"],
] as const)("names a program that is bound by %s to %s", async (type, address) => {
  const socket = createSocket(type);
  socket.bind(0, address);
  try {
    // Rejects with "error".
    await once(socket, "listening");
  } catch (error) {
    process.stderr.write(`SKIPPED: this machine has no ${type}: ${String(error)}\n`);
    return;
  }
  const owners = await portOwners(socket.address().port, "linux", nobody);
  socket.close();
  expect(owners.map(({ pid }) => pid)).toContain(process.pid);
});
