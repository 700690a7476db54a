import { type GroupName, parseGroupName } from "../core/groups/groupName.js";
import type { Lan, LanAddress } from "../net/lan.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { EventStream } from "./eventStream.js";
import { GroupHandle } from "./group.js";
import { closedError } from "./waiting.js";

/** What memberships build on. */
export interface JoinedGroupsParts {
  readonly driver: Driver;
  readonly lan: Lan;
  readonly clock: Clock;
  readonly stream: EventStream;
}

interface Membership {
  readonly name: GroupName;
  readonly handle: GroupHandle;
}

/** The groups that we are a member of, in the core and on the network. */
export class JoinedGroups {
  readonly #parts: JoinedGroupsParts;
  /** By group id; bounded by `limits.groups` of the core. */
  readonly #memberships = new Map<string, Membership>();
  /** By group id: the join or leave that runs. A later one of the same group waits for it. */
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

  /** The label of the group with this address; null if there is none. */
  labelAt(address: LanAddress | undefined): string | null {
    for (const { name } of this.#memberships.values()) {
      if (name.address === address?.address && name.port === address.port) return name.label;
    }
    return null;
  }

  /** @throws UdpchatError INVALID_GROUP, LIMIT_REACHED, NETWORK_UNAVAILABLE, PORT_IN_USE, CLOSED */
  async join(text: string): Promise<GroupHandle> {
    const name = parseGroupName(text.trim(), this.#parts.lan.discoveryPort);
    return this.#inTurn(name.groupId, async () => {
      if (this.#closed) throw closedError();
      return this.#memberships.get(name.groupId)?.handle ?? (await this.#become(name));
    });
  }

  async #become(name: GroupName): Promise<GroupHandle> {
    const { lan, driver, clock, stream } = this.#parts;
    const at = { address: name.address, port: name.port };
    await lan.joinGroup(at);
    try {
      if (this.#closed) throw closedError();
      driver.command((core, nowMs) => core.joinGroup(nowMs, name));
    } catch (error) {
      await lan.leaveGroup(at);
      throw error;
    }
    const leave = (): Promise<void> => this.#inTurn(name.groupId, () => this.#leave(name));
    const handle = new GroupHandle(name, { driver, clock, stream, leave });
    this.#memberships.set(name.groupId, { name, handle });
    return handle;
  }

  async #leave(name: GroupName): Promise<void> {
    if (this.#closed) return;
    const goodbye = new Promise<void>((resolve) => {
      this.#awaitingGoodbye.set(name.groupId, resolve);
    });
    this.#parts.driver.command((core, nowMs) => core.leaveGroup(nowMs, name.groupId));
    await goodbye;
    this.#memberships.delete(name.groupId);
    await this.#parts.lan.leaveGroup({ address: name.address, port: name.port });
  }

  /** The core said goodbye to the group. */
  goodbyeSaid(groupId: string): void {
    const resolve = this.#awaitingGoodbye.get(groupId);
    this.#awaitingGoodbye.delete(groupId);
    resolve?.();
  }

  /** No more joins; those who wait for a goodbye are released: everything is said by now. */
  close(): void {
    this.#closed = true;
    for (const groupId of this.#awaitingGoodbye.keys()) this.goodbyeSaid(groupId);
  }

  #inTurn<T>(groupId: string, step: () => Promise<T>): Promise<T> {
    const previous = this.#changing.get(groupId) ?? Promise.resolve();
    const turn = previous.then(step, step);
    this.#changing.set(groupId, turn);
    const settled = (): void => {
      if (this.#changing.get(groupId) === turn) this.#changing.delete(groupId);
    };
    turn.then(settled, settled);
    return turn;
  }
}
