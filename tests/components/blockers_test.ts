import { assertEquals } from "@std/assert";
import { blockedBecause, blockersOf } from "../../components/cell/blockers.ts";
import type { CellFacts } from "../../components/cell/facts.ts";
import type { Problem } from "../../engine/notebook/types.ts";

const cell = (name: string, needs: string[] = [], more: Partial<CellFacts> = {}): CellFacts => ({
  name,
  kind: "ts",
  line: 1,
  needs,
  ...more,
});
const error = (cell?: string, severity: Problem["severity"] = "error"): Problem => ({
  code: "x",
  severity,
  type: "structure",
  message: `Wrong in ${cell ?? "the file"}`,
  line: 1,
  column: 1,
  ...cell === undefined ? {} : { cell },
});

const CELLS = [cell("a"), cell("b", ["a"]), cell("c", ["b"]), cell("d", ["a"])];
const OFF = [cell("a"), cell("b", ["a"], { disabled: true, leftOut: true }), cell("c", ["b"])];

const CASES: [what: string, cells: CellFacts[], problems: Problem[], blocked: string[], all: boolean][] = [
  ["nothing wrong", CELLS, [], [], false],
  ["a warning blocks nothing", CELLS, [error("a", "warning")], [], false],
  ["a cell's error blocks it and what needs it", CELLS, [error("b")], ["b", "c"], true],
  ["an error at the root blocks all", CELLS, [error("a")], ["a", "b", "d", "c"], true],
  ["an error of no cell blocks all", CELLS, [error()], ["a", "b", "c", "d"], true],
  ["an error in a disabled cell is in nobody's way", OFF, [error("b")], [], false],
  ["an error behind a disabled cell is its own", OFF, [error("c")], ["c"], true],
  ["cells in a circle", [cell("a", ["b"]), cell("b", ["a"]), cell("c")], [error("a")], ["a", "b"], true],
];

for (const [what, cells, problems, blocked, all] of CASES) {
  Deno.test(`ST-108 blockers: ${what}`, () => {
    const found = blockersOf(cells, problems);
    assertEquals([[...found.byCell.keys()].toSorted(), found.all !== undefined], [blocked.toSorted(), all]);
  });
}

Deno.test("ST-108 the reason names the cell that has the error, unless it is the one asked", () => {
  const of = (name: string) => blockedBecause(blockersOf(CELLS, [error("b")]).byCell.get(name), name);
  assertEquals([of("a"), of("b"), of("c")], [
    undefined,
    "Cannot run: Wrong in b",
    "Cannot run: b: Wrong in b",
  ]);
});

Deno.test("ST-814 10,000 cells in a row with an error each are judged at once", () => {
  const cells = Array.from({ length: 10_000 }, (_, i) => cell(`c${i}`, i === 0 ? [] : [`c${i - 1}`]));
  const before = performance.now();
  assertEquals(blockersOf(cells, cells.map(({ name }) => error(name))).byCell.size, 10_000);
  if (performance.now() - before > 1000) throw new Error("slow");
});
