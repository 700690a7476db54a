/** A figure at a time. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** By how much the figure grows with each unit of time. */
export interface Trend {
  readonly slope: number;
  /** The true slope lies between these with 99 % confidence. */
  readonly low: number;
  readonly high: number;
}

/** Of the normal distribution, two-sided, for 99 %. */
const Z_99 = 2.576;
/** Fewer points say nothing. */
const MIN_POINTS = 8;

/**
 * The median of the slopes between all pairs of points (Theil 1950, Sen 1968): a few outliers, as a
 * burst or a pause leaves, do not move it. The confidence limits are Sen's, from the variance of
 * Kendall's S; they take the noise of the points as independent. Undefined with too few points.
 */
export function theilSen(points: readonly Point[]): Trend | undefined {
  const count = points.length;
  if (count < MIN_POINTS) return undefined;
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) {
      if (a.x !== b.x) slopes.push((b.y - a.y) / (b.x - a.x));
    }
  }
  const sorted = Float64Array.from(slopes).toSorted();
  if (sorted.length === 0) return undefined;
  const spread = Z_99 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  return {
    slope: at(sorted, (sorted.length - 1) / 2),
    low: at(sorted, (sorted.length - 1 - spread) / 2),
    high: at(sorted, (sorted.length - 1 + spread) / 2),
  };
}

/** The element there, between two neighbours their mean; the outermost beyond the ends. */
function at(sorted: Float64Array, index: number): number {
  const within = Math.min(Math.max(index, 0), sorted.length - 1);
  const [low, high] = [sorted[Math.floor(within)], sorted[Math.ceil(within)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** The middle one; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted.length === 0 ? Number.NaN : at(sorted, (sorted.length - 1) / 2);
}
