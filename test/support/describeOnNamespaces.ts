import { describe } from "vitest";
import { namespacesAvailable } from "./namespaceLan.js";

/** A suite that needs hosts of its own; where there can be none it is skipped, and says why. */
export function describeOnNamespaces(name: string, suite: () => void): void {
  const available = namespacesAvailable();
  const skipped = available.ok ? "" : ` (SKIPPED: ${available.reason})`;
  if (!available.ok) process.stderr.write(`${name}${skipped}\n`);
  describe.skipIf(!available.ok)(name + skipped, () => suite());
}
