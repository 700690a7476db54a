/** A group whose multicast the switch drops, between real hosts. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildBin, eventually, type RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

/** Nothing here measures speed. */
const PATIENCE_MS = 60_000;
const LIMIT_MS = 240_000;
const LINES = 20;

describeOnNamespaces("a switch that drops multicast", () => {
  let users: LanUsers;
  let members: readonly LanUser[];

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(3);
    members = ["alice", "bob", "carol"].map((name, i) => users.user(i, name));
  });
  afterAll(() => users.dispose());

  /** Everybody says some lines; then everybody has all of everybody else's, in order, once. */
  async function chat(chats: readonly RunningCommand[], what: string): Promise<void> {
    const linesOf = ({ name }: LanUser): string[] =>
      Array.from({ length: LINES }, (_, i) => `${what} ${i} of ${name}`);
    for (const [i, user] of members.entries()) chats[i]?.type(`${linesOf(user).join("\n")}\n`);
    for (const [i, listener] of members.entries()) {
      for (const author of members.filter((other) => other !== listener)) {
        const heard = (): string[] => {
          const pattern = new RegExp(`"(${what} \\d+ of ${author.name})"`, "g");
          return Array.from(chats[i]?.stdout.matchAll(pattern) ?? [], ([, text = ""]) => text);
        };
        await eventually(
          () => heard().length >= LINES,
          () => `${author.name}'s lines at ${listener.name}'s: ${heard().join(", ")}`,
          PATIENCE_MS,
        );
        expect(heard()).toEqual(linesOf(author));
      }
    }
  }

  it(
    "has the group by copies, from the start, and by multicast once it passes again",
    async () => {
      users.lan.dropMulticast(true);
      for (const user of members) expect((await user.run(["start"])).code).toBe(0);
      const chats = members.map((user) => user.spawn("join", "#ops", "--json"));
      await Promise.all(chats.map((one) => one.prints(/"online":3/, PATIENCE_MS)));
      await chat(chats, "without multicast");
      users.lan.dropMulticast(false);
      await chat(chats, "with multicast");
      users.lan.dropMulticast(true);
      await chat(chats, "without it again");
      for (const one of chats) one.kill("SIGINT");
    },
    LIMIT_MS,
  );

  it(
    "reaches a command that does not announce itself",
    async () => {
      users.lan.dropMulticast(true);
      const passer = users.user(2, "dave");
      const chats = [members[0], passer].flatMap(
        (user) => user?.spawn("join", "#passing", "--json") ?? [],
      );
      const [first, second] = chats;
      await Promise.all(chats.map((one) => one.prints(/"online":2/, PATIENCE_MS)));
      first?.type("to the passer\n");
      second?.type("from the passer\n");
      await second?.prints(/"to the passer"/, PATIENCE_MS);
      await first?.prints(/"from the passer"/, PATIENCE_MS);
      for (const one of chats) one.kill("SIGINT");
      expect(chats.map((one) => one.stdout.includes('"gap"'))).toEqual([false, false]);
    },
    LIMIT_MS,
  );
});
