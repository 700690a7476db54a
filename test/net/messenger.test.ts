import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import {
  exchangePlain,
  Messenger,
  type MessengerEvent,
  type MessengerOptions,
} from "../../src/index.js";

const opened: Messenger[] = [];
let discoveryPort = randomInt(30_000, 60_000);

async function messenger(name: string, options: MessengerOptions = {}): Promise<Messenger> {
  const one = await Messenger.open({
    name,
    ephemeral: true,
    port: 0,
    discoveryPort,
    interfaces: ["lo"],
    ...options,
  });
  opened.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  discoveryPort = randomInt(30_000, 60_000);
});

async function nextMessage(events: AsyncIterable<MessengerEvent>) {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error("the events ended");
    if (value.type === "message") return value.message;
  }
}

function at(one: Messenger): string {
  return `127.0.0.1:${one.status().port}`;
}

describe.skipIf(process.platform !== "linux")("messengers on real sockets", () => {
  it("discover one another", async () => {
    const alice = await messenger("alice");
    const bob = await messenger("bob");
    const carol = await messenger("carol");
    const names: string[] = [];
    for await (const peer of alice.discover({ timeoutMs: 3000 })) {
      names.push(peer.name);
      if (names.length === 2) break;
    }
    expect(names.toSorted()).toEqual(["bob", "carol"]);
    expect(
      alice
        .peers()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([bob.id, carol.id].toSorted());
  });

  it("deliver, and answer requests", async () => {
    const alice = await messenger("alice");
    const bob = await messenger("bob", { announce: false });
    const events = bob.events();
    const large = "ü".repeat(30_000);
    expect(await alice.send(at(bob), "hi")).toMatchObject({ status: "delivered" });
    await alice.send(at(bob), large);
    expect((await nextMessage(events)).text).toBe("hi");
    expect((await nextMessage(events)).text).toBe(large);

    await expect(alice.ask(at(bob), "time?")).rejects.toMatchObject({ code: "NO_HANDLER" });
    bob.handle(({ text }) => {
      if (text === "bad") throw new Error("no");
      return text.toUpperCase();
    });
    expect((await alice.ask(at(bob), "time?")).text).toBe("TIME?");
    await expect(alice.ask(at(bob), "bad")).rejects.toMatchObject({ code: "HANDLER_FAILED" });
  });

  it("say who did not answer", async () => {
    const alice = await messenger("alice");
    const gone = await messenger("gone");
    const address = at(gone);
    await gone.close();
    const sending = alice.send(address, "hi", { timeoutMs: 300 });
    await expect(sending).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("chat in a group", async () => {
    const members = [await messenger("alice"), await messenger("bob"), await messenger("carol")];
    const groups = await Promise.all(members.map((member) => member.join("239.255.77.1")));
    const [alice, bob, carol] = groups;
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error("three");
    const heardByBob = bob.events();
    const heardByCarol = carol.events();
    const heardByAlice = alice.events();
    await alice.say("one");
    expect((await nextMessage(heardByBob)).text).toBe("one");
    expect((await nextMessage(heardByCarol)).text).toBe("one");
    await bob.say("two");
    expect(await nextMessage(heardByAlice)).toMatchObject({ text: "two", group: "239.255.77.1" });
    expect(await nextMessage(heardByCarol)).toMatchObject({ text: "two", scope: "group" });
    await bob.leave();
    expect(members.map((member) => member.groups().length)).toEqual([1, 0, 1]);
  });

  it("take and send plain text", async () => {
    const alice = await messenger("alice");
    const events = alice.events();
    for await (const _ of exchangePlain(at(alice), "from a script\n", { waitMs: 0 }));
    expect(await nextMessage(events)).toMatchObject({
      scope: "plain",
      text: "from a script",
      from: { id: null, address: "127.0.0.1" },
    });

    const echo = createSocket("udp4");
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    echo.on("message", (bytes, from) =>
      echo.send(`re: ${bytes.toString()}`, from.port, from.address),
    );
    const to = `127.0.0.1:${echo.address().port}`;
    for await (const reply of exchangePlain(to, "ping", { waitMs: 5000 })) {
      expect(reply).toEqual({
        text: "re: ping",
        from: { address: "127.0.0.1", port: echo.address().port },
      });
      break;
    }
    echo.close();
  });

  it("close while others are waiting, and tell the others", async () => {
    const alice = await messenger("alice");
    const bob = await messenger("bob");
    await alice.send(at(bob), "hi");
    const waiting = alice.ask(at(bob), "x", { timeoutMs: 20_000 }).catch(({ code }) => code);
    bob.handle(() => new Promise(() => undefined));
    const events = bob.events();
    await alice.close();
    expect(["CLOSED", "NO_HANDLER"]).toContain(await waiting);
    let gone: string | null | undefined;
    for await (const event of events) {
      if (event.type !== "presence" || event.presence.event !== "offline") continue;
      gone = event.presence.peer.id;
      break;
    }
    expect(gone).toBe(alice.id);
  });
});
