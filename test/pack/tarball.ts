import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { plainEnvironment, ROOT, shell } from "./root.js";

/** It has 0.8 MB: whatever doubles that does not belong into it. */
const MAX_SIZE_BYTES = 1_500_000;

/** All that may be in it. */
const BELONGS =
  /^(?:README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|package\.json|src\/wire\/PROTOCOL\.md|bin\/(?:package\.json|udpchat\.js)|examples\/\w+\.js|dist\/udpchat\.1|dist\/bin\/(?:package\.json|[\w.-]+\.js)|dist\/[\w/]+(?:\.d\.ts|\.js))$/;
const NEEDED = [
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "bin/udpchat.js",
  "dist/bin/bin.js",
  "dist/index.js",
  "dist/index.d.ts",
  "dist/udpchat.1",
  "examples/bot.js",
];

/** Packs the package into a folder, and looks at what is in it. Returns the path of the file. */
export function packed(folder: string): string {
  const env = plainEnvironment();
  const name = shell(`npm pack --silent --pack-destination '${folder}'`, ROOT, env).trim();
  const tarball = join(folder, name.split("\n").at(-1) ?? "");
  const files = shell(`tar -tzf '${tarball}'`, folder, env)
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  const { size } = statSync(tarball);
  assert.ok(size < MAX_SIZE_BYTES, `the package has ${size} bytes`);
  assert.deepEqual(
    files.filter((path) => !BELONGS.test(path)),
    [],
    "nothing is packed that nobody needs",
  );
  assert.deepEqual(
    NEEDED.filter((path) => !files.includes(path)),
    [],
    "nothing is missing",
  );
  shell(`npx publint run '${tarball}' --strict`, ROOT, env);
  console.log(`${files.length} files, ${Math.round(size / 1000)} kB: publint has no objection`);
  return tarball;
}
