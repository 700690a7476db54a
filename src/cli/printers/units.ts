const UNITS: readonly [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
];

/** `40 s`, `12 min`, `5 h` or `7 d`: in the largest unit that is full, rounded. */
export function roughDurationText(durationMs: number): string {
  for (const [unitMs, unit] of UNITS) {
    if (durationMs >= unitMs) return `${Math.round(durationMs / unitMs)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(durationMs / 1000))} s`;
}

/** `1.2 ms`, `35 ms` or `2.5 s`. */
export function millisecondsText(durationMs: number): string {
  if (durationMs < 10) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  return `${(durationMs / 1000).toFixed(1)} s`;
}
