/**
 * What may be written at the cursor of an expression. Owns: which names, fields, functions and blocks are offered, and
 * what of the text they replace. Never: evaluation; what a path leads to is told by schemas and samples.
 *
 * K4 Any text and any cursor give a list, and each range lies in the text and holds the cursor.
 */
import { nearest } from "../../notebook/nearest.ts";
import { TITLES } from "../blocks/model.ts";
import { MAX_BRACKETS, MAX_EXPRESSION } from "../expression.ts";
import { SYNONYMS } from "../functions.ts";
import { isOperand, type Lexeme, lexemes } from "../scan.ts";
import { type Field, fieldsOf, type Shape } from "./shape.ts";
import { SIGNATURES } from "./signatures.ts";

/** A cell or param that the expression may read, and what is known of its value. */
export interface KnownInput extends Shape {
  name: string;
  /** It is a param, which `$params` has too. */
  param?: boolean;
}

/** What the expression is evaluated over: cells and params by name, or one value (on an edge). */
export type Scope = { inputs: readonly KnownInput[] } | { value: Shape };

/** One offer. Taking it puts `insert` in place of the text from `start` to `end` (UTF-16 code units). */
export interface Completion {
  label: string;
  kind: "name" | "field" | "function" | "block";
  /** Type of a field, arguments of a function; may be empty. */
  detail: string;
  about?: string;
  insert: string;
  start: number;
  end: number;
}

const MAX_OFFERS = 100;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const WORDS = new Set(["and", "or", "in", "true", "false", "null", "function"]);

/** A lexeme that is no space or comment, and whether a value ends with it. */
interface Token extends Lexeme {
  text: string;
  before: boolean;
}

/**
 * What may be written at the cursor.
 *
 * @param cursor in UTF-16 code units, brought into the text if it is outside
 *
 * @example
 * ```ts
 * const inputs = [{ name: "scout", sample: { claims: [{ confidence: 1 }] } }];
 * const offers = complete("scout.claims[con", 16, { inputs });
 * if (offers[0]?.label !== "confidence" || offers[0].start !== 13) throw new Error("not offered");
 * ```
 */
export function complete(text: string, cursor: number, scope: Scope): Completion[] {
  if (text.length > MAX_EXPRESSION) return [];
  const at = Math.max(0, Math.min(Math.trunc(cursor) || 0, text.length));
  const tokens: Token[] = [];
  let word: Lexeme | undefined;
  let operand = false;
  const next = lexemes(text);
  for (let lexeme = next(); lexeme !== undefined && lexeme.start < at; lexeme = next()) {
    const { type, start, end } = lexeme;
    if (type === "word" && at <= end) {
      word = lexeme;
      break;
    }
    const solid = type !== "space" && type !== "open" && type !== "close" && type !== "operator";
    if (solid && (at < end || type === "unclosed")) return [];
    if (type === "space" || type === "comment") continue;
    tokens.push({ ...lexeme, text: text.slice(start, end), before: operand });
    operand = isOperand(text, lexeme, operand);
  }
  const start = word?.start ?? at;
  const end = word?.end ?? at;
  const typed = text.slice(start, at);
  if (/\{\{block:$/.test(text.slice(0, start)) && !typed.includes("$")) return blocks(typed, start, end);
  if (operand || /^\d/.test(typed)) return [];
  const offers: Completion[] = [];
  if (typed.startsWith("$")) {
    offers.push(...functions(typed.slice(1), start, end));
  } else {
    const resolver = new Resolver(tokens, scope);
    const afterDot = tokens.at(-1)?.text === ".";
    const { fields, isRoot } = afterDot
      ? resolver.path(tokens.length - 2)
      : resolver.context(tokens.length, 0);
    const kind = isRoot && "inputs" in scope ? "name" : "field";
    for (const { name, detail, about } of fields) {
      if (name.includes("`") || name === "" || !startsLike(name, typed)) continue;
      const insert = PLAIN.test(name) && !WORDS.has(name) ? name : `\`${name}\``;
      offers.push({
        label: name,
        kind,
        detail,
        ...(about === undefined ? {} : { about }),
        insert,
        start,
        end,
      });
    }
  }
  return offers.slice(0, MAX_OFFERS);
}

const startsLike = (name: string, typed: string) => name.toLowerCase().startsWith(typed.toLowerCase());

function functions(typed: string, start: number, end: number): Completion[] {
  let names = [...SIGNATURES.keys()].filter((name) => startsLike(name, typed)).sort();
  if (names.length === 0) {
    const near = Object.hasOwn(SYNONYMS, typed) ? SYNONYMS[typed] : nearest(typed, SIGNATURES.keys());
    names = near === undefined ? [] : [near];
  }
  const offers = names.map((name): Completion => {
    const { parameters, about } = SIGNATURES.get(name)!;
    return { label: `$${name}`, kind: "function", detail: parameters, about, insert: `$${name}`, start, end };
  });
  if (startsLike("params", typed)) {
    offers.unshift({
      label: "$params",
      kind: "name",
      detail: "object",
      about: "What the run was given",
      insert: "$params",
      start,
      end,
    });
  }
  return offers;
}

function blocks(typed: string, start: number, end: number): Completion[] {
  return Object.entries(TITLES).filter(([type]) => startsLike(type, typed)).map(([type, title]) => ({
    label: title,
    kind: "block",
    detail: type,
    insert: `${type}:`,
    start,
    end,
  }));
}

/** The fields at a place, and whether they are those of the whole input. */
interface Found {
  fields: Field[];
  isRoot: boolean;
}

const NOTHING: Found = { fields: [], isRoot: false };

/** Finds what a path to the left leads to, by walking the tokens backwards. */
class Resolver {
  /** By closing bracket its opening one; -1 where it has none. */
  readonly #opens: number[] = [];
  /** By token the bracket that is open before it; -1 outside all. */
  readonly #within: number[] = [];

  constructor(private readonly tokens: readonly Token[], private readonly scope: Scope) {
    const open: number[] = [];
    tokens.forEach(({ type }, i) => {
      this.#within[i] = open.at(-1) ?? -1;
      if (type === "open") open.push(i);
      if (type === "close") this.#opens[i] = open.pop() ?? -1;
    });
    this.#within[tokens.length] = open.at(-1) ?? -1;
  }

  /** The context of what is written before token `i`. */
  context(i: number, depth: number): Found {
    let open = this.#within[i] ?? -1;
    while (open >= 0) {
      const { text, before } = this.tokens[open]!;
      const previous = this.tokens[open - 1]?.text;
      if ((text !== "(" && before) || (text === "(" && previous === "^")) {
        return this.path(text === "(" ? open - 2 : open - 1, depth + 1);
      }
      if (previous === ".") return this.path(open - 2, depth + 1);
      open = this.#within[open] ?? -1;
    }
    return this.#root(false);
  }

  /** What the path that ends with token `last` leads to. */
  path(last: number, depth = 0): Found {
    if (depth > MAX_BRACKETS) return NOTHING;
    const names: string[] = [];
    let i = last;
    for (;;) {
      i = this.#beforeFilters(i);
      const token = this.tokens[i];
      if (token === undefined) return NOTHING;
      const isName = token.type === "quoted" || (token.type === "word" && !/^[$\d]/.test(token.text));
      if (isName) {
        names.unshift(token.type === "quoted" ? token.text.slice(1, -1) : token.text);
        if (this.tokens[i - 1]?.text !== ".") return this.#follow(this.context(i, depth), names);
        i -= 2;
        continue;
      }
      if (this.tokens[i - 1]?.text === ".") return NOTHING;
      if (token.text === "$") return this.#follow(this.context(i, depth), names);
      if (token.text === "$$") return this.#follow(this.#root(false), names);
      if (token.text === "$params") return this.#follow(this.#root(true), names);
      if (token.text !== ")") return NOTHING;
      // A path in brackets of its own; the brackets of a call belong to what stands before them.
      const open = this.#opens[i] ?? -1;
      if (open < 0 || this.tokens[open]!.before) return NOTHING;
      for (let j = open + 1; j < i; j++) {
        const { type, text } = this.tokens[j]!;
        if (this.#within[j] === open && type === "operator" && text !== ".") return NOTHING;
      }
      return this.#follow(this.path(i - 1, depth + 1), names);
    }
  }

  /** The last token of a path without the filters and sortings at its end. */
  #beforeFilters(last: number): number {
    let i = last;
    for (;;) {
      const open = this.#opens[i] ?? -1;
      if (open <= 0) return i;
      if (this.tokens[i]!.text === "]" && this.tokens[open]!.before) i = open - 1;
      else if (this.tokens[i]!.text === ")" && this.tokens[open - 1]!.text === "^") i = open - 2;
      else return i;
    }
  }

  #follow(from: Found, names: readonly string[]): Found {
    return names.reduce((found: Found, name) => {
      const field = found.fields.find((one) => one.name === name);
      return { fields: field === undefined ? [] : fieldsOf(field.shape), isRoot: false };
    }, from);
  }

  #root(params: boolean): Found {
    if (!("inputs" in this.scope)) {
      return { fields: params ? [] : fieldsOf(this.scope.value), isRoot: !params };
    }
    const fields = this.scope.inputs.filter((input) => !params || input.param === true)
      .map(({ name, param, schema, sample }) => ({
        name,
        detail: param ? "param" : "cell",
        shape: { schema, sample },
      }));
    return { fields, isRoot: !params };
  }
}
