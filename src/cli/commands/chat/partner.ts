import type { MessageLine, PeerLine, PeerRefLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { UdpchatError } from "../../../errors.js";
import { parseTarget } from "../../../messenger/target.js";
import { targetOf } from "../../chat/people.js";
import type { CommandContext } from "../../context.js";

/**
 * Whom a chat is with: one key, or at an address where nobody has answered yet, whoever answers
 * there first.
 */
export class Partner {
  #peer: PeerRefLine;
  /** As it was typed. */
  readonly #target: string;

  /**
   * Somebody in the roster, on the network, or known from before.
   * @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER, BLOCKED, KEY_CHANGED, NOT_VERIFIED, ...
   */
  static async find(
    target: string,
    api: Api,
    { settings, signal }: CommandContext,
  ): Promise<Partner> {
    const peer = await api
      .call("verificationCode", { target }, { signal })
      .then((found) => found.peer)
      .catch((thrown: unknown) => unknownAt(target, thrown));
    if (settings.requireVerified === true && peer.trust !== "verified") {
      throw new UdpchatError("NOT_VERIFIED", `${target} is not verified`, {
        remedy: `compare codes first: udpchat verify ${target}`,
      });
    }
    return new Partner(peer, target);
  }

  private constructor(peer: PeerRefLine, target: string) {
    this.#peer = peer;
    this.#target = target;
  }

  get ref(): PeerRefLine {
    return this.#peer;
  }

  /** For what is said to it. */
  get target(): string {
    return this.#peer.id === null ? this.#target : targetOf(this.#peer);
  }

  /** Whether somebody is the one; who answers at an address is, from then on. */
  is(peer: PeerRefLine): boolean {
    if (this.#peer.id !== null) return peer.id === this.#peer.id;
    const isThere = peer.address === this.#peer.address && peer.port === this.#peer.port;
    if (isThere) this.answered(peer);
    return isThere && peer.id !== null;
  }

  /** What was sent there was taken by this peer. */
  answered(peer: PeerRefLine): void {
    if (this.#peer.id === null && peer.id !== null) this.#peer = peer;
  }

  /** Where it stands in the roster. */
  async listed(api: Api, signal: AbortSignal): Promise<PeerLine | undefined> {
    const peers = await api.call("peers", {}, { signal });
    return peers.find(({ id }) => id === this.#peer.id);
  }

  /** A message between us two alone. */
  isFrom({ from, scope }: Pick<MessageLine, "from" | "scope">): boolean {
    return scope === "direct" && this.is(from);
  }
}

/** Who has never been heard of may answer at an address all the same. */
function unknownAt(label: string, thrown: unknown): PeerRefLine {
  if (!(thrown instanceof UdpchatError) || thrown.code !== "NO_SUCH_PEER") throw thrown;
  const target = parseTarget(label);
  if (target.kind === "address") return { id: null, name: label, trust: null, ...target.to };
  if (target.kind === "peer" || target.nickname !== undefined) throw thrown;
  return { id: null, name: label, trust: null, address: "", port: target.port };
}
