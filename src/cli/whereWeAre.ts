import type { Api } from "../api/operations.js";
import { sanitiseName } from "../sanitise.js";
import type { CommandContext } from "./context.js";

/** Says on standard error how others reach us: `listening as alice on port 22400`. */
export async function remarkWhereWeAre(
  doing: string,
  api: Api,
  { signal, stderr }: CommandContext,
): Promise<void> {
  const { name, port } = await api.call("status", {}, { signal });
  await stderr.line(`${doing} as ${sanitiseName(name)} on port ${port}`);
}
