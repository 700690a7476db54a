import * as v from "valibot";
import { UdpchatError } from "../errors.js";
import { JsonFile } from "./jsonFile.js";

/** As many as a core can be a member of. */
const MAX_MEMBERSHIPS = 256;
/** 256 labels of 256 characters, each of which JSON may write as six bytes, have less than half. */
const MAX_FILE_BYTES = 1024 * 1024;

const MembershipsSchema = v.object({
  version: v.literal(1),
  memberships: v.pipe(
    v.array(
      v.object({
        group: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
        secret: v.optional(v.literal(true)),
      }),
    ),
    v.maxLength(MAX_MEMBERSHIPS),
  ),
});

/** What the file said. */
export interface MembershipList {
  /** Labels, in the order in which they were joined. */
  readonly groups: readonly string[];
  /** Those of them that are secret groups: without their key they are not to be joined at all. */
  readonly secret: ReadonlySet<string>;
  /** The file was damaged: it lies here now, and `groups` is empty. */
  readonly setAside: string | undefined;
}

/** The groups that the daemon stays in across restarts. */
export interface Memberships {
  list(): Promise<MembershipList>;
  /** Adding twice is one membership. Resolves when it would survive a power cut. */
  add(group: string, secret: boolean): Promise<void>;
  remove(group: string): Promise<void>;
}

interface Entry {
  readonly group: string;
  readonly secret: boolean;
}

/** Memberships in a JSON file. Operations run one after the other, in the order of the calls. */
export class MembershipsFile implements Memberships {
  readonly #file: JsonFile<typeof MembershipsSchema>;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#file = new JsonFile(path, MembershipsSchema, { maxBytes: MAX_FILE_BYTES });
  }

  list(): Promise<MembershipList> {
    return this.#inTurn(async () => {
      const { entries, setAside } = await this.#read();
      return { ...listOf(entries), setAside };
    });
  }

  add(group: string, secret: boolean): Promise<void> {
    return this.#change((entries) => withEntry(entries, { group, secret }));
  }

  remove(group: string): Promise<void> {
    return this.#change((entries) => entries.filter((other) => other.group !== group));
  }

  #change(change: (entries: readonly Entry[]) => readonly Entry[]): Promise<void> {
    return this.#inTurn(async () => {
      const entries = change((await this.#read()).entries);
      if (entries.length > MAX_MEMBERSHIPS) {
        throw new UdpchatError("LIMIT_REACHED", `at most ${MAX_MEMBERSHIPS} groups can be joined`, {
          remedy: "leave one first",
        });
      }
      await this.#write(entries);
    });
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#previous.then(step);
    this.#previous = turn.catch(() => undefined);
    return turn;
  }

  async #read(): Promise<{ entries: Entry[]; setAside: string | undefined }> {
    const found = await this.#file.read();
    if (found.state === "missing") return { entries: [], setAside: undefined };
    if (found.state === "damaged") return { entries: [], setAside: await this.#file.setAside() };
    const entries = found.content.memberships.map(({ group, secret }) => ({
      group,
      secret: secret === true,
    }));
    return { entries, setAside: undefined };
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const memberships = entries.map(({ group, secret }) => ({
      group,
      ...(secret ? { secret } : {}),
    }));
    await this.#file.write({ version: 1, memberships });
  }
}

/** Memberships that last as long as the process. */
export class MemoryMemberships implements Memberships {
  /** Bounded by the groups that a core can join. */
  #entries: readonly Entry[] = [];

  async list(): Promise<MembershipList> {
    return { ...listOf(this.#entries), setAside: undefined };
  }

  async add(group: string, secret: boolean): Promise<void> {
    this.#entries = withEntry(this.#entries, { group, secret });
  }

  async remove(group: string): Promise<void> {
    this.#entries = this.#entries.filter((other) => other.group !== group);
  }
}

function listOf(entries: readonly Entry[]): Pick<MembershipList, "groups" | "secret"> {
  const secret = entries.filter((entry) => entry.secret);
  return {
    groups: entries.map(({ group }) => group),
    secret: new Set(secret.map(({ group }) => group)),
  };
}

/** In the place where it was joined first. */
function withEntry(entries: readonly Entry[], added: Entry): readonly Entry[] {
  const isThere = entries.some(({ group }) => group === added.group);
  if (!isThere) return [...entries, added];
  return entries.map((entry) => (entry.group === added.group ? added : entry));
}
