import { dirname } from "node:path";
import * as v from "valibot";
import { UdpchatError } from "../errors.js";
import { withFileLock } from "./fileLock.js";
import { JsonFile } from "./jsonFile.js";
import { makeFolder } from "./privateFolder.js";

/** As many as a core can be a member of. */
const MAX_GROUPS = 256;
/** The oldest goes when one more comes: whoever is on the network can send them. */
export const MAX_INVITATIONS = 64;
/** So many of one device: nobody alone pushes out what others sent. */
const MAX_INVITATIONS_PER_DEVICE = 8;
/** More than a core keeps of former keys, or of devices that were kept out. */
const MAX_HISTORY = 1024;
/**
 * 256 groups and 64 invitations with four lists of 1024 entries, each on a line of 80 bytes, have
 * 105 MB: ours are a thousandth of that.
 */
const MAX_FILE_BYTES = 128 * 1024 * 1024;

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const label = v.pipe(v.string(), v.nonEmpty(), v.maxLength(256));
const devices = v.pipe(v.array(hex(64)), v.maxLength(MAX_HISTORY));

const KeysSchema = v.object({
  epoch: count,
  key: hex(64),
  retired: v.pipe(v.array(hex(64)), v.maxLength(MAX_HISTORY)),
  removed: devices,
  /** Files of earlier versions have none. */
  members: v.optional(devices),
  change: v.optional(v.object({ by: hex(64), removed: devices, signature: hex(128) })),
});
const InvitationSchema = v.object({
  label,
  from: v.object({ id: hex(64), name: v.string(), address: v.string(), port: count }),
  keys: KeysSchema,
});
const GroupKeysSchema = v.object({
  version: v.literal(1),
  /** `keys` is null where we had one and have none any more. */
  groups: v.pipe(
    v.array(v.object({ label, keys: v.nullable(KeysSchema) })),
    v.maxLength(MAX_GROUPS),
  ),
  invitations: v.pipe(v.array(InvitationSchema), v.maxLength(MAX_INVITATIONS)),
});

/** The keys of one secret group, as `GroupKeys` of the core. */
export interface StoredGroupKeys {
  readonly epoch: number;
  /** 64 hexadecimal digits, as those of `retired`. */
  readonly key: string;
  readonly retired: readonly string[];
  readonly removed: readonly string[];
  /** Devices that were met in the group. */
  readonly members?: readonly string[];
  readonly change:
    | { readonly by: string; readonly removed: readonly string[]; readonly signature: string }
    | undefined;
}

/** The key of a group that somebody gave us, until we join. */
export interface StoredInvitation {
  readonly label: string;
  readonly from: {
    /** Device key. */
    readonly id: string;
    readonly name: string;
    readonly address: string;
    readonly port: number;
  };
  readonly keys: StoredGroupKeys;
}

/** Everything that this home knows of secret groups. */
export interface SecretGroupList {
  /** By label; null: the group is a secret one, but we have no key of it any more. */
  readonly groups: ReadonlyMap<string, StoredGroupKeys | null>;
  /** The latest last. At most one for a label from a device. */
  readonly invitations: readonly StoredInvitation[];
}

/**
 * The file is damaged, and stays where it is: without it nobody knows which names stand for secret
 * groups, and what is meant for one must not be said in the open group of that name.
 */
export class DamagedGroupKeysError extends UdpchatError {
  constructor(path: string) {
    super("HOME_UNUSABLE", `the keys of secret groups in ${path} are damaged: no group is joined`, {
      remedy:
        "restore the file; or move it away and join your secret groups again with --secret, " +
        "before you say anything there: until then their names stand for open groups",
    });
  }
}

/** The keys of secret groups, for every process of this home. */
export interface GroupKeyStore {
  /** Throws {@link DamagedGroupKeysError}, as all others do, and HOME_UNUSABLE. */
  list(): Promise<SecretGroupList>;
  /** Keys to join with: replaces what was there and what invitations said. Throws LIMIT_REACHED. */
  keep(label: string, keys: StoredGroupKeys): Promise<void>;
  /** Keys that changed. Nothing happens if the label was forgotten or its stored epoch is later. */
  update(label: string, keys: StoredGroupKeys): Promise<void>;
  /** We have no key, but the label stays one of a secret group. */
  lock(label: string): Promise<void>;
  /** The label is free again: its key goes, or else its invitations. False if there was neither. */
  forget(label: string): Promise<boolean>;
  /** Keeps an invitation; one of the same device for the same label goes. */
  invite(invitation: StoredInvitation): Promise<void>;
}

/** What may be changed, and then written. */
interface Content {
  readonly groups: Map<string, StoredGroupKeys | null>;
  invitations: StoredInvitation[];
}

/** Where the content comes from and goes to, one change after the other. */
type Change = <T>(change: (content: Content) => T) => Promise<T>;

/** The rules, over any place to keep the content. */
class KeyRing implements GroupKeyStore {
  readonly #read: () => Promise<SecretGroupList>;
  readonly #change: Change;

  constructor(read: () => Promise<SecretGroupList>, change: Change) {
    this.#read = read;
    this.#change = change;
  }

  list(): Promise<SecretGroupList> {
    return this.#read();
  }

  keep(label: string, keys: StoredGroupKeys): Promise<void> {
    return this.#change((content) => {
      addGroup(content, label, keys);
      content.invitations = content.invitations.filter((other) => other.label !== label);
    });
  }

  update(label: string, keys: StoredGroupKeys): Promise<void> {
    return this.#change(({ groups }) => {
      const stored = groups.get(label);
      if (stored && stored.epoch <= keys.epoch) groups.set(label, keys);
    });
  }

  lock(label: string): Promise<void> {
    return this.#change((content) => addGroup(content, label, null));
  }

  forget(label: string): Promise<boolean> {
    return this.#change((content) => {
      if (content.groups.delete(label)) return true;
      const others = content.invitations.filter((invitation) => invitation.label !== label);
      const found = others.length < content.invitations.length;
      content.invitations = others;
      return found;
    });
  }

  invite(invitation: StoredInvitation): Promise<void> {
    return this.#change((content) => {
      const others = content.invitations.filter(
        ({ label, from }) => label !== invitation.label || from.id !== invitation.from.id,
      );
      const ofDevice = others.filter(({ from }) => from.id === invitation.from.id);
      const tooMany = new Set(ofDevice.slice(0, 1 - MAX_INVITATIONS_PER_DEVICE));
      const kept = others.filter((other) => !tooMany.has(other));
      content.invitations = [...kept, invitation].slice(-MAX_INVITATIONS);
    });
  }
}

function addGroup({ groups }: Content, label: string, keys: StoredGroupKeys | null): void {
  if (!groups.has(label) && groups.size >= MAX_GROUPS) {
    throw new UdpchatError("LIMIT_REACHED", `at most ${MAX_GROUPS} secret groups are kept`, {
      remedy: "leave one first",
    });
  }
  groups.set(label, keys);
}

/** Keys in a JSON file (0600), shared by all processes of a home. */
export function groupKeysFile(path: string): GroupKeyStore {
  const file = new GroupKeysFile(path);
  return new KeyRing(
    () => file.list(),
    (change) => file.change(change),
  );
}

/** Keys that last as long as the process. */
export function memoryGroupKeys(): GroupKeyStore {
  const content: Content = { groups: new Map(), invitations: [] };
  return new KeyRing(
    async () => ({ groups: new Map(content.groups), invitations: content.invitations }),
    async (change) => change(content),
  );
}

class GroupKeysFile {
  readonly #path: string;
  readonly #file: JsonFile<typeof GroupKeysSchema>;
  /** In the order of the calls, also within this process. */
  #previous: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#file = new JsonFile(path, GroupKeysSchema, { maxBytes: MAX_FILE_BYTES });
  }

  /** After the changes that this process began; a file that is replaced can be read at any time. */
  list(): Promise<SecretGroupList> {
    return this.#inTurn(() => this.#read());
  }

  change<T>(change: (content: Content) => T): Promise<T> {
    return this.#inTurn(async () => {
      await makeFolder(dirname(this.#path));
      return await withFileLock(`${this.#path}.lock`, async () => {
        const content = await this.#read();
        const result = change(content);
        await this.#write(content);
        return result;
      });
    });
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#previous.then(step);
    this.#previous = turn.catch(() => undefined);
    return turn;
  }

  async #read(): Promise<Content> {
    const found = await this.#file.read();
    if (found.state === "missing") return { groups: new Map(), invitations: [] };
    if (found.state === "damaged") throw new DamagedGroupKeysError(this.#path);
    const { groups, invitations } = found.content;
    return {
      groups: new Map(groups.map(({ label, keys }) => [label, keys && keysOf(keys)])),
      invitations: invitations.map((invitation) => ({
        ...invitation,
        keys: keysOf(invitation.keys),
      })),
    };
  }

  #write({ groups, invitations }: Content): Promise<void> {
    return this.#file.write({
      version: 1,
      groups: Array.from(groups, ([label, keys]) => ({ label, keys })),
      invitations,
    });
  }
}

function keysOf(parsed: v.InferOutput<typeof KeysSchema>): StoredGroupKeys {
  const { members, ...keys } = parsed;
  const whole = { ...keys, change: keys.change };
  return members === undefined ? whole : { ...whole, members };
}
