/** How a membership begins: the key of a secret group, and what is said about who reads. */
import type { ChatLine, GroupLine, InvitationLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName } from "../../../sanitise.js";
import type { CommandContext } from "../../context.js";
import { askedInput, type SecretInput } from "./passphrase.js";

export type JoinInput = SecretInput & { readonly group: string };

const OPEN_GROUP = "anyone on this network can read this group";
const SECRET_GROUP =
  "only who has the key can read this group; that you use it, anyone on this network can see";

/** What happens in the group while we are in it. Asks for the passphrase if it is that which is missing. */
export async function* chatLines(
  input: JoinInput,
  api: Api,
  context: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<ChatLine, void, undefined> {
  let asked: SecretInput;
  try {
    yield* api.stream("chat", input, { signal });
    return;
  } catch (thrown) {
    asked = await askedInput(thrown, input.group, input, context);
  }
  yield* api.stream("chat", { ...input, ...asked }, { signal });
}

/** Says it on standard error, and `more` behind it. */
export function remarkWhoReads(
  { secret }: GroupLine,
  more: string,
  { stderr }: CommandContext,
): Promise<void> {
  return stderr.line(`${secret ? SECRET_GROUP : OPEN_GROUP}${more}`);
}

/** Those that joining may accept. */
export async function pendingInvitations(
  { secret, passphrase }: JoinInput,
  api: Api,
): Promise<InvitationLine[]> {
  if (secret !== true || passphrase !== undefined) return [];
  const lines = await api.call("groups", {});
  return lines.filter((line) => line.type === "invitation");
}

/** Anybody can invite to a group of any name: whose key it is, is to be seen. */
export async function remarkInvitations(
  pending: readonly InvitationLine[],
  { group }: GroupLine,
  api: Api,
  { stderr }: CommandContext,
): Promise<void> {
  const ours = pending.filter((line) => line.group === group);
  if (ours.length === 0) return;
  const left = await api.call("groups", {});
  if (left.some((line) => line.type === "invitation" && line.group === group)) return;
  const names = ours.map(({ from }) => `${from.name} (${from.address}:${from.port})`);
  await stderr.line(sanitiseName(`invited by ${names.join(", ")}`));
}
