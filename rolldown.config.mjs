/**
 * Bundles the program into dist/bin: `udpchat send` then loads three files instead of 90. They are
 * CommonJS, which Node loads in two thirds of the time that ES modules take. Run, not read by
 * rolldown.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { rolldown } from "rolldown";

/**
 * string-width is two thirds of what yargs takes to load; fast-string-width measures the same.
 * cli-table3 requires it as CommonJS, where the module itself is the function.
 */
const CALLABLE_WIDTH = "\0callable-string-width";
const fastStringWidth = {
  name: "fast-string-width",
  resolveId: {
    filter: { id: /^string-width$/ },
    handler(_id, importer, { kind }) {
      return kind === "require-call" ? CALLABLE_WIDTH : this.resolve("fast-string-width", importer);
    },
  },
  load: {
    filter: { id: /callable-string-width$/ },
    handler: () => 'module.exports = require("fast-string-width").default;',
  },
};

/**
 * Packages with native code are bundled but for that code, which stays in their own folders. They
 * search for it in twenty files; here they do so only if it is not where it always lies.
 */
const nativeCode = {
  name: "native-code",
  load: {
    filter: { id: /[\\/](sodium-native[\\/]binding|bindings[\\/]bindings)\.js$/ },
    handler: (id) => (/sodium-native/.test(id) ? SODIUM_ADDON : SQLITE_ADDON),
  },
};

const SODIUM_ADDON = `
  const { dirname, join } = require("node:path");
  const name = "sodium-native";
  const folder = dirname(require.resolve(name));
  const host = process.platform + "-" + process.arch;
  try {
    module.exports = require(join(folder, "prebuilds", host, "sodium-native.node"));
  } catch {
    module.exports = require(join(folder, "binding.js"));
  }`;

const SQLITE_ADDON = `
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
  };`;

/**
 * Each file costs about as much as 50 KB of text: what commands need that only talk to the daemon is in
 * one. Others have theirs beside it, as programs, prompts and terminals take more of Node.
 */
const TALKING =
  "ask|block|discover|export|groups|history|id|invite|leave|outbox|peers|reload|remove|say|send|status|stop|unblock";
const COMMANDS = new RegExp(
  `[\\\\/]src[\\\\/]cli[\\\\/](commands[\\\\/](${TALKING})[\\\\/]handler|errorReport)\\.[jt]s$`,
);

const outdir = join(import.meta.dirname, "dist/bin");
const bundle = await rolldown({
  cwd: import.meta.dirname,
  input: "src/cli/bin.ts",
  platform: "node",
  plugins: [fastStringWidth, nativeCode],
  preserveEntrySignatures: false,
  // yargs asks for `import.meta.resolve` only where a configuration extends another one.
  // What is imported late here may be needed early elsewhere.
  checks: { emptyImportMeta: false, ineffectiveDynamicImport: false },
});
const { output } = await bundle.generate({
  format: "cjs",
  strict: true,
  codeSplitting: { groups: [{ name: "commands", test: COMMANDS }] },
});
await bundle.close();

const files = await Promise.all(
  output.map(async ({ fileName, code }) => {
    // A daemon keeps the text in memory. Names and short lines stay: stacks are to be read.
    const short = { minifyWhitespace: true, minifySyntax: true, lineLimit: 160 };
    const { code: text } = await transform(code, { target: "node20.19", ...short });
    return { name: fileName, contents: Buffer.from(text) };
  }),
);
files.push({ name: "package.json", contents: Buffer.from('{ "type": "commonjs" }\n') });

// A program that runs from there may still read its files: they are replaced whole, and only if
// they differ. Names hold hashes: those of earlier builds would stay.
await mkdir(outdir, { recursive: true });
for (const { name, contents } of files) await replaceFile(join(outdir, name), contents);
const current = new Set(files.map(({ name }) => name));
for (const name of await readdir(outdir)) {
  if (current.has(name) || name.endsWith(".tmp")) continue;
  await rm(join(outdir, name), { recursive: true, force: true });
}

// The manual is what the program says of itself.
const { stdout: manual } = await promisify(execFile)(process.execPath, [
  join(outdir, "bin.js"),
  "__man",
]);
await replaceFile(join(outdir, "../udpchat.1"), Buffer.from(manual));

async function replaceFile(path, contents) {
  const existing = await readFile(path).catch(() => undefined);
  if (existing !== undefined && existing.equals(contents)) return;
  const partial = `${path}.${process.pid}.tmp`;
  await writeFile(partial, contents);
  await rename(partial, path);
}
