/** Daemons on a bad network for a long time: `node test/soak/run.js --minutes 60`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
