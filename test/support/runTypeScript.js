/** Runs a TypeScript program of the tests: bundles it into a temporary folder and loads that. */
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
    bundling.onResolve(
      { filter: /^(sodium-native|noise-handshake|better-sqlite3)$/ },
      ({ path }) => ({
        path: import.meta.resolve(path),
        external: true,
      }),
    );
  },
};

/**
 * Bundles programs. `output` says where they go (`outfile` of one, or `outdir`, where all files end
 * in .mjs), and what else esbuild is to do; its plugins go first.
 */
export async function bundleTypeScript(entryPoints, { plugins = [], ...output }) {
  await build({
    entryPoints,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    outExtension: { ".js": ".mjs" },
    // CommonJS packages in the bundle ask for Node's own modules with require.
    banner: {
      js: 'import { createRequire as nodeCreateRequire } from "node:module"; const require = nodeCreateRequire(import.meta.url);',
    },
    plugins: [...plugins, sourceUrls, nativePackages],
    logLevel: "warning",
    ...output,
  });
}

/** Loads the program at `entryPoint`; its arguments are those of this process. */
export async function runTypeScript(entryPoint) {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-run-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "program.mjs");
  await bundleTypeScript([entryPoint], { outfile });
  await import(pathToFileURL(outfile).href);
}
