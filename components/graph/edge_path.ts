/**
 * The line of an edge that passes columns of nodes. Owns: its curves. Never: where it bends; that is the layout's.
 * Browser-safe.
 */

/** A place on the canvas, in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** One piece of a line, level at both ends: a cubic curve. */
export interface Curve {
  from: Point;
  to: Point;
  /** Control points. */
  by: [Point, Point];
}

/**
 * Curves from one point through all others. Each stays within the rectangle of its two ends, so a line that bends only
 * between nodes crosses none.
 */
export function curvesThrough(points: readonly Point[]): Curve[] {
  return points.slice(1).map((to, i): Curve => {
    const from = points[i]!;
    const middle = (from.x + to.x) / 2;
    return { from, to, by: [{ x: middle, y: from.y }, { x: middle, y: to.y }] };
  });
}

/**
 * The same as the path of an SVG.
 *
 * @example
 * ```ts
 * const path = pathThrough([{ x: 0, y: 0 }, { x: 80, y: 40 }, { x: 320, y: 40 }]);
 * if (path !== "M0,0 C40,0 40,40 80,40 L320,40") throw new Error(path);
 * ```
 */
export function pathThrough(points: readonly Point[]): string {
  const pieces = curvesThrough(points).map(({ from, to, by: [a, b] }) =>
    from.y === to.y ? `L${to.x},${to.y}` : `C${a.x},${a.y} ${b.x},${b.y} ${to.x},${to.y}`
  );
  return [`M${points[0]!.x},${points[0]!.y}`, ...pieces].join(" ");
}
