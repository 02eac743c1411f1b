/**
 * Keys that the format knows and nothing here acts on yet. Owns: which they are, and the words that say so.
 * Never: keys that the format does not know; those are the parser's.
 *
 * EN-114 A key that would change what runs, or that promises something, refuses the run; one whose absence only costs
 * comfort is a warning. None is passed over in silence.
 */
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import { configProblem } from "../notebook/problem.ts";
import { findFrontMatter } from "../notebook/syntax/front_matter.ts";
import { readYaml, type YamlText } from "../notebook/syntax/yaml_text.ts";
import type { Cell, FrontMatter, Problem } from "../notebook/types.ts";

const NOT_RUN = new Set(
  "tools onTimeout onCancel onFailure".split(" "),
);
const NO_COMFORT = new Set("streaming stream readOnly needs".split(" "));
/** Kinds that say by `onTimeout` what happens when what they wait for does not come. */
const WAITING: ReadonlySet<Cell["kind"]> = new Set(["approval", "notebook", "wait"]);
/** Of an entry of `inputs`. */
const INPUT_NOT_RUN = new Set(["allowPartial"]);

const FRONT_NOT_RUN = new Set(["onCancel", "onFailure"]);
const FRONT_NO_COMFORT = new Set(
  ("mode confirmAboveUsd logLevel timeZone storage streams notifications sampling handlers").split(" "),
);

/**
 * A problem `key_unavailable` for each such key of the front matter and of the cells that are to run. Keys that ask
 * for what happens anyway, such as an empty list, are none.
 *
 * @example
 * ```ts
 * import { parse } from "../notebook/parse.ts";
 * import { cellsOf } from "../notebook/types.ts";
 * const { notebook } = parse("~~~ts x\ncache: false\nonCancel: a\n---\nreturn 1\n~~~\n");
 * const [problem] = unavailableIn(notebook.frontMatter, cellsOf(notebook));
 * if (problem?.message !== "'onCancel' of 'x' is not available yet; remove it to run this cell") throw new Error("no words");
 * if (problem.line !== 3 || problem.column !== 1) throw new Error("not its place");
 * ```
 */
export function unavailableIn(frontMatter: FrontMatter, cells: readonly Cell[]): Problem[] {
  return [...inFrontMatter(frontMatter), ...cells.flatMap(inCell)];
}

/** A key that is not acted on, by the way to it. */
interface Found {
  path: string[];
  severity: Problem["severity"];
  message: string;
}

function inCell(cell: Cell): Problem[] {
  if (cell.kind === "invalid") return [];
  const found: Found[] = [];
  const notRun = (path: string[]) => {
    const message = `'${path.join(".")}' of '${cell.name}' is not available yet; remove it to run this cell`;
    found.push({ path, severity: "error", message });
  };
  for (const [key, value] of Object.entries(cell.header)) {
    if (saysNothing(key, value)) continue;
    if (key === "onTimeout" && WAITING.has(cell.kind)) continue;
    if (key === "effect") inEffect(cell, value, notRun, found);
    else if (NOT_RUN.has(key)) notRun([key]);
    else if (NO_COMFORT.has(key)) {
      if (key === "readOnly" && cell.kind === "tool") continue;
      if (key === "needs" && cell.kind === "http" && onlyNet(value)) continue;
      const so = key === "needs" ? ": the cell gets no permission" : "";
      found.push({
        path: [key],
        severity: "warning",
        message: `'${key}' of '${cell.name}' has no effect yet${so}`,
      });
    }
  }
  // Each item would have the whole of them.
  if (cell.header.each !== undefined && cell.header.limits !== undefined) notRun(["limits"]);
  // It does nothing itself: what its run needs stands in the cells of that one.
  if (cell.kind === "notebook" && cell.header.requires !== undefined) notRun(["requires"]);
  for (const path of keysOfPorts(cell.header, "inputs")) if (INPUT_NOT_RUN.has(path[2]!)) notRun(path);
  // An agent's answer is checked; other kinds give their value as it is.
  if (cell.kind !== "agent") {
    for (const path of keysOfPorts(cell.header, "outputs")) if (path[2] === "schema") notRun(path);
  } else if (holdsPlaceholder(cell.header.model)) {
    const message =
      `'model' of '${cell.name}' holds a placeholder, which is not filled in yet; name the model itself`;
    found.push({ path: ["model"], severity: "error", message });
  }
  return placed(found, () => {
    const { headerText, headerLine: line, indent } = cell;
    return readYaml(headerText, { line, indent, maxLength: headerText.length });
  }, cell.name);
}

/** Only requests act yet; of what an effect may say, a key of its own and who undoes it are still to come. */
function inEffect(
  { name, kind }: Cell,
  effect: Json,
  notRun: (path: string[]) => void,
  found: Found[],
): void {
  if (kind !== "http") {
    const message =
      `'effect' of '${name}' is for cells that act, and ${kind} cells do not act yet; remove it to run this cell`;
    return void found.push({ path: ["effect"], severity: "error", message });
  }
  if (!isObject(effect)) return;
  if (Object.hasOwn(effect, "idempotencyKey")) notRun(["effect", "idempotencyKey"]);
  if (!Object.hasOwn(effect, "handler")) return;
  const message = `'effect.handler' of '${name}' has no effect yet: nothing is undone by itself`;
  found.push({ path: ["effect", "handler"], severity: "warning", message });
}

function inFrontMatter({ data, raw }: FrontMatter): Problem[] {
  const found: Found[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (saysNothing(key, value)) continue;
    if (FRONT_NOT_RUN.has(key)) {
      const message = `'${key}' of front matter is not available yet; remove it to run`;
      found.push({ path: [key], severity: "error", message });
    } else if (FRONT_NO_COMFORT.has(key)) {
      found.push({ path: [key], severity: "warning", message: `'${key}' of front matter has no effect yet` });
    }
  }
  for (const [name, param] of Object.entries(isObject(data.params) ? data.params : {})) {
    if (!isObject(param) || !Object.hasOwn(param, "schema")) continue;
    const message = `'schema' of param '${name}' is not available yet; remove it to run`;
    found.push({ path: ["params", name, "schema"], severity: "error", message });
  }
  if (isObject(data.defaults) && holdsPlaceholder(data.defaults.model)) {
    const message = "'defaults.model' holds a placeholder, which is not filled in yet; name the model itself";
    found.push({ path: ["defaults", "model"], severity: "error", message });
  }
  return placed(found, () => {
    const { yamlStart, yamlEnd } = findFrontMatter(raw);
    return readYaml(raw.slice(yamlStart, yamlEnd), { line: 2, indent: 0, maxLength: raw.length });
  });
}

/** The problems at their keys. The text is read again for that, and only if there are any. */
function placed(found: readonly Found[], read: () => YamlText, cell?: string): Problem[] {
  if (found.length === 0) return [];
  const { placeOf } = read();
  return found.map(({ path, severity, message }) =>
    configProblem("key_unavailable", placeOf(path), message, {
      severity,
      ...(cell === undefined ? {} : { cell }),
    })
  );
}

function keysOfPorts(header: JsonObject, side: "inputs" | "outputs"): string[][] {
  return Object.entries(isObject(header[side]) ? header[side] : {}).flatMap(([port, contract]) =>
    Object.entries(isObject(contract) ? contract : {})
      .filter(([key, value]) => !saysNothing(key, value))
      .map(([key]) => [side, port, key])
  );
}

/** Hosts are what an `http` cell may reach; nothing else is granted yet. */
function onlyNet(needs: Json): boolean {
  return isObject(needs) &&
    Object.entries(needs).every(([key, value]) => key === "net" || saysNothing(key, value));
}

function saysNothing(key: string, value: Json): boolean {
  if (value === false) return key === "allowPartial" || key === "streaming";
  if (key === "schema" || typeof value !== "object" || value === null) return false;
  return Object.keys(value).length === 0;
}

function holdsPlaceholder(value: Json | undefined): boolean {
  return typeof value === "string" && value.includes("{{");
}
