import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DeliveryLine } from "../../../../src/api/lines.js";
import { Service } from "../../../../src/api/service.js";
import { DirectMessages } from "../../../../src/cli/chat/directMessages.js";
import type { Settings } from "../../../../src/cli/settings.js";
import { FakeMessenger } from "../../api/fakeMessenger.js";

function delivery(status: DeliveryLine["status"]): DeliveryLine {
  const peer = { id: "b".repeat(64), name: "bob", address: "10.0.0.2", port: 22400 };
  const to = { ...peer, trust: "known" } as const;
  return { type: "delivery", id: "a", status, to, rttMs: null, attempts: null };
}

let api: Service;
let interrupted: AbortController;
beforeEach(() => {
  api = new Service(new FakeMessenger());
  interrupted = new AbortController();
});

/** With what each is called, all answered so. */
function calls(status: DeliveryLine["status"]): { readonly mock: { calls: unknown[][] } } {
  return vi.spyOn(api, "call").mockResolvedValue(delivery(status));
}

function messages(settings: Settings, isByDaemon = true): DirectMessages {
  return new DirectMessages(api, { settings, signal: interrupted.signal }, isByDaemon);
}

describe("what is said to one person", () => {
  it.each([
    [{ timeout: 30_000 }, 1000],
    [{ timeout: 50 }, 50],
    [{}, 1000],
  ])("with %j holds up the next for at most %d ms", async (settings, timeoutMs) => {
    const { mock } = calls("delivered");
    await messages(settings).send("bob", "hello");
    expect(mock.calls).toMatchObject([["send", { queue: true, timeoutMs }]]);
  });

  it("holds up others behind what waits for less", async () => {
    const { mock } = calls("queued");
    const said = messages({ timeout: 30_000 });
    await said.send("bob", "one");
    await said.send("bob", "two");
    expect(mock.calls[1]).toMatchObject(["send", { timeoutMs: 200 }]);
  });

  it("is stored when we are interrupted, and waited for no longer", async () => {
    const { mock } = calls("queued");
    interrupted.abort();
    await messages({}).send("bob", "hello");
    expect(mock.calls).toEqual([
      ["send", { target: "bob", text: "hello", requireVerified: false, queue: true, timeoutMs: 1 }],
    ]);
  });

  it("is not queued where it would end with us, and given up when we are interrupted", async () => {
    const { mock } = calls("undelivered");
    await messages({ store: "memory" }, false).send("bob", "hello");
    const { signal } = interrupted;
    const input = { target: "bob", text: "hello", requireVerified: false, timeoutMs: 5000 };
    expect(mock.calls).toEqual([["send", input, { signal }]]);
  });

  it("waits until something else is told of it", async () => {
    calls("queued");
    const said = messages({});
    await said.send("bob", "hello");
    expect(said.queued).toBe(1);
    said.told({ id: "another" });
    expect(said.queued).toBe(1);
    said.told({ id: "a" });
    expect(said.queued).toBe(0);
  });
});
