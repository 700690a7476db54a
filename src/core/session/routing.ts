import type { CoreContext } from "../context.js";
import type { Address, SendTarget } from "../io.js";
import type { Handshakes } from "./handshakes.js";
import type { Link } from "./link.js";
import type { LinkTable } from "./linkTable.js";
import type { MessageLedger } from "./messageLedger.js";
import type { Outgoing } from "./outgoing.js";
import { isAt } from "./relocation.js";

/** What routing needs of the sessions. */
export interface RoutingOptions {
  readonly links: LinkTable;
  readonly ledger: MessageLedger;
  readonly handshakes: Handshakes;
  /** Where the roster believes a device to be. */
  readonly addressOf: (device: string) => Address | undefined;
  /** The link has got something to send. */
  readonly wantSession: (nowMs: number, link: Link) => void;
}

/** Which link or dial carries a message, and whether its receiver may have it at all. */
export class Routing {
  readonly #context: CoreContext;
  readonly #options: RoutingOptions;

  constructor(context: CoreContext, options: RoutingOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Finds the way to a target. */
  route(nowMs: number, message: Outgoing, target: SendTarget): void {
    if (target.kind === "device" && this.#refuses(message, target.id)) return;
    const link = this.#linkTo(target);
    if (link === undefined) this.#call(nowMs, message, this.#addressOf(target));
    else this.#queue(nowMs, message, link);
  }

  /** Gives a message to whoever `link` leads to, behind what waits for an elder of it. */
  give(nowMs: number, message: Outgoing, link: Link, target: SendTarget): void {
    this.#queue(nowMs, message, this.#elderOr(link, target));
  }

  #queue(nowMs: number, message: Outgoing, link: Link): void {
    if (this.#refuses(message, link.claims.device)) return;
    if (!link.enqueue(nowMs, message)) {
      this.#options.ledger.fail(message, "LIMIT_REACHED", "too many messages wait for this peer");
      return;
    }
    this.#options.ledger.note(message, link);
    this.#options.wantSession(nowMs, link);
  }

  #call(nowMs: number, message: Outgoing, to: Address | undefined): void {
    const { ledger, handshakes } = this.#options;
    if (to === undefined) {
      ledger.fail(message, "NO_SUCH_PEER", "no such peer is known");
      return;
    }
    const dial = handshakes.dial(nowMs, to);
    if (dial === undefined || dial.waiting.size >= this.#context.limits.queuedMessagesPerPeer) {
      ledger.fail(
        message,
        "LIMIT_REACHED",
        "too many messages wait for a peer that is not reached",
      );
      return;
    }
    dial.waiting.add(message);
    ledger.note(message, dial);
  }

  #addressOf(target: SendTarget): Address | undefined {
    if (target.kind === "address") return target.to;
    return this.#options.addressOf(target.id) ?? target.lastKnown;
  }

  #linkTo(target: SendTarget): Link | undefined {
    if (target.kind === "device") {
      const link = this.#linkOfDevice(target.id);
      return link === undefined ? undefined : this.#elderOr(link, target);
    }
    const link = this.#options.links.ofAddress(target.to);
    // Without a session nobody knows who is at that address now.
    return link?.session === undefined ? undefined : this.#elderOr(link, target);
  }

  /** A process that announces itself speaks for its device; another one only for want of it. */
  #linkOfDevice(device: string): Link | undefined {
    const link = this.#options.links.ofDevice(device);
    if (link === undefined || link.claims.announces) return link;
    const to = this.#options.addressOf(device);
    return to === undefined || isAt(link, to) ? link : undefined;
  }

  /** What would go to an heir queues up behind the business that it may come to. */
  #elderOr(link: Link, target: SendTarget): Link {
    const elder = this.#options.links.elderOf(link);
    if (elder === undefined) return link;
    return target.kind === "device" || isAt(elder, link.path) ? elder : link;
  }

  /** Fails what the user does not want that device to get. */
  #refuses(message: Outgoing, device: string): boolean {
    const { trust } = this.#context;
    if (trust.isBlocked(device)) {
      this.#options.ledger.fail(message, "BLOCKED", "the peer is blocked");
      return true;
    }
    const { purpose } = message;
    const requiresVerified = purpose.kind !== "reply" && purpose.requiresVerified === true;
    if (!requiresVerified || trust.isVerified(device)) return false;
    this.#options.ledger.fail(message, "NOT_VERIFIED", "the peer is not verified");
    return true;
  }
}
