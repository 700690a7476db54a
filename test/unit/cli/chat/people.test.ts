import { expect, it } from "vitest";
import { People, targetOf } from "../../../../src/cli/chat/people.js";
import { Names } from "../../../../src/cli/printers/names.js";

const peer = (name: string, digit: string) => ({
  id: digit.repeat(64),
  name,
  address: "10.0.0.2",
  port: 22400,
  trust: "known" as const,
});

it("people are named as on the screen", () => {
  const people = new People(new Names());
  people.learn([peer("alice", "a"), peer("bob: yes", "b"), peer("carol", "c"), peer("Carol", "d")]);
  expect(people.names).toEqual(["Carol~dddd", "alice", "bbbbbbbb", "carol~cccc"]);
  expect(people.find("ALICE")?.id).toBe("a".repeat(64));
  expect(people.find("bbbbbbbb")?.id).toBe("b".repeat(64));
  expect(people.find("bob: yes")).toBeUndefined();
  expect(people.find("carol~cccc")?.id).toBe("c".repeat(64));
  expect(people.find("carol")).toBeUndefined();
});

it("who calls himself as somebody with a key is not taken for him", () => {
  const people = new People(new Names());
  people.learn([peer("bob~bbbb", "e"), peer("bob\u202e", "f")]);
  expect(people.names).toEqual(["eeeeeeee", "ffffffff"]);
  expect(people.find("bob~bbbb")).toBeUndefined();
  people.learn([peer("bob", "b")]);
  expect(people.find("bob~bbbb")?.id).toBe("b".repeat(64));
});

it("a stranger by the name of somebody whom we know is refused, unless he is named by his key", () => {
  const people = new People(new Names());
  people.learn([{ ...peer("bob", "a"), trust: "conflict" }]);
  for (const name of ["bob", "BOB"]) {
    expect(() => people.find(name)).toThrow(expect.objectContaining({ code: "KEY_CHANGED" }));
  }
  for (const name of ["bob~aaaa", "BOB~aaaa", "aaaaaaaa"]) {
    expect(people.find(name)?.id).toBe("a".repeat(64));
  }
  expect(people.find("bob~bbbb")).toBeUndefined();
});

it("of several none is chosen", () => {
  const people = new People(new Names());
  const id = (end: string): string => "a".repeat(63) + end;
  people.learn([
    { ...peer("bob", "a"), id: id("1") },
    { ...peer("bob", "a"), id: id("2") },
  ]);
  for (const name of ["bob~aaaa", "aaaaaaaa"]) {
    expect(() => people.find(name)).toThrow(
      expect.objectContaining({ code: "AMBIGUOUS_PEER", remedy: expect.stringContaining(id("1")) }),
    );
  }
  expect(people.find(`bob~${id("2")}`)?.id).toBe(id("2"));
});

it("nobody without a key is learned, and where a peer is, is what was told last", () => {
  const people = new People(new Names());
  people.learn([{ ...peer("plain", "e"), id: null }, peer("alice", "a")]);
  people.learn([{ ...peer("alice", "a"), address: "10.0.0.9" }]);
  expect(people.names).toEqual(["alice"]);
  expect(people.find("alice")?.address).toBe("10.0.0.9");
});

it("no more are kept than a roster can hold", () => {
  const people = new People(new Names());
  const many = Array.from({ length: 5000 }, (_, number) => ({
    ...peer(`p${number}`, "0"),
    id: number.toString(16).padStart(64, "0"),
  }));
  people.learn(many);
  expect(people.names).toHaveLength(4096);
});

it("a message goes to a key, and to an address only where there is none", () => {
  expect(targetOf(peer("alice", "a"))).toBe("a".repeat(64));
  expect(targetOf({ ...peer("alice", "a"), id: null })).toBe("10.0.0.2:22400");
});
