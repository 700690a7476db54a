import { type GroupName, parseGroupName } from "../core/groups/groupName.js";
import type { CoreEvent, GroupKeys } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { Lan, LanAddress } from "../net/lan.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { EventStream } from "./eventStream.js";
import { GroupHandle, type GroupParts } from "./group.js";
import type { GroupMembers } from "./groupMembers.js";
import type { TrustReader } from "./peerShapes.js";
import type { SecretGroups } from "./secretGroups.js";
import type { JoinOptions, Warning } from "./types.js";
import { closedError } from "./waiting.js";

/** What memberships build on. */
export interface JoinedGroupsParts {
  readonly driver: Driver;
  readonly lan: Lan;
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly trust: TrustReader;
  readonly secrets: SecretGroups;
  readonly showsDirect: GroupParts["showsDirect"];
  readonly members: GroupMembers;
  /** Nothing of the group's datagrams is kept any more. */
  readonly forgetDatagrams: (groupId: string) => void;
}

interface Membership {
  readonly name: GroupName;
  readonly handle: GroupHandle;
  /** When it is left its datagrams are forgotten. */
  isForgotten: boolean;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** What happens to a membership or to the key of a secret group. */
export type MembershipEvent = EventOf<
  | "groupKeys"
  | "groupInvitation"
  | "groupRemoval"
  | "groupExpelled"
  | "groupUnreadable"
  | "groupSaid"
  | "groupUnsaid"
  | "groupTransport"
>;

/** The groups that we are a member of, in the core and on the network. */
export class JoinedGroups {
  readonly #parts: JoinedGroupsParts;
  /** By group id, each label once; bounded by `limits.groups` of the core. */
  readonly #memberships = new Map<string, Membership>();
  /** By label: the join or leave that runs. A later one of the same label waits for it. */
  readonly #changing = new Map<string, Promise<unknown>>();
  /** By group id: what to do at `groupLeft`. */
  readonly #awaitingGoodbye = new Map<string, () => void>();
  #closed = false;

  constructor(parts: JoinedGroupsParts) {
    this.#parts = parts;
  }

  handles(): GroupHandle[] {
    return Array.from(this.#memberships.values(), ({ handle }) => handle);
  }

  /** Of a group id that the core mentions; undefined once it is left. */
  labelOf(groupId: string): string | undefined {
    return this.#memberships.get(groupId)?.name.label;
  }

  /** The label of the open group with this address; null if there is none. */
  labelAt(address: LanAddress | undefined): string | null {
    for (const { name } of this.#memberships.values()) {
      // Plain text is none of a secret group's.
      if (name.secret) continue;
      if (name.address === address?.address && name.port === address.port) return name.label;
    }
    return null;
  }

  /**
   * A secret group that we are in.
   * @throws UdpchatError NOT_A_MEMBER, INVALID_GROUP for an open one
   */
  secret(text: string): GroupName {
    const { label } = this.#parse(text);
    const membership = this.#find(label);
    if (membership === undefined) {
      throw new UdpchatError("NOT_A_MEMBER", `not a member of ${label}`, {
        remedy: "join it first",
      });
    }
    if (!membership.name.secret) throw isOpen(label);
    return membership.name;
  }

  /**
   * Frees a label whose key this home keeps; false if it keeps none. The group's datagrams are
   * forgotten, now or when it is left.
   */
  forget(text: string): Promise<boolean> {
    const { label } = this.#parse(text);
    return this.#inTurn(label, async () => {
      const hadKey = await this.#parts.secrets.forget(label);
      const present = this.#find(label);
      if (present !== undefined) present.isForgotten = true;
      else {
        for (const secret of [false, true]) {
          this.#parts.forgetDatagrams(this.#parse(text, secret).groupId);
        }
      }
      return hadKey;
    });
  }

  /**
   * @throws UdpchatError INVALID_GROUP, INVALID_PASSPHRASE, NO_GROUP_KEY, AMBIGUOUS_PEER,
   *   LIMIT_REACHED, NETWORK_UNAVAILABLE, PORT_IN_USE, HOME_UNUSABLE, CLOSED
   */
  async join(text: string, options: JoinOptions = {}): Promise<GroupHandle> {
    const { label } = this.#parse(text);
    return this.#inTurn(label, async () => {
      if (this.#closed) throw closedError();
      const { secrets } = this.#parts;
      const present = this.#find(label);
      if (present?.name.secret === true) {
        await secrets.assertPassphrase(label, options.passphrase);
        return present.handle;
      }
      if (present !== undefined && options.kept === true) throw isOpen(label);
      if (present !== undefined && wantsSecret(options)) throw mustLeaveOpen(label);
      const keys = await secrets.keysFor(label, options);
      // Another process of this home made it secret while we were in the open group.
      if (present !== undefined && keys !== undefined) throw mustLeaveOpen(label);
      return present?.handle ?? (await this.#become(this.#parse(text, keys !== undefined), keys));
    });
  }

  async #become(name: GroupName, keys: GroupKeys | undefined): Promise<GroupHandle> {
    const { lan, driver, clock, stream, trust, showsDirect } = this.#parts;
    const at = { address: name.address, port: name.port };
    await lan.joinGroup(at);
    try {
      if (this.#closed) throw closedError();
      driver.command((core, nowMs) => core.joinGroup(nowMs, name, keys));
    } catch (error) {
      await lan.leaveGroup(at);
      throw error;
    }
    const leave = (): Promise<void> => this.#inTurn(name.label, () => this.#leave(name));
    const handle = new GroupHandle(name, { driver, clock, stream, trust, showsDirect, leave });
    this.#memberships.set(name.groupId, { name, handle, isForgotten: false });
    return handle;
  }

  async #leave(name: GroupName): Promise<void> {
    const membership = this.#memberships.get(name.groupId);
    if (this.#closed || membership === undefined) return;
    const goodbye = new Promise<void>((resolve) => {
      this.#awaitingGoodbye.set(name.groupId, resolve);
    });
    this.#parts.driver.command((core, nowMs) => core.leaveGroup(nowMs, name.groupId));
    await goodbye;
    // Unless we were removed while we said it.
    if (this.#memberships.delete(name.groupId)) await this.#leaveLan(name);
    if (membership.isForgotten && !this.#closed) this.#parts.forgetDatagrams(name.groupId);
  }

  #leaveLan({ address, port }: GroupName): Promise<void> {
    return this.#parts.lan.leaveGroup({ address, port });
  }

  /** The core said goodbye to the group. */
  goodbyeSaid(groupId: string): void {
    const resolve = this.#awaitingGoodbye.get(groupId);
    this.#awaitingGoodbye.delete(groupId);
    resolve?.();
  }

  settle(event: MembershipEvent): void {
    if (event.kind === "groupInvitation") {
      this.#parts.secrets.invited(event);
      return;
    }
    const membership = this.#memberships.get(event.groupId);
    if (membership === undefined) return;
    const { label } = membership.name;
    switch (event.kind) {
      case "groupKeys":
        this.#parts.secrets.changed(label, event.keys);
        return;
      case "groupRemoval":
        this.#tellRemoval(label, event);
        return;
      case "groupExpelled":
        this.#expelled(membership, event.by);
        return;
      case "groupSaid":
        membership.handle.said(event.messageId);
        return;
      case "groupUnsaid":
        membership.handle.unsaid(event.messageId);
        return;
      case "groupTransport":
        this.#transportChanged(membership, event);
        return;
      case "groupUnreadable":
        this.#warn({
          code: "GROUP_KEY_UNKNOWN",
          message:
            `members of ${label} use a key that this home does not have: if you cannot read the ` +
            `others, leave the group and join it with their passphrase or an invitation`,
          peer: null,
          group: label,
        });
    }
  }

  #transportChanged({ name, handle }: Membership, event: EventOf<"groupTransport">): void {
    const before = handle.transport;
    const { transport } = event;
    handle.transportChanged(transport);
    if ((before === "multicast") === (transport === "multicast")) return;
    const group = name.label;
    this.#warn(
      transport === "multicast"
        ? {
            code: "MULTICAST_RESTORED",
            message: `multicast to ${name.address} passes again: copies by unicast have ended`,
            peer: null,
            group,
          }
        : {
            code: "MULTICAST_BLOCKED",
            message: blockedText(name, event),
            peer: null,
            group,
          },
    );
  }

  #tellRemoval(group: string, { groupId, devices, by }: EventOf<"groupRemoval">): void {
    const { members, stream } = this.#parts;
    for (const device of devices) {
      const peer = members.partyOf(device, groupId);
      const removal = { group, peer, by: members.partyOf(by, groupId) };
      stream.publish({ type: "removed", removal });
    }
  }

  #expelled({ name, handle }: Membership, by: string): void {
    const { driver, members, secrets } = this.#parts;
    const peer = members.partyOf(by, name.groupId);
    const remover = peer.name === "" ? by.slice(0, 8) : peer.name;
    this.#warn({
      code: "GROUP_REMOVED",
      message: `${remover} removed you from ${name.label}: what is said there you cannot read`,
      peer,
      group: name.label,
    });
    secrets.expelled(name.label);
    this.#memberships.delete(name.groupId);
    driver.command((core, nowMs) => core.leaveGroup(nowMs, name.groupId));
    handle.expelled();
    this.goodbyeSaid(name.groupId);
    // What is not left here is left when the sockets close.
    this.#leaveLan(name).catch(() => undefined);
  }

  #warn(warning: Warning): void {
    this.#parts.stream.publish({ type: "warning", warning });
  }

  /** No more joins; those who wait for a goodbye are released: everything is said by now. */
  close(): void {
    this.#closed = true;
    for (const { handle } of this.#memberships.values()) handle.closed();
    for (const groupId of this.#awaitingGoodbye.keys()) this.goodbyeSaid(groupId);
  }

  #parse(text: string, secret = false): GroupName {
    return parseGroupName(text.trim(), this.#parts.lan.discoveryPort, { secret });
  }

  #find(label: string): Membership | undefined {
    for (const membership of this.#memberships.values()) {
      if (membership.name.label === label) return membership;
    }
    return undefined;
  }

  #inTurn<T>(label: string, step: () => Promise<T>): Promise<T> {
    const previous = this.#changing.get(label) ?? Promise.resolve();
    const turn = previous.then(step, step);
    this.#changing.set(label, turn);
    const settled = (): void => {
      if (this.#changing.get(label) === turn) this.#changing.delete(label);
    };
    turn.then(settled, settled);
    return turn;
  }
}

/** Which way multicast is missing. */
function blockedText(
  { address, label }: GroupName,
  { copies, unheard }: EventOf<"groupTransport">,
): string {
  const failures: string[] = [];
  if (copies > 0) failures.push(`from here to ${countOf(copies)}`);
  if (unheard > 0) failures.push(`to here from ${countOf(unheard)}`);
  const where = failures.length === 0 ? "here" : failures.join(" and ");
  return `multicast to ${address} does not pass ${where} of ${label}: copies by unicast are used`;
}

function countOf(members: number): string {
  return members === 1 ? "1 member" : `${members} members`;
}

function wantsSecret({ secret, passphrase }: JoinOptions): boolean {
  return secret === true || passphrase !== undefined;
}

function isOpen(label: string): UdpchatError {
  return new UdpchatError("INVALID_GROUP", `${label} is an open group: everybody can join it`, {
    remedy: "keys, invitations and removals are for groups that are joined with --secret",
  });
}

function mustLeaveOpen(label: string): UdpchatError {
  return new UdpchatError("INVALID_GROUP", `this home is in the open group ${label}`, {
    remedy: `leave the open group first: udpchat leave '${label}'`,
  });
}
