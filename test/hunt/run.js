/** Hunts for failures on a simulated LAN: `npm run sim -- --seeds 1..2000`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
