import { UdpchatError } from "../errors.js";
import type { Group, JoinOptions, MessengerApi } from "../messenger/types.js";
import type { GroupLine } from "./lines.js";
import { toGroupLine } from "./toLines.js";

/** Where the labels of standing memberships are kept across restarts. */
export interface StandingGroups {
  /** Resolves when it would survive a restart. */
  add(label: string, secret: boolean): Promise<void>;
  remove(label: string): Promise<void>;
}

interface Membership {
  readonly group: Group;
  /** Chats and temporary speakers that need it now. */
  holders: number;
  standing: boolean;
}

/**
 * Who needs which group: several chats and a standing membership share one membership of the
 * messenger, and the last one out leaves.
 */
export class Memberships {
  readonly #messenger: MessengerApi;
  readonly #store: StandingGroups | undefined;
  /** By label; bounded by the messenger's limit on groups. */
  readonly #memberships = new Map<string, Membership>();
  /** Goodbyes under way, by label; bounded like the groups. */
  readonly #leaving = new Map<string, Promise<void>>();
  #pendingJoins = 0;

  constructor(messenger: MessengerApi, store: StandingGroups | undefined) {
    this.#messenger = messenger;
    this.#store = store;
  }

  /** Joins, or shares the membership; give it back with `release`. */
  async hold(group: string, options?: JoinOptions): Promise<Group> {
    const membership = await this.#join(group, options, (joined) => (joined.holders += 1));
    return membership.group;
  }

  release(group: Group): void {
    const membership = this.#memberships.get(group.label);
    // Removed meanwhile, and perhaps joined anew.
    if (membership?.group !== group) return;
    membership.holders -= 1;
    this.#leaveUnneeded();
  }

  /** A membership across restarts. Throws DAEMON_NOT_RUNNING where nothing can keep it. */
  async stand(group: string, options?: JoinOptions): Promise<GroupLine> {
    const store = this.#store;
    if (store === undefined) {
      throw new UdpchatError("DAEMON_NOT_RUNNING", "only the daemon can stay in a group", {
        remedy: "start it with: udpchat start",
      });
    }
    const joined = await this.hold(group, options);
    try {
      await store.add(joined.label, joined.secret);
      const membership = this.#memberships.get(joined.label);
      if (membership !== undefined) membership.standing = true;
      return toGroupLine(joined, true);
    } finally {
      this.release(joined);
    }
  }

  /** Joins again what was a standing membership before a restart. */
  async restore(label: string, secret: boolean): Promise<void> {
    const options = secret ? { secret, kept: true } : {};
    await this.#join(label, options, (joined) => (joined.standing = true));
  }

  /**
   * Ends a standing membership, forgets the key of a secret group, and returns the label. Throws
   * NOT_A_MEMBER if there was neither.
   */
  async end(group: string): Promise<string> {
    const membership = this.#find(group);
    if (membership?.standing !== true) return await this.#forgetOnly(group);
    const { label } = membership.group;
    await this.#store?.remove(label);
    await this.#messenger.forgetGroup(label);
    membership.standing = false;
    this.#leaveUnneeded();
    await this.#leaving.get(label);
    return label;
  }

  async #forgetOnly(group: string): Promise<string> {
    const label = this.#find(group)?.group.label ?? canonical(group);
    // One that could not be joined again for want of its key stands in the file all the same.
    const forgotten = await this.#messenger.forgetGroup(label);
    if (!forgotten && this.#store === undefined) {
      throw new UdpchatError(
        "DAEMON_NOT_RUNNING",
        `no daemon runs, and no key of ${group} is kept`,
        {
          remedy: "start it with: udpchat start",
        },
      );
    }
    if (!forgotten) throw notAMember(group, "see udpchat groups");
    await this.#store?.remove(label);
    return label;
  }

  /** The group as a member, or throws NOT_A_MEMBER. */
  joined(group: string): Group {
    const membership = this.#find(group);
    if (membership === undefined) {
      throw notAMember(group, `join it first: udpchat join '${group}' --detach`);
    }
    return membership.group;
  }

  lines(): GroupLine[] {
    return [...this.#memberships.values()].map(({ group, standing }) =>
      toGroupLine(group, standing),
    );
  }

  isStanding(group: Group): boolean {
    return this.#memberships.get(group.label)?.standing ?? false;
  }

  /** When the goodbyes that were begun are said. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving.values());
  }

  #find(group: string): Membership | undefined {
    const exact = this.#memberships.get(canonical(group));
    if (exact !== undefined) return exact;
    for (const membership of this.#memberships.values()) {
      const { label, address, port } = membership.group;
      // A named group is never meant by its address: that is another group.
      if (!label.startsWith("#") && `${address}:${port}` === group) return membership;
    }
    return undefined;
  }

  async #join(
    text: string,
    options: JoinOptions | undefined,
    need: (membership: Membership) => void,
  ): Promise<Membership> {
    this.#pendingJoins += 1;
    try {
      const group = await this.#messenger.join(text, options);
      let membership = this.#memberships.get(group.label);
      if (membership === undefined) {
        membership = { group, holders: 0, standing: false };
        this.#memberships.set(group.label, membership);
        this.#followEnd(membership);
      }
      need(membership);
      return membership;
    } finally {
      this.#pendingJoins -= 1;
      this.#leaveUnneeded();
    }
  }

  /** Somebody may remove us: then nothing is left to stand for, and nobody to say goodbye to. */
  #followEnd(membership: Membership): void {
    const { group } = membership;
    const ended = (): void => {
      if (this.#memberships.get(group.label) !== membership) return;
      this.#memberships.delete(group.label);
      // If it stays written, the next start finds no key and does not join.
      if (membership.standing) this.#store?.remove(group.label).catch(() => undefined);
    };
    group.ended.addEventListener("abort", ended, { once: true });
  }

  #leaveUnneeded(): void {
    // A join under way may be given a group that nobody holds at this moment.
    if (this.#pendingJoins > 0) return;
    for (const [label, membership] of this.#memberships) {
      if (membership.holders > 0 || membership.standing) continue;
      this.#memberships.delete(label);
      const leaving = membership.group
        .leave()
        .catch(() => undefined)
        .finally(() => {
          if (this.#leaving.get(label) === leaving) this.#leaving.delete(label);
        });
      this.#leaving.set(label, leaving);
    }
  }
}

/** As labels are written: see `parseGroupName`. */
function canonical(group: string): string {
  return group.trim().normalize("NFC").toLowerCase().normalize("NFC");
}

function notAMember(group: string, remedy: string): UdpchatError {
  return new UdpchatError("NOT_A_MEMBER", `not a member of ${group}`, { remedy });
}
