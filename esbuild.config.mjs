/**
 * Bundles the program into dist/bin: `udpchat --version` then loads a few files instead of 90. They
 * are CommonJS, which Node loads in two thirds of the time that ES modules take. esbuild splits ES
 * modules alone, so each chunk is made CommonJS after that.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, transform } from "esbuild";

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

/**
 * Packages with native code are bundled but for that code, which stays in their own folders. They
 * search for it in twenty files; here they do so only if it is not where it always lies.
 */
const nativeCode = {
  name: "native-code",
  setup(build) {
    build.onLoad({ filter: /[\\/]sodium-native[\\/]binding\.js$/ }, () => ({
      contents: `
        const { dirname, join } = require("node:path");
        const name = "sodium-native";
        const folder = dirname(require.resolve(name));
        const host = process.platform + "-" + process.arch;
        try {
          module.exports = require(join(folder, "prebuilds", host, "sodium-native.node"));
        } catch {
          module.exports = require(join(folder, "binding.js"));
        }`,
    }));
    build.onLoad({ filter: /[\\/]bindings[\\/]bindings\.js$/ }, () => ({
      contents: `
        const { dirname, join } = require("node:path");
        const name = "better-sqlite3/package.json";
        module.exports = (file) => {
          const folder = dirname(require.resolve(name));
          try {
            return require(join(folder, "build/Release", file));
          } catch {
            const search = require(require.resolve("bindings", { paths: [folder] }));
            return search({ bindings: file, module_root: folder });
          }
        };`,
    }));
  },
};

/** esbuild splits ES modules alone: what it made of them is made CommonJS after that. */
async function toCommonJs({ path, text }) {
  const usesUrl = text.includes("import.meta.url");
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: TARGET,
    // `import()` becomes a `require` that is called later.
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "moduleUrl" },
    // A daemon keeps the text in memory. Names and short lines stay: stacks are to be read.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    banner: usesUrl
      ? `${STRICT} const moduleUrl = require("node:url").pathToFileURL(__filename).href;`
      : STRICT,
    sourcefile: basename(path),
  });
  return { path, contents: Buffer.from(code) };
}

const TARGET = "node20.19";
/** As ES modules are. */
const STRICT = '"use strict";';

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
  target: TARGET,
  chunkNames: "[name]-[hash]",
  plugins: [fastStringWidth, nativeCode],
  logLevel: "warning",
});
const files = await Promise.all(outputFiles.map(toCommonJs));
files.push({
  path: join(outdir, "package.json"),
  contents: Buffer.from('{ "type": "commonjs" }\n'),
});

// A program that runs from there may still read its files: they are replaced whole, and only if
// they differ. Names hold hashes: those of earlier builds would stay.
await mkdir(outdir, { recursive: true });
for (const { path, contents } of files) {
  const existing = await readFile(path).catch(() => undefined);
  if (existing !== undefined && existing.equals(contents)) continue;
  const partial = `${path}.${process.pid}.tmp`;
  await writeFile(partial, contents);
  await rename(partial, path);
}
const current = new Set(files.map(({ path }) => basename(path)));
for (const name of await readdir(outdir)) {
  if (current.has(name) || name.endsWith(".tmp")) continue;
  await rm(join(outdir, name), { recursive: true, force: true });
}
