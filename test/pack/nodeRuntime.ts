import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { plainEnvironment, shell } from "./root.js";

/** A version of Node, and the folder that its program lies in. */
export interface NodeRuntime {
  /** `22.1.0`. */
  readonly version: string;
  readonly major: number;
  readonly folder: string;
}

/** The newest Node of a major version, from npm; the one that runs this if it is of that version. */
export function nodeRuntime(major: string, folder: string): NodeRuntime {
  const own = process.versions.node;
  if (own.split(".", 1)[0] === major) {
    return { version: own, major: Number(major), folder: dirname(process.execPath) };
  }
  const home = join(folder, `node-${major}`);
  mkdirSync(home);
  shell(`npm install --prefix . --no-save 'node@${major}'`, home, plainEnvironment());
  const bin = join(home, "node_modules/node/bin");
  const version = shell(`'${join(bin, "node")}' --version`, home, plainEnvironment());
  return { version: version.trim().slice(1), major: Number(major), folder: bin };
}
