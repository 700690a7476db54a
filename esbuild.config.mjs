/** Bundles the program into dist/bin: `udpchat --version` then loads two files instead of 90. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

/**
 * string-width is two thirds of what yargs takes to load; fast-string-width measures the same.
 * cli-table3 requires it as CommonJS, where the module itself is the function.
 */
const fastStringWidth = {
  name: "fast-string-width",
  setup(build) {
    build.onResolve({ filter: /^string-width$/ }, ({ kind, resolveDir }) =>
      kind === "require-call"
        ? { path: "string-width", namespace: "callable" }
        : build.resolve("fast-string-width", { kind, resolveDir }),
    );
    build.onLoad({ filter: /.*/, namespace: "callable" }, () => ({
      contents: 'module.exports = require("fast-string-width").default;',
      resolveDir: import.meta.dirname,
    }));
  },
};

const outdir = join(import.meta.dirname, "dist/bin");
const { outputFiles } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/cli/bin.ts"],
  outdir,
  write: false,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "[name]-[hash]",
  // They find their binaries beside their own package.json.
  external: ["sodium-native", "better-sqlite3"],
  // CommonJS packages in the bundle ask for Node's own modules with require.
  banner: {
    js: 'import { createRequire as nodeCreateRequire } from "node:module"; const require = nodeCreateRequire(import.meta.url);',
  },
  plugins: [fastStringWidth],
  logLevel: "warning",
});

// A program that runs from there may still read its files: they are replaced whole, and only if
// they differ. Names hold hashes: those of earlier builds would stay.
await mkdir(outdir, { recursive: true });
for (const { path, contents } of outputFiles) {
  const existing = await readFile(path).catch(() => undefined);
  if (existing !== undefined && existing.equals(contents)) continue;
  const partial = `${path}.${process.pid}.tmp`;
  await writeFile(partial, contents);
  await rename(partial, path);
}
const current = new Set(outputFiles.map(({ path }) => basename(path)));
for (const name of await readdir(outdir)) {
  if (current.has(name) || name.endsWith(".tmp")) continue;
  await rm(join(outdir, name), { recursive: true, force: true });
}
