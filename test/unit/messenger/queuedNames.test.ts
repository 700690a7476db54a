import { beforeEach, describe, expect, it } from "vitest";
import { giveUpQueued, shortestEndings } from "../../../src/messenger/queuedNames.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { incoming, ME, outgoing, queued } from "../../support/storedMessages.js";

/** The incarnation is that of one start. */
const id = (digits: string, incarnation = "0123456789abcdef"): string =>
  incarnation + digits.padStart(16, "0");

let store: MemoryMessageStore;
beforeEach(() => {
  store = new MemoryMessageStore();
  store.add(queued(1, "one", { id: id("1") }));
  store.add(queued(2, "two", { id: id("2"), clientId: "job" }));
  store.add(queued(3, "three", { id: id("ab12") }));
  store.add(queued(4, "four", { id: id("fab12"), clientId: "0001" }));
  store.add(queued(5, "five", { id: id("2", "f".repeat(16)) }));
  store.add(outgoing(6, "sent", { id: id("6"), clientId: "went" }));
  store.add(incoming(7, "of bob", { id: id("7") }));
});

const givenUp = (named: string): string => giveUpQueued(store, named).text;

describe("giveUpQueued", () => {
  it("takes an id of the caller's first, a whole id, or an ending that one alone has", () => {
    expect(givenUp("0001")).toBe("four");
    expect(givenUp(" 0001 ")).toBe("one");
    expect(givenUp("job")).toBe("two");
    expect(givenUp(id("2", "f".repeat(16)).toUpperCase())).toBe("five");
    expect(givenUp("AB12")).toBe("three");
    expect(store.outbox()).toEqual([]);
    expect(store.find(ME.device, id("1"))).toMatchObject({ text: "one", state: "undelivered" });
    expect(store.history({})).toHaveLength(7);
  });

  it.each(["", "001", "went", "0006", "0007", "0009", "%", "%%%%", "____", "' OR 1"])(
    "finds nothing by %j",
    (named) => {
      expect(() => giveUpQueued(store, named)).toThrow(
        expect.objectContaining({
          code: "NO_SUCH_MESSAGE",
          message: `no queued message has the id ${named}`,
        }),
      );
      expect(store.outbox()).toHaveLength(5);
    },
  );

  it.each(["ab12", "0002", "0000000000000002"])("cannot choose by %s", (named) => {
    expect(() => giveUpQueued(store, named)).toThrow(/^several queued messages have an id that/);
    expect(store.outbox()).toHaveLength(5);
  });
});

describe("shortestEndings", () => {
  it("are of 4 digits, or as many as it takes", () => {
    const ids = store.outbox().map((message) => message.id);
    const endings = shortestEndings(ids);
    expect(ids.map((one) => endings.get(one))).toEqual([
      ...["0001", "ef0000000000000002", "0ab12", "fab12", "ff0000000000000002"],
    ]);
    expect(shortestEndings([])).toEqual(new Map());
    expect([...shortestEndings([id("1"), id("1")]).values()]).toEqual(["0001"]);
  });
});
