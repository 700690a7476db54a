/** Bundles the programs that are counted, into the folder that is named. */
import { join } from "node:path";
import process from "node:process";
import { bundleTypeScript } from "../../support/runTypeScript.js";

await bundleTypeScript(
  ["counting.ts", "calling.ts"].map((file) => join(import.meta.dirname, file)),
  { outdir: process.argv[2] },
);
