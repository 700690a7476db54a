import { UdpchatError } from "../errors.js";

/**
 * The value of an option that counts: 1 to `highest`, which has at most six digits.
 * @param more what the remedy says beside that
 * @throws UdpchatError INVALID_ARGUMENT
 */
export function wholeNumber(option: string, text: string, highest: number, more = ""): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= highest) return number;
  throw new UdpchatError("INVALID_ARGUMENT", `--${option}: "${text}" is not possible`, {
    remedy: `use 1 to ${highest}${more}`,
  });
}
