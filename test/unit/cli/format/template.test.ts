import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Formatted, fieldsOf } from "../../../../src/cli/format/fields.js";
import { Template } from "../../../../src/cli/format/template.js";
import { UdpchatError } from "../../../../src/errors.js";

const peer = { id: "ab", name: "bob", address: "10.0.0.2", port: 22400, trust: "known" };
const message = {
  type: "message",
  id: null,
  from: peer,
  group: "#ops",
  text: "two\nlines\t\u001b[2J ",
  verified: false,
};

const listen = (text: string): Template => new Template(text, fieldsOf("listen"));
const failure = (text: string, command: Formatted = "listen"): UdpchatError | undefined => {
  try {
    return void new Template(text, fieldsOf(command));
  } catch (error) {
    if (error instanceof UdpchatError) return error;
    throw error;
  }
};

describe("a template", () => {
  it.each([
    ["{from.name}: {text}", "bob: two␊lines␉␛[2J "],
    ["{ from.name }", "bob"],
    ["{from.port}\\t{verified}\\n", "22400\tfalse\n"],
    ["[{id}]", "[]"],
    ["{from}", '{"id":"ab","name":"bob","address":"10.0.0.2","port":22400,"trust":"known"}'],
    ["\\{text\\} \\\\ \\0", "{text} \\ \0"],
    ["nothing", "nothing"],
  ])("%s", (text, expected) => {
    expect(listen(text).render(message)).toBe(expected);
  });

  it("shows nothing that deceives, and names without blanks around them", () => {
    const from = { ...peer, name: " eve\u202e\n" };
    expect(listen("{from.name}|").render({ ...message, from })).toBe("eve<U+202E>␊|");
  });

  it("fits lines that have all its fields", () => {
    const types = ["message", "presence", "gap", "delivery", "warning", "ready"];
    const fitting = (text: string): string[] => types.filter((type) => listen(text).fits(type));
    expect(fitting("{from.name}: {text}")).toEqual(["message"]);
    expect(fitting("{peer.name} {event}")).toEqual(["presence"]);
    expect(fitting("{from.name}")).toEqual(["message", "gap"]);
    expect(fitting("{to.name} {status}")).toEqual(["delivery"]);
    expect(fitting("{type}")).toEqual(types);
  });

  it.each([
    ["{nam}", "there is no field {nam}: did you mean {name}?", "peers"],
    ["{frm.name}", "there is no field {frm.name}: did you mean {from.name}?", "listen"],
    ["{from.name.x}", "there is no field {from.name.x}: did you mean {from.name}?", "listen"],
    ["{addresses.port}", "there is no field {addresses.port}: ", "peers"],
    ["{constructor}", "there is no field {constructor}: ", "peers"],
    ["{}", "there is no field {}: ", "discover"],
    ["{text} {event}", "no line has text and event at once: leave one of them out", "listen"],
    ["{", "a { stands alone: write \\{ for one that is printed", "send"],
    ["{a{b}", "a { stands alone", "send"],
    ["a } b", "a } stands alone", "join"],
    ["\\x", "\\x is no escape: use ", "history"],
    ["a\\", "\\ is no escape: use ", "history"],
    ["", "it is empty: ", "history"],
  ] as const)("%j is refused", (text, words, command) => {
    const error = failure(text, command);
    expect(error?.code).toBe("INVALID_ARGUMENT");
    expect(`${error?.message}: ${error?.remedy}`).toContain(`--format: ${words}`);
  });

  it("takes any text or says what is wrong with it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const error = failure(text);
        if (error !== undefined) expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
        else expect(typeof listen(text).render(message)).toBe("string");
      }),
    );
  });

  it("leaves every text in which nothing has a meaning as it is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "binary" }), (text) => {
        const plain = text.replace(/[\\{}]/g, "x");
        expect(listen(plain).render(message)).toBe(plain);
      }),
    );
  });
});
