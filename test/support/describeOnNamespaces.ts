import { describe } from "vitest";
import { namespacesAvailable } from "./namespaceLan.js";

/** A suite that needs hosts of its own; where there can be none it is skipped, and says why. */
export function describeOnNamespaces(name: string, suite: () => void): void {
  const available = namespacesAvailable();
  if (available.ok) {
    describe(name, suite);
  } else {
    process.stderr.write(`SKIPPED: ${name}: ${available.reason}\n`);
    describe.skip(`${name} (SKIPPED: ${available.reason})`, suite);
  }
}
