/**
 * From file to document.
 *
 * Owns: which fences are cells, their names, and the order in which everything is read.
 * Never: references between cells, running, writing.
 *
 * Invariants: N1 the raw texts of front matter and blocks, joined, are the file; N2 `parse` never throws, whatever the
 * text; N3 its time is linear in the text's length; N4 a cell inside a list item, a block quote or an HTML comment is
 * prose, and in a list item there is a warning that says so.
 */
import { inOrder, type Report, shown, structureProblem } from "./problem.ts";
import { BrokenHeaders, readCell } from "./syntax/cell.ts";
import { type Fence, scanFences } from "./syntax/fences.ts";
import { readFrontMatter } from "./syntax/front_matter.ts";
import { type Info, readInfo } from "./syntax/info.ts";
import { nameFault } from "./syntax/names.ts";
import type { Block, FrontMatter, Parsed, Problem } from "./types.ts";

/** A fence that is a cell. */
interface Found {
  fence: Fence;
  info: Info & { type: "cell" };
}

/**
 * Parses a notebook. Every text is one: what cannot be read is kept as it stands, and a problem says what is wrong with
 * it, where, and what would be right.
 *
 * @example
 * ```ts
 * const { notebook, problems } = parse("# Hi\n\n~~~ts one\nreturn 1;\n~~~\n\n~~~agnet two\nSay it\n~~~\n");
 * if (notebook.title !== "Hi" || notebook.blocks.length !== 3) throw new Error("not read");
 * if (!problems[0]?.message.endsWith("Did you mean 'agent'?")) throw new Error("no suggestion");
 * ```
 */
export function parse(text: string): Parsed {
  const problems: Problem[] = [];
  const report: Report = (problem) => problems.push(problem);
  const { frontMatter, end } = readFrontMatter(text, report);
  const scan = scanFences(text.slice(end), 1 + countLineEnds(text.slice(0, end)));
  const found = findCells(scan.fences, report);
  if (scan.openHtml !== undefined && scan.openHtml.mark === "-->") {
    const message = "Comment is not closed: add -->, for all below it is prose";
    report(
      structureProblem("comment_unclosed", scan.openHtml, message, { severity: "warning", expected: "-->" }),
    );
  }
  const blocks = readBlocks(text.slice(end), found, frontMatter, report);
  const title = typeof frontMatter.data.title === "string" ? frontMatter.data.title : scan.heading;
  return { notebook: { frontMatter, title, blocks }, problems: inOrder(problems) };
}

/** The fences that are cells, with a problem for each that nearly is. */
function findCells(fences: readonly Fence[], report: Report): Found[] {
  return fences.flatMap((fence) => {
    const info = readInfo(fence);
    if (info.type === "prose") return [];
    const place = { line: fence.line, column: info.column };
    if (fence.inList) {
      if (info.type === "near" || nameFault(info.name) !== undefined) return [];
      const message = `'${info.name}' stands in a list, which makes it prose: move it to the left margin`;
      const expected = "a fence that is not part of a list item";
      report(structureProblem("cell_in_list", place, message, { severity: "warning", expected }));
      return [];
    }
    if (info.type === "near") {
      const message = `Unknown cell kind '${shown(info.word)}'. Did you mean '${info.near}'?`;
      report(structureProblem("kind_unknown", place, message, { expected: info.near }));
      return [];
    }
    return [{ fence, info }];
  });
}

/** Cells and the prose between them. */
function readBlocks(text: string, found: Found[], frontMatter: FrontMatter, report: Report): Block[] {
  const blocks: Block[] = [];
  const names = new Names(found, frontMatter, report);
  const headers = new BrokenHeaders();
  let proseCount = 0;
  let start = 0;
  let line = 1 + countLineEnds(frontMatter.raw);
  const addProse = (end: number) => {
    if (end === start) return;
    blocks.push({ type: "prose", id: `prose_${++proseCount}`, raw: text.slice(start, end), line });
  };
  for (const { fence, info } of found) {
    addProse(fence.start);
    const { name, usable } = names.take(fence, info);
    const cell = readCell(text, fence, info, name, usable, headers, report);
    blocks.push(cell);
    start = fence.end;
    line = fence.line + countLineEnds(cell.raw);
  }
  addProse(text.length);
  return blocks;
}

/** Names of the cells: the first cell to give a name has it; one that gives none of use gets one. */
class Names {
  readonly #given: Set<string>;
  readonly #params: Set<string>;
  readonly #taken = new Set<string>();
  #invalid = 0;

  constructor(found: Found[], frontMatter: FrontMatter, readonly report: Report) {
    this.#given = new Set(found.map(({ info }) => info.name));
    this.#params = new Set(frontMatter.params.map((param) => param.name));
  }

  take(fence: Fence, info: Info & { type: "cell" }): { name: string; usable: boolean } {
    const place = { line: fence.line, column: info.nameColumn };
    const fault = nameFault(info.name) ?? this.#duplicate(info.name);
    if (fault !== undefined) {
      const name = this.#invalidName();
      this.report(
        structureProblem(fault.code, place, fault.message, { cell: name, expected: fault.expected }),
      );
      return { name, usable: false };
    }
    this.#taken.add(info.name);
    if (this.#params.has(info.name)) {
      const message = `'${info.name}' is both a cell and a param`;
      const detail = { cell: info.name, expected: "another name for one of them" };
      this.report(structureProblem("name_shared", place, message, detail));
    }
    return { name: info.name, usable: true };
  }

  #duplicate(name: string) {
    if (!this.#taken.has(name)) return undefined;
    return { code: "name_duplicate", message: `Two cells are named '${name}'`, expected: "another name" };
  }

  #invalidName(): string {
    do this.#invalid++; while (this.#given.has(`invalid_${this.#invalid}`));
    return `invalid_${this.#invalid}`;
  }
}

function countLineEnds(text: string): number {
  let count = 0;
  for (const _ of text.matchAll(/\r\n|[\n\r]/g)) count++;
  return count;
}
