import { type Address, isSameAddress, type SendTarget } from "../io.js";
import type { Dial } from "./dial.js";
import type { Completed, Handshakes } from "./handshakes.js";
import type { Link } from "./link.js";
import type { LinkTable } from "./linkTable.js";
import type { MessageLedger } from "./messageLedger.js";
import type { Command } from "./outgoing.js";

/** After so many unanswered probes the peer may be gone, or elsewhere. */
export const PROBES_BEFORE_REDIAL = 3;

/** What relocation needs of the sessions. */
export interface RelocationOptions {
  readonly links: LinkTable;
  readonly ledger: MessageLedger;
  readonly handshakes: Handshakes;
  /** Where the roster believes a device to be. */
  readonly addressOf: (device: string) => Address | undefined;
  readonly give: (nowMs: number, message: Command, link: Link, target: SendTarget) => void;
  /** With its sessions. */
  readonly forget: (link: Link) => void;
  /** The link has something to send or to reschedule. */
  readonly touch: (link: Link) => void;
}

/**
 * What becomes of the business with a peer that went away, moved, or came back as somebody new.
 *
 * A data port belongs to one process at a time. So an incarnation that completes a handshake where
 * an older one of its device was last heard before it has taken its place: it is the heir, at once.
 * If it is elsewhere, both may be alive: the older one is asked by a ping, and inherited from when
 * it does not answer.
 */
export class Relocation {
  readonly #options: RelocationOptions;

  constructor(options: RelocationOptions) {
    this.#options = options;
  }

  /** `link` completed a handshake: decides about the older incarnations of its device. */
  appeared(nowMs: number, link: Link, completed: Completed, isNew: boolean): void {
    for (const elder of this.#options.links.allOfDevice(link.claims.device)) {
      if (elder === link) continue;
      if (hasTakenPlace(elder, completed)) this.inherit(nowMs, elder, link);
      else if (isNew && elder.hasCommands) this.#doubt(elder, link);
    }
  }

  /** `link` answered a dial: gets what waited for whoever is there. */
  answered(nowMs: number, dial: Dial, link: Link): void {
    // Those of the links were given first.
    for (const stranded of dial.links) {
      if (stranded === link || !this.#options.links.has(stranded)) continue;
      // One that lives after all stays: whoever answered may have no right to its place.
      if (isLost(nowMs, stranded)) this.inherit(nowMs, stranded, link);
    }
    for (const message of dial.waiting) this.#move(nowMs, message, link);
  }

  /** The roster may know that the peer moved, or that it came back as somebody new. */
  tryElsewhere(nowMs: number, link: Link): void {
    const to = this.#options.addressOf(link.claims.device);
    if (to === undefined || isAt(link, to)) return;
    this.#options.handshakes.dial(nowMs, to, link.claims.device)?.links.add(link);
  }

  /** The elder is gone: what it can leave goes to the heir. */
  inherit(nowMs: number, elder: Link, heir: Link): void {
    elder.heir = undefined;
    const { movable, uncertain } = elder.abandon();
    for (const message of movable) this.#move(nowMs, message, heir);
    for (const message of uncertain) {
      this.#options.ledger.fail(
        message,
        "PEER_RESTARTED",
        "the peer restarted and may have executed the request",
      );
    }
    this.#options.forget(elder);
  }

  /** Its device appeared elsewhere: a ping finds out whether this start of it is alive as well. */
  #doubt(elder: Link, heir: Link): void {
    elder.heir = heir;
    elder.session?.ping();
    this.#options.touch(elder);
  }

  #move(nowMs: number, message: Command, link: Link): void {
    if (this.#options.ledger.failForeign(message, link.claims.device)) return;
    this.#options.give(nowMs, message, link, message.purpose.target);
  }
}

/** At the same place, and the elder was not heard since. */
function hasTakenPlace(elder: Link, { isStillThere, path, startedAtMs }: Completed): boolean {
  return isStillThere && isAt(elder, path) && elder.lastHeardAtMs <= startedAtMs;
}

function isLost(nowMs: number, { session }: Link): boolean {
  if (session === undefined || session.isDead(nowMs)) return true;
  return session.probesUnanswered >= PROBES_BEFORE_REDIAL;
}

export function isAt(link: Link, path: Address): boolean {
  return isSameAddress(link.path, path);
}
