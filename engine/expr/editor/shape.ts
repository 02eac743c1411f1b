/**
 * What is known of a value before it exists: a JSON Schema or a value of an earlier run. Owns: which fields a path may
 * go on to. Never: whether a field is allowed; a schema that says little gives few fields, not an error.
 *
 * Total and bounded, whatever the schema holds: it is a person's.
 */

/** A schema, a sample, or several of them. */
export interface Shape {
  schema?: unknown;
  sample?: unknown;
}

/** A field that a path may go on to. */
export interface Field {
  name: string;
  /** Its type in a word, if known. */
  detail: string;
  about?: string;
  shape: Shape;
}

const MAX_FIELDS = 200;
const MAX_ITEMS = 20;
const MAX_DEPTH = 8;
/** Most parts of a schema, or items of a sample, that are looked at for one list of fields. */
const MAX_PARTS = 2000;

type Dict = Record<string, unknown>;
const isDict = (value: unknown): value is Dict =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The fields of a value, or of the items of a list.
 *
 * @example
 * ```ts
 * const fields = fieldsOf({ sample: [{ price: 1 }, { name: "a" }] });
 * if (fields.map(({ name }) => name).join() !== "price,name") throw new Error("not both");
 * ```
 */
export function fieldsOf({ schema, sample }: Shape): Field[] {
  const fields = new Map<string, Field>();
  const add = (name: string, field: Omit<Field, "name">) => {
    const known = fields.get(name);
    if (known !== undefined) {
      fields.set(name, { ...field, ...known, shape: { ...field.shape, ...known.shape } });
    } else if (fields.size < MAX_FIELDS) fields.set(name, { name, ...field });
  };
  const budget = { left: MAX_PARTS };
  fromSchema(schema, schema, add, 0, budget);
  fromSample(sample, add, 0, budget);
  return [...fields.values()];
}

interface Budget {
  left: number;
}

type Add = (name: string, field: Omit<Field, "name">) => void;

function fromSample(value: unknown, add: Add, depth: number, budget: Budget): void {
  if (depth > MAX_DEPTH || budget.left-- <= 0) return;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, MAX_ITEMS)) fromSample(item, add, depth + 1, budget);
  } else if (isDict(value)) {
    for (const [name, sample] of Object.entries(value).slice(0, MAX_FIELDS)) {
      add(name, { detail: typeOf(sample), shape: { sample } });
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function fromSchema(schema: unknown, root: unknown, add: Add, depth: number, budget: Budget): void {
  if (depth > MAX_DEPTH || budget.left-- <= 0 || !isDict(schema)) return;
  const next = (part: unknown) => fromSchema(part, root, add, depth + 1, budget);
  const { $ref, properties, items, prefixItems, anyOf, oneOf, allOf } = schema;
  if (typeof $ref === "string") next(lookUp($ref, root));
  if (isDict(properties)) {
    for (const [name, part] of Object.entries(properties).slice(0, MAX_FIELDS)) {
      const about = isDict(part) && typeof part.description === "string"
        ? part.description.slice(0, 200)
        : undefined;
      add(name, {
        detail: isDict(part) ? typeWords(part.type) : "",
        ...(about === undefined ? {} : { about }),
        // Local references count from the root, so its definitions go along.
        shape: {
          schema: isDict(part) && isDict(root)
            ? { $defs: root.$defs, definitions: root.definitions, ...part }
            : part,
        },
      });
    }
  }
  next(items);
  for (const list of [prefixItems, anyOf, oneOf, allOf]) {
    if (Array.isArray(list)) list.slice(0, MAX_ITEMS).forEach(next);
  }
}

function typeWords(type: unknown): string {
  const types = (Array.isArray(type) ? type : [type]).filter((one) => typeof one === "string");
  return types.slice(0, 7).join(" or ");
}

function lookUp(ref: string, root: unknown): unknown {
  if (!ref.startsWith("#/")) return undefined;
  let value = root;
  for (const key of ref.slice(2).split("/", MAX_DEPTH)) {
    const name = key.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isDict(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
