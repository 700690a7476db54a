/** A process that writes a log until the disk is full, and goes on: see logProcess.ts. */
import { join } from "node:path";
import { runTypeScript } from "./runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "logProcess.ts"));
