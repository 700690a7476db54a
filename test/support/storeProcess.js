/** A process that uses the database of a home: see storeProcess.ts. */
import { join } from "node:path";
import { runTypeScript } from "./runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "storeProcess.ts"));
