/** Packs, installs and uses the package as the README says: `npm run test:pack -- --node 20,22`. */
import { join } from "node:path";
import { runTypeScript } from "../support/runTypeScript.js";

await runTypeScript(join(import.meta.dirname, "main.ts"));
