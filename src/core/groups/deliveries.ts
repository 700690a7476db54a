import { BoundedMap } from "../boundedMap.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Member } from "./member.js";

/** Digests of ours that we know again: one for every change that somebody heard, or told. */
const MAX_DIGESTS = 16;

/**
 * Who has what we said: a member whose digest is one of ours holds all that we held then, and all
 * that we had said.
 */
export class Deliveries {
  readonly #context: GroupsContext;
  readonly #groupId: string;
  /** Our lead by our digest, the latest last. */
  readonly #leads = new BoundedMap<string, number>(MAX_DIGESTS);
  /** The digest that was noted last: whatever we say next changes it. */
  #latest: string | undefined;
  /** By device: up to where it was told. */
  readonly #told: BoundedMap<string, number>;

  constructor(context: GroupsContext, groupId: string) {
    this.#context = context;
    this.#groupId = groupId;
    this.#told = new BoundedMap(context.limits.membersPerGroup);
  }

  /** With this digest of our archive, the present one, we had said everything up to `lead`. */
  at(digest: string, lead: number): void {
    // Cheap: every heartbeat that is heard asks for it.
    if (digest === this.#latest) return;
    this.#latest = digest;
    this.#leads.set(digest, lead);
  }

  /** A believed heartbeat of `member` carries this digest. */
  heard(member: Member, digest: string): void {
    const { device } = member;
    const upToSequence = this.#leads.get(digest) ?? 0;
    if (device === this.#context.identity.device) return;
    if (upToSequence <= (this.#told.get(device) ?? 0)) return;
    this.#told.set(device, upToSequence);
    const groupId = this.#groupId;
    this.#context.outputs.event({
      kind: "groupDelivered",
      groupId,
      to: member.peer(),
      upToSequence,
    });
  }
}
