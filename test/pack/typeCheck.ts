import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainEnvironment, ROOT, shell } from "./root.js";

const PROGRAM = `
import { Messenger, sanitiseName, type Peer, type PeerState, UdpchatError } from "udpchat";
const messenger = await Messenger.open({ ephemeral: true });
const states: PeerState[] = messenger.peers().map((peer: Peer) => peer.state);
console.log(sanitiseName(messenger.name), states, UdpchatError);
// @ts-expect-error: types are there, and say no
const wrong: number = messenger.name;
`;

/** How TypeScript finds the types of a package: in Node, and in a bundler. */
const RESOLUTIONS = [
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["esnext", "bundler"],
];

/** Compiles a program that imports the package which is installed in `project`. */
export function checkTypes(project: string): void {
  writeFileSync(join(project, "typed.mts"), PROGRAM);
  for (const compiler of ["tsc", "tsc6"]) {
    const program = join(ROOT, "node_modules/.bin", compiler);
    for (const [module, resolution] of RESOLUTIONS) {
      const options = `--noEmit --strict --target es2023 --module ${module} --moduleResolution ${resolution}`;
      const types = `--types node --typeRoots '${join(ROOT, "node_modules/@types")}'`;
      shell(`'${program}' ${options} ${types} typed.mts`, project, plainEnvironment());
    }
  }
  console.log("its types are found in Node and in bundlers, by TypeScript 6 and 7");
}
