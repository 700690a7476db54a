import { UdpchatError } from "../errors.js";
import type { Driver } from "./driver.js";
import type { GroupMembers } from "./groupMembers.js";
import type { JoinedGroups } from "./joinedGroups.js";
import type { Outbound, Outgoing } from "./outgoing.js";
import type { SecretGroups } from "./secretGroups.js";
import type { Invited, Removal } from "./types.js";

/** What a desk builds on. */
export interface MemberDeskParts {
  readonly driver: Driver;
  readonly outgoing: Outgoing;
  readonly groups: JoinedGroups;
  readonly members: GroupMembers;
  readonly secrets: SecretGroups;
}

/** Carries out what the user decides about the members of secret groups. */
export class MemberDesk {
  readonly #parts: MemberDeskParts;

  constructor(parts: MemberDeskParts) {
    this.#parts = parts;
  }

  /** @param outbound who is invited; its text is ignored */
  async invite(outbound: Outbound, group: string): Promise<Invited> {
    const { groups, outgoing } = this.#parts;
    const { groupId, label } = groups.secret(group);
    const { to } = await outgoing.sendText({
      ...outbound,
      handOver(core, nowMs, recipient, token) {
        // Who answers at an address is known when the key is on its way.
        if (outbound.options.requireVerified === true && recipient.kind === "address") {
          const whose = `whose address ${outbound.label} is, is not verified`;
          throw new UdpchatError("NOT_VERIFIED", whose, {
            remedy: "invite the peer by its name or id",
          });
        }
        core.inviteToGroup(nowMs, groupId, recipient, token);
      },
    });
    return { group: label, to };
  }

  async remove(target: string, group: string): Promise<Removal> {
    const { driver, groups, members, secrets } = this.#parts;
    const { groupId, label } = groups.secret(group);
    const device = members.find(target, groupId);
    const peer = members.partyOf(device, groupId);
    driver.command((core, nowMs) => core.removeFromGroup(nowMs, groupId, device));
    await driver.afterTurn();
    // Who is told that somebody is out need not fear a power cut.
    await secrets.settled();
    return { group: label, peer, by: members.partyOf(members.self().device, groupId) };
  }
}
