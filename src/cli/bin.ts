/** The program: the command line on this process's own streams. */
import process from "node:process";
import { processIo } from "./io.js";
import { main } from "./main.js";

// Not awaited here: it is bundled as CommonJS, which cannot wait while it loads. Should nothing be
// left to wait for before it is done, nobody is to think that it was.
process.exitCode = 1;
void main(process.argv.slice(2), processIo()).then((code) => (process.exitCode = code));
