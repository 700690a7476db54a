import { errnoOf, UdpchatError } from "../errors.js";
import { OnLinkTest } from "./interfaces.js";
import type { LanAddress, LanCounters, LanDatagram, LanHandlers, LanInterface } from "./lan.js";
import { TroubleReport } from "./troubleReport.js";
import type { UdpSocketHandlers } from "./udpSocket.js";

/** After these the interfaces are looked at early: they are the signs of a changed network. */
const NETWORK_CHANGED: ReadonlySet<string> = new Set([
  "EADDRNOTAVAIL",
  "ENETDOWN",
  "ENETUNREACH",
  "ENODEV",
]);

/** What all sockets of a node report to: counts, passes datagrams on, tells troubles. */
export class Traffic {
  /** Set by the owner: a send failed as it does when the network changed. */
  networkSuspected: () => void = () => {};
  readonly #handlers: LanHandlers;
  readonly #troubles: TroubleReport;
  #onLink = new OnLinkTest([]);
  #datagramsSent = 0;
  #bytesSent = 0;
  #datagramsReceived = 0;
  #bytesReceived = 0;
  /** Bounded by the errnos there are. */
  readonly #sendErrors = new Map<string, number>();

  constructor(handlers: LanHandlers, nowMs: () => number) {
    this.#handlers = handlers;
    this.#troubles = new TroubleReport((trouble) => handlers.trouble(trouble), nowMs);
  }

  counters(): LanCounters {
    return {
      datagramsSent: this.#datagramsSent,
      bytesSent: this.#bytesSent,
      datagramsReceived: this.#datagramsReceived,
      bytesReceived: this.#bytesReceived,
      sendErrors: Object.fromEntries(this.#sendErrors),
    };
  }

  /** The interfaces whose subnets are on-link from now on. */
  setInterfaces(interfaces: readonly LanInterface[]): void {
    this.#onLink = new OnLinkTest(interfaces);
  }

  /**
   * What a socket needs.
   * @param where names it in troubles.
   * @param groupOf the `group` of its datagrams, see `LanDatagram`.
   */
  socketHandlers(
    where: string,
    via: LanDatagram["via"],
    groupOf?: () => LanAddress | undefined,
  ): UdpSocketHandlers {
    return {
      received: (bytes, from) => {
        this.#datagramsReceived += 1;
        this.#bytesReceived += bytes.length;
        const datagram = { bytes, from, onLink: this.#onLink.has(from.address), via };
        const group = groupOf?.();
        this.#handlers.datagram(group === undefined ? datagram : { ...datagram, group });
      },
      sent: (sizeBytes) => {
        this.#datagramsSent += 1;
        this.#bytesSent += sizeBytes;
      },
      sendFailed: (code) => {
        this.#sendErrors.set(code, (this.#sendErrors.get(code) ?? 0) + 1);
        this.#troubles.tell(where, code);
        if (NETWORK_CHANGED.has(code)) this.networkSuspected();
      },
      failed: (code) => this.#troubles.tell(where, code),
    };
  }

  /** @param reason an errno, or an error that has one, itself or as its cause. */
  failed(where: string, reason: unknown): void {
    const cause = reason instanceof UdpchatError ? reason.cause : reason;
    this.#troubles.tell(where, typeof cause === "string" ? cause : (errnoOf(cause) ?? "UNKNOWN"));
  }
}
