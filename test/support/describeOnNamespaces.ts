import { describeUnless } from "./describeUnless.js";
import { namespacesAvailable } from "./namespaceLan.js";

/** A suite that needs hosts of its own; where there can be none it is skipped, and says why. */
export function describeOnNamespaces(name: string, suite: () => void): void {
  const available = namespacesAvailable();
  describeUnless(available.ok ? undefined : available.reason, name, suite);
}
