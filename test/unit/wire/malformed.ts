import { expect } from "vitest";

/** Asserts that `read` refuses its input as a malformed datagram, naming `what`. */
export function expectMalformed(read: () => unknown, what = ""): void {
  expect(read).toThrow(
    expect.objectContaining({
      code: "MALFORMED_DATAGRAM",
      message: expect.stringContaining(what),
    }),
  );
}
