/** Many keys that all say that they have what we said. */
import { describe, expect, it } from "vitest";
import { SqlMessageStore } from "../../../src/store/sqlMessageStore.js";
import { databaseKinds } from "../../support/messageDatabases.js";
import { MY_INCARNATION, OPS, ownLine, partyOf } from "../../support/storedMessages.js";

const MAX_PARTIES = 4096;

describe.each(await databaseKinds())("a store in $engine", ({ open }) => {
  it("knows a bounded number of members that have a line, and goes on for those", () => {
    const store = new SqlMessageStore(open());
    const said = store.add(ownLine(1, "hello"));
    if (said === undefined) throw new Error("unreachable");
    const tell = (key: number, upTo: number): void => {
      const party = { ...partyOf("c"), device: key.toString(16).padStart(64, "0") };
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, party, upTo, upTo);
    };
    store.batch("soon", () => {
      for (let key = 1; key <= MAX_PARTIES + 100; key += 1) tell(key, 5);
    });
    expect(store.receipts(said)).toHaveLength(MAX_PARTIES);
    tell(1, 9);
    expect(
      store.receipts({
        ...said,
        group: { ...OPS, datagram: { incarnation: MY_INCARNATION, sequence: 9 } },
      }),
    ).toHaveLength(1);
    store.close();
  });
});
