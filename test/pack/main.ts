/**
 * The package as its users get it: packed, installed globally in an empty folder on each version of
 * Node, and used on hosts of their own by the command lines of the README.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { namespacesAvailable } from "../support/namespaceLan.js";
import { nodeRuntime } from "./nodeRuntime.js";
import { packed } from "./tarball.js";
import { tryPackage } from "./trial.js";
import { checkTypes } from "./typeCheck.js";

const VERSIONS = "20,22,24,26";

const { values } = parseArgs({ options: { node: { type: "string", default: VERSIONS } } });
const available = namespacesAvailable();
if (!available.ok) {
  console.log(`SKIPPED: the package is tried on hosts of its own: ${available.reason}`);
} else {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-pack-"));
  try {
    const tarball = packed(folder);
    for (const version of values.node.split(",")) {
      const startMs = performance.now();
      const runtime = nodeRuntime(version, folder);
      const project = await tryPackage(tarball, runtime, join(folder, `try-${version}`));
      if (version === values.node.split(",", 1)[0]) checkTypes(project);
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      console.log(`Node ${runtime.version}: installed, and used as the README says (${seconds} s)`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
