import { parseGroupName } from "../../src/core/groups/groupName.js";
import type { GroupKeys } from "../../src/core/io.js";
import { DEFAULT_DISCOVERY_PORT } from "../../src/wire/constants.js";
import { AttackedLan } from "./attackedLan.js";
import type { SimNode } from "./simNetwork.js";

/** A key that all members of the secret group have. */
const SECRET_KEYS: GroupKeys = {
  epoch: 1,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};
const SECRET_GROUP = parseGroupName("#secret", DEFAULT_DISCOVERY_PORT, { secret: true });
export const OPEN_GROUP = parseGroupName("#open", DEFAULT_DISCOVERY_PORT);

/** Checks of what may be forged are not rationed: each is to be judged by itself. */
const UNRATIONED = {
  unauthenticatedPerSecondPerSource: 10_000,
  unauthenticatedPerSecond: 10_000,
  handshakesPerSecondPerSource: 10_000,
  handshakeBurstPerSource: 10_000,
};

/** Three people on one LAN, and what they do there. */
export class AttackedConversation {
  readonly lan: AttackedLan;
  readonly alice: SimNode;
  readonly bob: SimNode;
  readonly carol: SimNode;

  /** `cookies`: everybody wants one from whoever opens a session. */
  constructor(seed: number, options: { readonly cookies?: boolean } = {}) {
    const handshakesPerSecondBeforeCookies = options.cookies === true ? 0 : 10_000;
    const limits = { ...UNRATIONED, handshakesPerSecondBeforeCookies };
    this.lan = new AttackedLan(seed);
    this.alice = this.lan.add("alice", { limits });
    this.bob = this.lan.add("bob", { limits });
    this.carol = this.lan.add("carol", { limits });
  }

  /** They find one another, and alice asks who is there. */
  meet(): void {
    this.lan.run(2_500);
    this.alice.query();
    this.lan.run(500);
  }

  /** A text, a request with its reply, and a text back. */
  talk(): void {
    this.alice.send(this.bob, "text of alice");
    this.lan.run(100);
    this.bob.ask(this.alice, "request of bob");
    this.carol.send(this.bob, "text of carol");
    this.lan.run(300);
  }

  /** All are in two groups, where a line is lost and repaired. */
  chat(): void {
    for (const node of this.lan.nodes) {
      node.core.joinGroup(this.lan.nowMs, OPEN_GROUP);
      node.core.joinGroup(this.lan.nowMs, SECRET_GROUP, SECRET_KEYS);
      this.lan.network.pump(node);
    }
    this.lan.run(1_500);
    for (const { groupId, label } of [OPEN_GROUP, SECRET_GROUP]) {
      this.lan.network.faults.lossPercent = 100;
      this.bob.say(groupId, `lost line in ${label}`);
      this.lan.run(20);
      this.lan.network.faults.lossPercent = 0;
      this.lan.run(1_500);
      this.alice.say(groupId, `line in ${label}`);
      this.lan.run(300);
    }
  }

  /** Alice finds out with bob what passes between them. */
  examine(): void {
    this.alice.examine(this.bob);
    this.lan.run(1_500);
  }

  /** Bob's machine loses power and comes back, and alice goes on where she was. */
  restartBob(): void {
    this.bob.crash();
    this.lan.run(50);
    this.bob.restart();
    this.alice.send(this.bob, "text after the restart");
    this.lan.run(1_000);
  }

  /** Carol says goodbye. */
  loseCarol(): void {
    this.carol.leave();
    this.lan.run(2_000);
    this.carol.crash();
  }

  /** All of it. */
  runAll(): void {
    this.meet();
    this.talk();
    this.chat();
    this.examine();
    this.restartBob();
    this.loseCarol();
  }
}

/** What a node showed its user, or did for somebody, as often as it did. */
export function effectsOf(node: SimNode): string[] {
  const kinds = new Set([
    ...["message", "request", "reply", "delivered", "failed", "groupMessage"],
    ...["examinationAsked", "examined"],
  ]);
  const told = node.events.filter(({ kind }) => kinds.has(kind));
  return told.map((event) =>
    "body" in event ? `${event.kind} ${Buffer.from(event.body).toString()}` : event.kind,
  );
}
