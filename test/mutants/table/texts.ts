import { mutantsOf, unit } from "../mutant.js";

/** What holds where bytes come in, and where people look at what others wrote. */
export const TEXTS = [
  ...mutantsOf("src/wire/header.ts", [
    {
      name: "version check",
      find: "datagram[0] !== MAGIC || datagram[1] !== PROTOCOL_VERSION",
      replace: "datagram[0] !== MAGIC",
      why: "a later version is read as if it were ours",
      caughtBy: unit("wire/header"),
    },
    {
      name: "datagram size bound",
      find: "return datagram.length > maxBytes ? undefined : type;",
      replace: "return maxBytes === 0 ? undefined : type;",
      why: "datagrams that only fragments of IP can carry are taken",
      caughtBy: unit("wire/header"),
    },
    {
      name: "text is none of ours",
      find: "return datagram[0] === MAGIC;",
      replace: "return datagram.length > 0;",
      why: "bare text goes to the decoder and is never shown",
      caughtBy: unit("wire/header"),
    },
  ]),
  ...mutantsOf("src/wire/record.ts", [
    {
      name: "message size bound",
      find: 'if (record.body.length > MAX_MESSAGE_BYTES) throw malformed("message too large");',
      replace: "",
      why: "a message is larger than anybody can store or pass on",
      caughtBy: unit("wire/record"),
    },
  ]),
  ...mutantsOf("src/crypto/identity.ts", [
    {
      name: "signatures of another length",
      find: "if (signature.length !== SIGNATURE_BYTES) return false;",
      replace: "",
      why: "a short signature throws in the middle of a turn",
      caughtBy: unit("crypto/identity"),
    },
  ]),
  ...mutantsOf("src/crypto/hash.ts", [
    {
      name: "digests are compared as a whole",
      find: "one.length === other.length && ",
      replace: "other.length > 0 && ",
      why: "a shorter proof throws, or is enough",
      caughtBy: unit("crypto/hash"),
    },
  ]),
  ...mutantsOf("src/sanitise.ts", [
    {
      name: "sanitiser: escape sequences",
      find: '"\\\\p{Cc}\\\\p{Cs}\\\\p{Zl}',
      replace: '"\\\\p{Cs}\\\\p{Zl}',
      why: "a text moves the cursor, or types into the terminal",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: bidi overrides",
      find: "\\\\p{Zp}\\\\p{Bidi_Control}",
      replace: "\\\\p{Zp}",
      why: "a text reads otherwise than it is",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: newlines in names",
      find: "    .replace(HOSTILE_IN_LINE, visible)",
      replace: "    .replace(HOSTILE_IN_TEXT, visible)",
      why: "a name forges a whole line of the chat",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: what nobody sees in names",
      find: "hidden === undefined ? found : visible(hidden)",
      replace: "found",
      why: "two names that differ look the same",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: tags that carry a hidden text",
      find: "\\\\u{FFF9}-\\\\u{FFFB}\\\\u{E0000}-\\\\u{E0FFF}",
      replace: "\\\\u{FFF9}-\\\\u{FFFB}",
      why: "a text hides another one",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: JSON lines",
      find: "json.replace(HOSTILE_IN_JSON, escaped)",
      replace: "json",
      why: "JSON lines on a terminal do what texts say",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: what needs nothing",
      find: "/^[\\x20-\\x7e]*$/",
      replace: "/^[\\x20-\\x9f]*$/",
      why: "what is taken for plain is shown as it came, controls as well",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: names in commands",
      find: "`'${shown.replaceAll(\"'\", \"'\\\\''\")}'`",
      replace: "shown",
      why: "a nickname is a command that people copy into their shell",
      caughtBy: unit("sanitise"),
    },
  ]),
  ...mutantsOf("src/cli/printers/conversation.ts", [
    {
      name: "sanitiser: further lines are indented",
      find: 'replaceAll("\\n", CONTINUATION)',
      replace: "trimEnd()",
      why: "the second line of a text passes for somebody else's",
      caughtBy: unit("cli/hostileLines", "indents every further line of a text"),
    },
  ]),
  ...mutantsOf("src/daemon/logRecord.ts", [
    {
      name: "logs: what was said is withheld",
      find: 'isWithheld(name, value) ? "(withheld)" : valueAt(value, depth)',
      replace: "valueAt(value, depth)",
      why: "texts and keys are in the log",
      caughtBy: unit("daemon/logs"),
    },
  ]),
];
