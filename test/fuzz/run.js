/** Feeds hostile input to everything that takes any: `node test/fuzz/run.js --inputs 2000000`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
