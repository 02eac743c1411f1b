/** The two wire types of Protocol Buffers that KV Connect needs: whole numbers, and bytes with their length. */

/** A message as it came: what each field number held, in the order it came. */
export class Message {
  readonly #fields = new Map<number, (number | Uint8Array)[]>();

  /** Reads a message. Throws a `RangeError` for bytes that are none, or hold another wire type. */
  constructor(bytes: Uint8Array) {
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let shift = 0;; shift += 7) {
        const byte = bytes[at++];
        if (byte === undefined || shift > 63) throw new RangeError("A number has no end");
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    };
    while (at < bytes.length) {
      const tag = varint();
      const [field, type] = [Math.floor(tag / 8), tag % 8];
      let value: number | Uint8Array;
      if (type === 0) {
        value = varint();
      } else if (type === 2) {
        const length = varint();
        value = bytes.subarray(at, at += length);
        if (value.length < length) throw new RangeError("A field is longer than its message");
      } else {
        throw new RangeError(`Not a wire type of this protocol: ${type}`);
      }
      const values = this.#fields.get(field);
      if (values === undefined) this.#fields.set(field, [value]);
      else values.push(value);
    }
  }

  /** A number; 0 if it is not there, as the format has it. */
  number(field: number): number {
    const value = this.#fields.get(field)?.at(-1) ?? 0;
    if (typeof value !== "number") throw new RangeError(`Field ${field} is not a number`);
    return value;
  }

  /** Bytes; none if they are not there. */
  bytes(field: number): Uint8Array {
    return this.#all(field).at(-1) ?? new Uint8Array();
  }

  /** Messages of a repeated field. */
  messages(field: number): Message[] {
    return this.#all(field).map((bytes) => new Message(bytes));
  }

  #all(field: number): Uint8Array[] {
    return (this.#fields.get(field) ?? []).map((value) => {
      if (typeof value === "number") throw new RangeError(`Field ${field} is a number`);
      return value;
    });
  }
}

/** Writes a message of fields in the order given; numbers are whole and not below 0. */
export function encodeMessage(fields: [field: number, value: number | Uint8Array][]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [field, value] of fields) {
    if (typeof value === "number") parts.push(varintOf(field * 8), varintOf(value));
    else parts.push(varintOf(field * 8 + 2), varintOf(value.length), value);
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function varintOf(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value;; rest = Math.floor(rest / 128)) {
    if (rest < 128) return new Uint8Array([...bytes, rest]);
    bytes.push(rest % 128 + 128);
  }
}
