import { readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { errnoOf, UdpchatError } from "../errors.js";
import { replaceFile } from "./atomicFile.js";
import { makeFolder } from "./privateFolder.js";

/** As many as a core can be a member of. */
const MAX_MEMBERSHIPS = 256;

const MembershipsSchema = v.object({
  version: v.literal(1),
  memberships: v.pipe(
    v.array(v.object({ group: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)) })),
    v.maxLength(MAX_MEMBERSHIPS),
  ),
});

/** What the file said. */
export interface MembershipList {
  /** Labels, in the order in which they were joined. */
  readonly groups: readonly string[];
  /** The file was damaged: it lies here now, and `groups` is empty. */
  readonly setAside: string | undefined;
}

/** The groups that the daemon stays in across restarts. */
export interface Memberships {
  list(): Promise<MembershipList>;
  /** Adding twice is one membership. Resolves when it would survive a power cut. */
  add(group: string): Promise<void>;
  remove(group: string): Promise<void>;
}

/** Memberships in a JSON file. Operations run one after the other, in the order of the calls. */
export class MembershipsFile implements Memberships {
  readonly #path: string;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  list(): Promise<MembershipList> {
    return this.#inTurn(() => this.#read());
  }

  add(group: string): Promise<void> {
    return this.#change((groups) => (groups.includes(group) ? groups : [...groups, group]));
  }

  remove(group: string): Promise<void> {
    return this.#change((groups) => groups.filter((other) => other !== group));
  }

  #change(change: (groups: readonly string[]) => readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      const groups = change((await this.#read()).groups);
      if (groups.length > MAX_MEMBERSHIPS) {
        throw new UdpchatError("LIMIT_REACHED", `at most ${MAX_MEMBERSHIPS} groups can be joined`, {
          remedy: "leave one first",
        });
      }
      await this.#write(groups);
    });
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#previous.then(step);
    this.#previous = turn.catch(() => undefined);
    return turn;
  }

  async #read(): Promise<MembershipList> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return { groups: [], setAside: undefined };
      throw this.#unusable("read", cause);
    }
    const content = v.safeParse(MembershipsSchema, parseJson(text));
    if (!content.success) return { groups: [], setAside: await this.#setAside() };
    return { groups: content.output.memberships.map(({ group }) => group), setAside: undefined };
  }

  async #setAside(): Promise<string> {
    const aside = `${this.#path}.damaged-${Date.now()}`;
    try {
      await rename(this.#path, aside);
    } catch (cause) {
      throw this.#unusable("set aside", cause);
    }
    return aside;
  }

  async #write(groups: readonly string[]): Promise<void> {
    const content = { version: 1, memberships: groups.map((group) => ({ group })) };
    await makeFolder(dirname(this.#path));
    try {
      await replaceFile(this.#path, `${JSON.stringify(content, undefined, 2)}\n`);
    } catch (cause) {
      throw this.#unusable("write", cause);
    }
  }

  #unusable(action: string, cause: unknown): UdpchatError {
    return new UdpchatError("HOME_UNUSABLE", `cannot ${action} ${this.#path}`, {
      cause,
      remedy: "check the permissions and free space there, or choose another folder with --home",
    });
  }
}

/** Memberships that last as long as the process. */
export class MemoryMemberships implements Memberships {
  /** Bounded by the groups that a core can join. */
  readonly #groups = new Set<string>();

  async list(): Promise<MembershipList> {
    return { groups: [...this.#groups], setAside: undefined };
  }

  async add(group: string): Promise<void> {
    this.#groups.add(group);
  }

  async remove(group: string): Promise<void> {
    this.#groups.delete(group);
  }
}

/** Undefined, which no schema takes, for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
