import type { LanDatagram } from "../net/lan.js";
import { DatagramType } from "../wire/constants.js";
import { datagramType, isOurs } from "../wire/header.js";
import type { Driver } from "./driver.js";
import type { Inbox } from "./inbox.js";
import type { JoinedGroups } from "./joinedGroups.js";
import type { Preferences } from "./preferences.js";
import type { TrustBook } from "./trustBook.js";

/** What a reception builds on. */
export interface ReceptionParts {
  readonly driver: Driver;
  readonly inbox: Inbox;
  readonly groups: JoinedGroups;
  readonly trust: TrustBook;
  readonly receives: boolean;
  readonly preferences: Pick<Preferences, "requireVerified">;
}

/** What is let in: datagrams, calls and messages. */
export class Reception {
  readonly #parts: ReceptionParts;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  receive(datagram: LanDatagram): void {
    const { driver, inbox } = this.#parts;
    if (!isOurs(datagram.bytes)) inbox.receivePlain(datagram);
    else if (this.#takesCalls() || !beginsHandshake(datagram)) driver.receive(datagram);
  }

  /** A request of who is not verified is refused in words; a text would be lost without any. */
  takesMessages(device: string, kind: "text" | "request"): boolean {
    const { groups, preferences, trust } = this.#parts;
    if (kind === "text" && preferences.requireVerified && !trust.isVerified(device)) {
      return false;
    }
    return this.#parts.receives || groups.handles().some(({ showsDirect }) => showsDirect);
  }

  /** Keys of secret groups come as messages do: who would refuse calls would soon be deaf there. */
  #takesCalls(): boolean {
    return this.#parts.receives || this.#parts.groups.handles().some(({ secret }) => secret);
  }
}

/** Somebody wants to write to us. */
function beginsHandshake({ bytes }: LanDatagram): boolean {
  return datagramType(bytes) === DatagramType.handshakeInit;
}
