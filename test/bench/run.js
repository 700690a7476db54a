/** Runs the benchmark. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bundleTypeScript, runTypeScript } from "../support/runTypeScript.js";

const ROOT = join(import.meta.dirname, "../..");

/** The contenders are programs of their own: what they import is what its users get. */
const asInstalled = {
  name: "as-installed",
  setup(bundling) {
    bundling.onResolve({ filter: /\/src\/index\.js$/ }, () => ({
      path: join(ROOT, "dist/index.js"),
      external: true,
    }));
    bundling.onResolve({ filter: /^(ws|mqtt|zeromq|@nats-io\/transport-node)$/ }, ({ path }) => ({
      path: import.meta.resolve(path),
      external: true,
    }));
  },
};

const folder = mkdtempSync(join(tmpdir(), "udpchat-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
await bundleTypeScript(
  ["contenders/participant.ts", "crowd.ts", "growth/repairsOf.ts"].map((file) =>
    join(import.meta.dirname, file),
  ),
  { outdir: folder, outbase: import.meta.dirname, splitting: true, plugins: [asInstalled] },
);
// Where `programs.ts` finds them.
process.env.BENCH_PROGRAMS = folder;
await runTypeScript(join(import.meta.dirname, "main.ts"));
