/** Breaks each defence in turn, and names what catches it: `node test/mutants/run.js --list`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
