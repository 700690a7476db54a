/** Kills daemons at random instants: `node test/crash/run.js --kills 300 --seed 1`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
