import { describe, expect, it } from "vitest";
import { checkedNickname, defaultNickname } from "../../../src/messenger/nickname.js";

describe("checkedNickname", () => {
  it.each(["alice", "J. Doe", "1.2", "nas.lan", "a-b", "night#shift", "10.0.0"])(
    "takes %s",
    (name) => {
      expect(checkedNickname(name)).toBe(name);
    },
  );

  it.each(["10.0.0.2", " 10.0.0.2 ", "256.1.1.1", "bob:22400", ":", "#ops", "-"])(
    "refuses %s, which names something else",
    (name) => {
      expect(() => checkedNickname(name)).toThrow(
        expect.objectContaining({ code: "INVALID_NAME", remedy: "choose another one" }),
      );
    },
  );
});

describe("defaultNickname", () => {
  it("can always be used", () => {
    const name = defaultNickname();
    expect(checkedNickname(name)).toBe(name);
  });
});
