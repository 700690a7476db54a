import { UdpchatError } from "../errors.js";

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The same duration as it is written, in the largest unit that it fills: `90d`. */
export function writtenDuration(durationMs: number): string {
  const units = Object.entries(MS_PER_UNIT).toReversed();
  const [unit, msPerUnit] = units.find(([, ms]) => durationMs % ms === 0) ?? ["ms", 1];
  return `${durationMs / msPerUnit}${unit}`;
}

/**
 * Milliseconds of `500ms`, `2s`, `1.5s`, `5m`, `1h` or `7d`; a bare number is milliseconds.
 * @throws UdpchatError INVALID_DURATION
 */
export function parseDurationMs(text: string): number {
  const [, amount, unit = "ms"] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const msPerUnit = MS_PER_UNIT[unit];
  if (amount === undefined || msPerUnit === undefined) {
    throw new UdpchatError("INVALID_DURATION", `"${text}" is not a duration`, {
      remedy: "write it as 500ms, 2s, 5m or 7d; a bare number is milliseconds",
    });
  }
  return Math.round(Number(amount) * msPerUnit);
}
