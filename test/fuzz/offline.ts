/** Keeps commands in this process from the machine's network, and from starting programs. */
import childProcess, { spawn } from "node:child_process";
import dgram, { createSocket } from "node:dgram";
import dns from "node:dns/promises";
import { syncBuiltinESMExports } from "node:module";
import { UdpchatError } from "../../src/errors.js";

function noSocket(): never {
  throw new UdpchatError("NETWORK_UNAVAILABLE", "there is no network here");
}

async function noAddress(): Promise<never> {
  throw new Error("there is no resolver here");
}

function noProgram(): never {
  throw new UdpchatError("REFUSED", "no program is started here");
}

/** From now on, until the returned function is called. Throws if it has no effect here. */
export function goOffline(): () => void {
  const replaced: readonly [object, string, unknown][] = [
    [dgram, "createSocket", noSocket],
    [dns, "lookup", noAddress],
    [childProcess, "spawn", noProgram],
  ];
  const before = replaced.map(([module, name]): unknown => Reflect.get(module, name));
  for (const [module, name, instead] of replaced) Reflect.set(module, name, instead);
  syncBuiltinESMExports();
  const goOnline = (): void => {
    for (const [index, [module, name]] of replaced.entries()) {
      Reflect.set(module, name, before[index]);
    }
    syncBuiltinESMExports();
  };
  const seen: readonly unknown[] = [createSocket, spawn];
  if (seen[0] === noSocket && seen[1] === noProgram) return goOnline;
  goOnline();
  throw new Error("the network can't be kept out of this process");
}
