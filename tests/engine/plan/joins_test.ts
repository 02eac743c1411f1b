/** What `join` and `rest` of a header mean for graph and plan, and what is wrong with those that mean nothing. */
import { assertEquals } from "@std/assert";
import { buildGraph } from "../../../engine/graph/graph.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { makePlan } from "../../../engine/plan/plan.ts";

const LIST = "inputs: { best: { from: [a, b, c] } }";

/** A notebook of cells `a`, `b` and `c`, and `j` with this header. */
function planned(header: string, { front = "", a = "", source = "1" } = {}) {
  const abc = [`~~~jsonata a${a}\n1\n~~~`, "~~~jsonata b\n1\n~~~", "~~~jsonata c\n1\n~~~"];
  const top = front === "" ? "" : `---\nweft: 1\n${front}\n---\n`;
  const { notebook, problems: parsed } = parse(
    `${top}${abc.join("\n\n")}\n\n~~~jsonata j\n${header}\n---\n${source}\n~~~\n`,
  );
  const { graph, problems: wired } = buildGraph(notebook);
  const problems = [...parsed, ...wired];
  const { plan, problems: refused } = makePlan({
    graph,
    notebook,
    version: "v",
    params: {},
    kinds: () => ({ attempts: 1 }),
    problems,
  });
  const step = plan?.steps.find(({ cell }) => cell === "j");
  return { graph, plan, step, problems: [...new Set([...problems, ...refused])] };
}

const counted = (header: string, more = {}): [string | undefined, object | undefined] => {
  const { step } = planned(header, more);
  return [step?.needs.filter(({ join }) => join).map(({ cell }) => cell).join(""), step?.join];
};
const CANCEL = "cancel-remaining";

Deno.test("EN-803 a join counts all that leads to its cell but what asks for any end, or those that it names", () => {
  const any = { need: 1, of: 3, rest: CANCEL, gives: "any" };
  assertEquals(counted(`${LIST}\njoin: any`), ["abc", any]);
  assertEquals(counted("join: any", { source: "[a, b, c]" }), ["abc", any]);
  assertEquals(counted("join: any\nafter: [a, b, c?]"), ["ab", { ...any, of: 2 }]);
  const quorum = { need: 2, of: 2, rest: "let-run", gives: "quorum" };
  assertEquals(counted(`${LIST}\njoin: { quorum: 2, of: [a, c] }\nrest: let-run`), ["ac", quorum]);
  const some = `inputs: { x: { from: a, required: false }, y: { from: b } }\nrest: ${CANCEL}`;
  assertEquals(
    counted(some),
    ["b", { need: 1, of: 1, rest: CANCEL, gives: "all" }],
    "all of what is required",
  );
});

Deno.test("EN-803 EN-805 `all`, and letting the others run, are what holds when nothing is said", () => {
  for (const header of [LIST, `${LIST}\njoin: all`, `${LIST}\njoin: all\nrest: let-run`]) {
    assertEquals(counted(header), ["", undefined], header);
  }
});

Deno.test("EN-803 a cell that a join names leads to it, if only in order, and an unknown one is a problem there", () => {
  const { graph, step } = planned("join: { quorum: 1, of: [a, b] }", { source: "a" });
  assertEquals(graph.into.get("j")!.map(({ id }) => id), ["a.->j.a", "b.*->j.*"]);
  assertEquals(step!.needs, [{ cell: "a", mode: "value", join: true }, {
    cell: "b",
    mode: "after",
    join: true,
  }]);
  const [problem] = planned("join: { quorum: 1, of: [a, bb] }").problems;
  assertEquals([problem!.code, problem!.message, problem!.line, problem!.column], [
    "name_unknown",
    "No cell is named 'bb'. Did you mean 'b'?",
    14,
    20,
  ]);
});

Deno.test("EN-803 a join that can never be met is a problem at its place, as is one that is none", () => {
  const told = (header: string) =>
    planned(header).problems.map(({ message, line, column }) => `${message} (${line}:${column})`);
  assertEquals(told(`${LIST}\njoin: { quorum: 4 }`), [
    "The join of 'j' needs 4 to succeed, but counts 3 (15:1)",
  ]);
  assertEquals(told("join: any"), ["The join of 'j' needs 1 to succeed, but counts 0 (14:1)"]);
  for (const join of ["some", "{ quorum: 0 }", "{ quorum: 1, off: [a] }", "2"]) {
    assertEquals(planned(`${LIST}\njoin: ${join}`).problems[0]?.code, "value_invalid", join);
  }
  assertEquals(planned(`${LIST}\nrest: go`).problems[0]?.code, "value_invalid");
});

Deno.test("EN-803 a disabled cell takes a join with it only if the join cannot be met without", () => {
  const off = { a: " disabled" };
  assertEquals(counted(`${LIST}\njoin: { quorum: 2 }`, off), ["bc", {
    need: 2,
    of: 2,
    rest: CANCEL,
    gives: "quorum",
  }]);
  const { plan } = planned(`${LIST}\njoin: { quorum: 3 }`, off);
  assertEquals(plan!.skipped, [{ cell: "a", why: "disabled" }, { cell: "j", why: "disabled by a" }]);
});

Deno.test("EN-701 a failure that only counts against a join stops nothing, unless somebody says that it does", () => {
  const errors = (more: Parameters<typeof planned>[1], header = `${LIST}\njoin: any`) =>
    planned(header, more).plan!.steps.map(({ cell, errors }) => `${cell} ${errors}`);
  const absorbed = ["a continue", "b continue", "c continue", "j stop"];
  assertEquals(errors({}), absorbed);
  assertEquals(errors({ front: "errors: stop" }), absorbed.map((text) => text.replace("continue", "stop")));
  assertEquals(errors({ a: "\nerrors: stop\n---" }), ["a stop", ...absorbed.slice(1)]);
  assertEquals(errors({}, `${LIST}\njoin: all\nrest: ${CANCEL}`)[0], "a stop");
});

/** A notebook of `a`, a cell named `item`, and `m` with this `each` and source. */
function mapped(each: string, source = "item") {
  const { notebook, problems: parsed } = parse(
    `~~~jsonata a\n[1]\n~~~\n\n~~~jsonata item\n2\n~~~\n\n~~~jsonata m\neach: ${each}\n---\n${source}\n~~~\n`,
  );
  const { graph, problems: wired } = buildGraph(notebook);
  const problems = [...parsed, ...wired];
  const { plan } = makePlan({
    graph,
    notebook,
    version: "v",
    params: {},
    kinds: () => ({ attempts: 1 }),
    problems,
  });
  const into = (graph.into.get("m") ?? []).map(({ source }) => source);
  return { step: plan?.steps.find(({ cell }) => cell === "m"), into, problems };
}

Deno.test("EN-808 what `in` reads leads to the cell, and the item's name is the cell's own in its text alone", () => {
  assertEquals(mapped("{ in: a }").into, ["a"], "a cell of the item's name is not meant");
  assertEquals(mapped("{ in: item }", "1").into, ["item"], "but is where there is no item yet");
  assertEquals(mapped("{ in: a, as: one }", "one + item").into, ["a", "item"]);
  assertEquals(mapped("{ in: a, as: one }", "one + two").problems.map(({ code }) => code), ["name_unknown"]);
});

Deno.test("EN-808 the plan has how many items are under way, and what a failed one means", () => {
  assertEquals(mapped("{ in: a }").step?.each, { concurrency: 5, errors: "stop" });
  assertEquals(mapped("{ in: a, concurrency: 2, errors: continue }").step?.each, {
    concurrency: 2,
    errors: "continue",
  });
});

Deno.test("EN-808 an `each` that says too little or too much is a problem at its place", () => {
  const told = (each: string) =>
    mapped(each, "1").problems.map(({ message, line, column }) => `${message} (${line}:${column})`);
  assertEquals(told("{ as: one }"), [
    "'each' of 'm' does not say of what: add in, an expression that gives a list (10:1)",
  ]);
  assertEquals(told("{ in: a, max: 1001 }"), [
    "'each.max' of 'm' must be a whole number from 1 to 1000 (10:16)",
  ]);
  assertEquals(told("{ in: a, as: 9x }"), ["'each.as' of 'm' must be a name such as item (10:16)"]);
  assertEquals(told("{ in: a, errors: retry }"), ["'each.errors' of 'm' must be stop or continue (10:16)"]);
  assertEquals(told("{ in: ' ' }")[0], "'each' needs an expression for its items under in (10:9)");
});
