/** Runs the benchmark: bundles the TypeScript of it into a temporary folder and loads that. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** A module that looks for files beside itself finds them beside its source, not in the bundle. */
const sourceUrls = {
  name: "source-urls",
  setup(bundling) {
    bundling.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll("import.meta.url", url), loader: "ts" };
    });
  },
};

/** What has native code stays where it is. */
const nativePackages = {
  name: "native-packages",
  setup(bundling) {
    bundling.onResolve({ filter: /^(sodium-native|noise-handshake)$/ }, ({ path }) => ({
      path: import.meta.resolve(path),
      external: true,
    }));
  },
};

const folder = mkdtempSync(join(tmpdir(), "udpchat-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, "mainJob.mjs");
await build({
  entryPoints: [join(import.meta.dirname, "mainJob.ts")],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  plugins: [sourceUrls, nativePackages],
  logLevel: "warning",
});
await import(pathToFileURL(outfile).href);
