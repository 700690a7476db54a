import type { CoreEvent } from "../core/io.js";
import type { Correspondence } from "./correspondence.js";
import type { Driver } from "./driver.js";
import type { Examiner } from "./examiner.js";
import type { Inbox } from "./inbox.js";
import type { JoinedGroups } from "./joinedGroups.js";
import type { Outgoing } from "./outgoing.js";
import type { Queries } from "./queries.js";
import type { TrustBook } from "./trustBook.js";

/** Whom events of the core concern. */
export interface EventRouterParts {
  readonly driver: Driver;
  readonly trust: TrustBook;
  readonly outgoing: Outgoing;
  readonly queries: Queries;
  readonly groups: JoinedGroups;
  readonly inbox: Inbox;
  readonly correspondence: Correspondence;
  readonly examiner: Examiner;
  /** Everything is said after `Core.leave`. */
  readonly departed: () => void;
}

/** Takes every event of the core to the part that it concerns. */
export class EventRouter {
  readonly #parts: EventRouterParts;

  constructor(parts: EventRouterParts) {
    this.#parts = parts;
  }

  route(event: CoreEvent): void {
    const { correspondence, driver, examiner, groups, inbox, outgoing, queries, trust } =
      this.#parts;
    const roster = () => driver.inspect((core) => core.peers());
    switch (event.kind) {
      case "delivered":
        if (!examiner.isExamining(event.token)) trust.used(event.to, roster);
        outgoing.delivered(event);
        return;
      case "reply":
        trust.used(event.from, roster);
        outgoing.replied(event);
        return;
      case "failed":
        outgoing.failed(event);
        return;
      case "answer":
        queries.answered(event.nonce, event.peer);
        return;
      case "groupKeys":
      case "groupInvitation":
      case "groupRemoval":
      case "groupExpelled":
      case "groupUnreadable":
      case "groupSaid":
      case "groupUnsaid":
      case "groupTransport":
        groups.settle(event);
        return;
      case "groupLeft":
        groups.goodbyeSaid(event.groupId);
        return;
      case "examinationAsked":
      case "examined":
        examiner.settle(event);
        return;
      case "departed":
        this.#parts.departed();
        return;
      case "groupDatagram":
      case "groupForgotten":
      case "groupDelivered":
        return; // they were recorded, and that is all
      case "receipt":
        correspondence.tellRead();
        return;
      case "peer":
        inbox.settle(event);
        correspondence.rosterChanged(event);
        if (event.change !== "offline") queries.appeared(event.peer);
        return;
      case "message":
      case "request":
        inbox.settle(event);
        correspondence.heardFrom(event);
        return;
      case "duplicateKey":
      case "laterVersion":
      case "groupMessage":
      case "presence":
      case "gap":
        inbox.settle(event);
    }
  }
}
