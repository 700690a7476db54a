import { groupKeyOf } from "../../crypto/groupSeal.js";
import { toHex } from "../../wire/cursor.js";
import { type GroupKeyNote, groupKeyStatement } from "../../wire/groupKeyNote.js";
import type { CoreContext } from "../context.js";
import type { GroupKeys } from "../io.js";
import { parseGroupName } from "./groupName.js";

/** No label names it: every port in a label is then written out. */
const NO_PORT = 0;
/** No group changes its key so often: a higher epoch leaves no room for later ones. */
const MAX_INVITED_EPOCH = 2 ** 40;

/**
 * The keys that an invitation to a group that we are not in gives; undefined if it contradicts
 * itself, so that nobody is misled about which group it is for or who changed its key.
 */
export function keysOfInvitation(context: CoreContext, note: GroupKeyNote): GroupKeys | undefined {
  if (!isLabelOf(note) || note.epoch > MAX_INVITED_EPOCH) return undefined;
  if (context.trust.isBlocked(note.by)) return undefined;
  const { id } = groupKeyOf(note.key, context.random);
  if (!context.verify(note.by, groupKeyStatement(note, id), note.signature)) return undefined;
  const { epoch, key, by, removed } = note;
  const isChanged = epoch > 0;
  const change = isChanged ? { by, removed, signature: toHex(note.signature) } : undefined;
  return { epoch, key, retired: [], removed, change };
}

function isLabelOf({ groupId, label }: GroupKeyNote): boolean {
  try {
    const name = parseGroupName(label, NO_PORT, { secret: true });
    return name.label === label && name.groupId === groupId;
  } catch {
    return false;
  }
}
