/** Delivery that keeps its word at 30 % loss both ways, between real hosts. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildBin, eventually } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { inParallel } from "../support/inParallel.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

/** Long enough for the unluckiest of thousands; nothing here measures speed. */
const PATIENCE_MS = 60_000;
const LIMIT_MS = 240_000;

describeOnNamespaces("a LAN that loses datagrams", () => {
  let users: LanUsers;
  let alice: LanUser;
  let bob: LanUser;
  let carol: LanUser;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(3);
    alice = users.user(0, "alice");
    bob = users.user(1, "bob");
    carol = users.user(2, "carol");
    users.lan.setLoss(30);
    for (const user of [alice, bob, carol]) expect((await user.run(["start"])).code).toBe(0);
  });
  afterAll(() => users.dispose());

  it(
    "500 of 500 send are delivered, each shown exactly once",
    async () => {
      const listener = bob.spawn("listen", "--json");
      await listener.prints(/"ready"/);
      const texts = Array.from({ length: 500 }, (_, i) => `message ${i} of 500`);
      const send = async (text: string) =>
        alice.api.call("send", { target: "10.77.0.2:22400", text, timeoutMs: PATIENCE_MS });
      const deliveries = await inParallel(10, texts, send);
      expect(deliveries.filter(({ status }) => status === "delivered")).toHaveLength(500);
      await eventually(
        () => texts.every((text) => listener.stdout.includes(`"${text}"`)),
        () => "all texts to be shown",
      );
      for (const text of texts) expect(listener.stdout.split(`"${text}"`)).toHaveLength(2);
      listener.kill("SIGINT");
      await listener.ended();
    },
    LIMIT_MS,
  );

  it(
    "commands of their own are delivered as well, each with its handshake",
    async () => {
      const listener = bob.spawn("listen");
      await listener.prints(/listening/);
      const dave = users.user(2, "dave");
      const numbers = Array.from({ length: 20 }, (_, i) => i);
      const results = await inParallel(4, numbers, (i) =>
        dave.run(["send", "10.77.0.2:22400", `command ${i}.`, "--timeout", "60s"]),
      );
      expect(results.map(({ code }) => code)).toEqual(numbers.map(() => 0));
      for (const i of numbers) await listener.prints(new RegExp(`command ${i}\\.`));
      for (const i of numbers) expect(listener.stdout.split(`command ${i}.`)).toHaveLength(2);
      listener.kill("SIGINT");
      await listener.ended();
    },
    LIMIT_MS,
  );

  it(
    "1,000 ask execute the handler exactly 1,000 times",
    async () => {
      const executed = new Map<string, number>();
      const answering = new AbortController();
      const requests = bob.api.stream("requests", {}, { signal: answering.signal });
      const lines = requests[Symbol.asyncIterator]();
      expect((await lines.next()).value).toEqual({ type: "ready" });
      const answerer = (async () => {
        for await (const line of { [Symbol.asyncIterator]: () => lines }) {
          if (line.type !== "request") continue;
          executed.set(line.text, (executed.get(line.text) ?? 0) + 1);
          await bob.api.call("answer", { id: line.id, text: `re: ${line.text}` });
        }
      })().catch(() => undefined);
      const texts = Array.from({ length: 1_000 }, (_, i) => `request ${i}`);
      const replies = await inParallel(20, texts, (text) =>
        alice.api.call("ask", { target: "10.77.0.2:22400", text, timeoutMs: PATIENCE_MS }),
      );
      answering.abort();
      await answerer;
      expect(replies.map(({ text }) => text)).toEqual(texts.map((text) => `re: ${text}`));
      expect(executed.size).toBe(1_000);
      expect([...executed.values()].every((times) => times === 1)).toBe(true);
    },
    LIMIT_MS,
  );

  it(
    "three members sending 200 lines each all hold all 600 in per-sender order",
    async () => {
      const members = [alice, bob, carol];
      const chats = members.map((user) => user.spawn("join", "#busy", "--json"));
      await Promise.all(chats.map((chat) => chat.prints(/"online":3/)));
      const typed = (user: LanUser) =>
        Array.from({ length: 200 }, (_, i) => `${user.name} line ${i}`);
      for (const [i, chat] of chats.entries()) {
        const user = members[i];
        if (user !== undefined) chat.type(`${typed(user).join("\n")}\n`);
      }
      for (const [i, chat] of chats.entries()) {
        for (const other of members.filter((_, j) => j !== i)) {
          await eventually(
            () => chat.stdout.includes(`"${other.name} line 199"`),
            () => `${other.name}'s last line`,
            PATIENCE_MS,
          );
          const heard = [...chat.stdout.matchAll(new RegExp(`"(${other.name} line \\d+)"`, "g"))];
          expect(heard.map(([, text]) => text)).toEqual(typed(other));
        }
        expect(chat.stdout).not.toContain('"gap"');
      }
      for (const chat of chats) chat.kill("SIGINT");
    },
    LIMIT_MS,
  );

  it(
    "64 KiB of text arrives intact at 20 % loss",
    async () => {
      users.lan.setLoss(20);
      const listener = bob.spawn("listen", "--json");
      await listener.prints(/"ready"/);
      const text = Array.from({ length: 65_536 }, (_, i) => String.fromCharCode(97 + (i % 26)));
      const sent = await alice.run(["send", "bob", "-"], text.join(""));
      expect(sent.code).toBe(0);
      await eventually(
        () => listener.stdout.includes(`"${text.join("")}"`),
        () => "the whole text",
      );
      listener.kill("SIGINT");
    },
    LIMIT_MS,
  );
});
