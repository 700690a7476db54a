/**
 * What goes behind a text: escape sequences, bidirectional overrides, NUL, halves of surrogate
 * pairs, what looks like JSON, SQL or a format, characters of several code points.
 */
export const HOSTILE_TEXTS: readonly string[] = [
  "\u0000nul",
  "\u001B[2J\u001B]0;title\u0007",
  "\r\noverwritten\u0008\u0008",
  "\u202Eesrever\u2066\u200F",
  "half \uD800",
  "\uDC00 half",
  "\uFEFF\uFFFE\uFFFF",
  "e\u0301\u{1F468}\u200D\u{1F469}\u200D\u{1F467}",
  '"}{"type":"error"',
  "'; DROP TABLE messages; --",
  "%s%n\\u0000 __proto__",
  "\u2028\u2029\u0085",
];
