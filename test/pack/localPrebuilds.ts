import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import type { NodeRuntime } from "./nodeRuntime.js";
import { plainEnvironment, ROOT, shell } from "./root.js";

/**
 * The binary of better-sqlite3 that is built here already, where its installation looks for one
 * before it downloads or builds it for a minute. Nothing if there is none for this Node.
 */
export function localPrebuilds(folder: string, { version }: NodeRuntime): NodeJS.ProcessEnv {
  const require = createRequire(join(ROOT, "package.json"));
  const home = dirname(require.resolve("better-sqlite3/package.json"));
  const isBuilt = existsSync(join(home, "build/Release/better_sqlite3.node"));
  if (!isBuilt || version !== process.versions.node) return {};
  const { version: library }: { version: string } = require("better-sqlite3/package.json");
  const host = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const prebuilds = join(folder, "prebuilds");
  mkdirSync(prebuilds, { recursive: true });
  const file = join(prebuilds, `better-sqlite3-v${library}-${host}.tar.gz`);
  shell(`tar -czf '${file}' build/Release/better_sqlite3.node`, home, plainEnvironment());
  return { npm_config_better_sqlite3_local_prebuilds: prebuilds };
}
