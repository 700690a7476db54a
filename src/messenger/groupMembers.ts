import type { GroupMember } from "../core/groups/groups.js";
import type { PeerView } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { Lan } from "../net/lan.js";
import type { StoredParty } from "../store/messageStore.js";
import type { Driver } from "./driver.js";
import { DEVICE_ID } from "./namedDevice.js";
import { peerRef, type TrustReader } from "./peerShapes.js";
import type { Preferences } from "./preferences.js";
import { partyRef } from "./storedShapes.js";
import { findPeer, parseTarget, type Target } from "./target.js";
import type { PeerRef } from "./types.js";

/** Where members are looked up. */
export interface GroupMembersParts {
  readonly driver: Driver;
  readonly lan: Lan;
  readonly trust: TrustReader;
  /** Our own nickname. */
  readonly preferences: Pick<Preferences, "name">;
}

/** Who is meant, and who is who, in a group. */
export class GroupMembers {
  readonly #parts: GroupMembersParts;
  #self: StoredParty | undefined;

  constructor(parts: GroupMembersParts) {
    this.#parts = parts;
  }

  /**
   * The device key of somebody other than ourselves.
   * @throws UdpchatError INVALID_TARGET, NO_SUCH_PEER, AMBIGUOUS_PEER
   */
  find(target: string, groupId: string): string {
    const { driver } = this.#parts;
    const found = driver.inspect((core) =>
      memberOf(parseTarget(target), core.members(groupId), core.peers()),
    );
    if (found !== driver.inspect((core) => core.id)) return found;
    throw new UdpchatError("INVALID_TARGET", "that is your own key", {
      remedy: "leave the group instead",
    });
  }

  /** Ourselves: the same object for as long as name and address are, as every message has it. */
  self(): StoredParty {
    const { driver, lan, preferences } = this.#parts;
    const { name } = preferences;
    const here = lan.interfaces().find(({ loopback }) => !loopback);
    const address = here?.address ?? "127.0.0.1";
    const port = lan.dataPort;
    const known = this.#self;
    if (known?.address === address && known.port === port && known.name === name) return known;
    this.#self = { device: driver.inspect((core) => core.id), name, address, port };
    return this.#self;
  }

  /** A device as far as it is known here: nothing but its key, perhaps. */
  partyOf(id: string, groupId: string): PeerRef {
    const { driver, trust } = this.#parts;
    const self = this.self();
    if (id === self.device) return partyRef(self, trust);
    const isIt = (peer: { readonly id: string }): boolean => peer.id === id;
    const known = driver.inspect(
      (core) => core.peers().find(isIt) ?? core.members(groupId).find(isIt),
    );
    return peerRef(known ?? { id, name: "", address: "", port: 0 }, trust);
  }
}

/**
 * Whom a target means where a member of a group is to be named: its members go first, then the
 * roster; the whole id names anybody, wherever he is.
 * @returns the device key
 * @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER
 */
function memberOf(
  target: Target,
  members: readonly GroupMember[],
  roster: readonly PeerView[],
): string {
  const views = members.map(viewOf);
  const found =
    target.kind === "address"
      ? [...views, ...roster].find(
          ({ address, port }) => address === target.to.address && port === target.to.port,
        )
      : byName(target, views, roster);
  if (found !== undefined) return found.id;
  const name = nameOf(target);
  if (DEVICE_ID.test(name)) return name;
  throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} is known in this group`, {
    remedy: "see who is there with groups --json and peers, or write the whole id",
  });
}

function byName(
  target: Target,
  members: readonly PeerView[],
  roster: readonly PeerView[],
): PeerView | undefined {
  const name = nameOf(target);
  return findPeer(name, members) ?? findPeer(name, roster);
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case "address":
      return `${target.to.address}:${target.to.port}`;
    case "host":
      return target.nickname ?? `${target.host}:${target.port}`;
    case "peer":
      return target.name;
  }
}

function viewOf({ online, ...member }: GroupMember): PeerView {
  return {
    ...member,
    state: online ? "online" : "offline",
    via: "contact",
    rttMs: undefined,
    addresses: [],
  };
}
