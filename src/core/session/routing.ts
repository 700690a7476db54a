import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import { type Address, addressKey, type SendTarget } from "../io.js";
import type { Dial } from "./dial.js";
import type { Handshakes } from "./handshakes.js";
import type { Link } from "./link.js";
import type { LinkTable } from "./linkTable.js";
import type { MessageLedger } from "./messageLedger.js";
import type { Command } from "./outgoing.js";
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
  /** By device: the dial, perhaps over, in which all messages wait that wait for it. */
  readonly #dialOfDevice: BoundedMap<string, Dial>;

  constructor(context: CoreContext, options: RoutingOptions) {
    this.#context = context;
    this.#options = options;
    this.#dialOfDevice = new BoundedMap(context.limits.sessions);
  }

  /** Finds the way to a target. */
  route(nowMs: number, message: Command, target: SendTarget): void {
    const to = this.#addressOf(target);
    if (target.kind === "device") {
      if (this.#refuses(message, target.id)) return;
      // Those before it go first, wherever it goes.
      const dial = this.#ongoingDial(target.id);
      if (dial !== undefined) this.#followDevice(nowMs, dial, target.id, to);
    }
    this.#carry(nowMs, message, target, to);
  }

  /**
   * A dial is about to be repeated: the address may have been a wrong one, lent by somebody who
   * repeats beacons of others. What is meant for a device that is elsewhere by now is dialled there.
   */
  follow(nowMs: number, dial: Dial): void {
    const devices = new Set<string>();
    for (const message of dial.waiting) {
      const { target } = message.purpose;
      if (target.kind === "device") devices.add(target.id);
    }
    for (const device of devices) {
      this.#followDevice(nowMs, dial, device, this.#options.addressOf(device));
    }
    for (const link of dial.links) {
      const to = this.#options.addressOf(link.claims.device);
      if (link.session !== undefined || !leadsElsewhere(dial, to)) continue;
      dial.links.delete(link);
      this.#options.wantSession(nowMs, link);
    }
  }

  /** In the order in which they were given. `to`: where the device is, as far as it is known. */
  #followDevice(nowMs: number, dial: Dial, device: string, to: Address | undefined): void {
    const announced = this.#linkOfDevice(device)?.claims.announces === true;
    if (!announced && !leadsElsewhere(dial, to)) return;
    for (const message of dial.waiting) {
      const { target } = message.purpose;
      if (target.kind !== "device" || target.id !== device) continue;
      dial.waiting.delete(message);
      if (!this.#refuses(message, device)) this.#carry(nowMs, message, target, to);
    }
  }

  #ongoingDial(device: string): Dial | undefined {
    const dial = this.#dialOfDevice.get(device);
    const isOngoing = dial !== undefined && this.#options.handshakes.has(dial);
    return isOngoing && dial.waiting.size > 0 ? dial : undefined;
  }

  #carry(nowMs: number, message: Command, target: SendTarget, to: Address | undefined): void {
    const link = this.#linkTo(target);
    if (link === undefined) this.#call(nowMs, message, target, to);
    else this.#queue(nowMs, message, link);
  }

  /** Gives a message to whoever `link` leads to, behind what waits for an elder of it. */
  give(nowMs: number, message: Command, link: Link, target: SendTarget): void {
    this.#queue(nowMs, message, this.#elderOr(link, target));
  }

  #queue(nowMs: number, message: Command, link: Link): void {
    if (this.#refuses(message, link.claims.device)) return;
    if (!link.enqueue(nowMs, message)) {
      this.#options.ledger.fail(message, "LIMIT_REACHED", "too many messages wait for this peer");
      return;
    }
    this.#options.ledger.note(message, link);
    this.#options.wantSession(nowMs, link);
  }

  #call(nowMs: number, message: Command, target: SendTarget, to: Address | undefined): void {
    const { ledger, handshakes } = this.#options;
    if (to === undefined) {
      ledger.fail(message, "NO_SUCH_PEER", "no such peer is known");
      return;
    }
    const device = target.kind === "device" ? target.id : undefined;
    const dial = handshakes.dial(nowMs, to, device);
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
    if (target.kind === "device") this.#dialOfDevice.set(target.id, dial);
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
  #refuses(message: Command, device: string): boolean {
    const { trust } = this.#context;
    if (trust.isBlocked(device)) {
      this.#options.ledger.fail(message, "BLOCKED", "the peer is blocked");
      return true;
    }
    if (message.purpose.requiresVerified !== true || trust.isVerified(device)) return false;
    this.#options.ledger.fail(message, "NOT_VERIFIED", "the peer is not verified");
    return true;
  }
}

function leadsElsewhere(dial: Dial, to: Address | undefined): boolean {
  return to !== undefined && addressKey(to) !== addressKey(dial.to);
}
