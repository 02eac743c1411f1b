/** A server over HTTP that keeps what it is sent to the byte, and answers or breaks off as a test says. */

/** A request as it came. */
export interface Came {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What it answers; `cut`: it breaks off once it has the whole request; `hang`: it waits until the other side has gone. */
export type Answers = { status?: number; headers?: Record<string, string>; body?: string } | "cut" | "hang";

/** See the module comment. */
export class RawServer implements AsyncDisposable {
  readonly came: Came[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  readonly port = (this.#listener.addr as Deno.NetAddr).port;
  readonly at = `127.0.0.1:${this.port}`;

  constructor(private readonly answer: (came: Came, n: number) => Answers) {
    this.#serving = this.#serve();
  }

  /** Those that did not only read. */
  get acted(): Came[] {
    return this.came.filter(({ method }) => method !== "GET");
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        await this.#converse(connection);
      } catch {
        // The other side has gone.
      } finally {
        connection.close();
      }
    }
  }

  async #converse(connection: Deno.Conn): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65_536);
    let text = "";
    for (;;) {
      const n = await connection.read(buffer);
      if (n === null) return;
      text += decoder.decode(buffer.subarray(0, n), { stream: true });
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const [first, ...lines] = text.slice(0, end).split("\r\n");
      const headers = Object.fromEntries(lines.map((line) => {
        const [name, ...value] = line.split(": ");
        return [name!.toLowerCase(), value.join(": ")];
      }));
      const body = text.slice(end + 4);
      if (new TextEncoder().encode(body).length < Number(headers["content-length"] ?? 0)) continue;
      const [method, path] = first!.split(" ");
      const came = { method: method!, path: path!, headers, body };
      const nth = this.came.push(came) - 1;
      const answer = this.answer(came, nth);
      if (answer === "cut") return;
      if (answer === "hang") return void await connection.read(buffer);
      const { status = 200, headers: more = {}, body: said = "" } = answer;
      const bytes = new TextEncoder().encode(said);
      const head = Object.entries({ "content-length": bytes.length, connection: "close", ...more })
        .map(([name, value]) => `${name}: ${value}\r\n`).join("");
      await connection.write(new TextEncoder().encode(`HTTP/1.1 ${status} Said\r\n${head}\r\n${said}`));
      return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

/** An answer of JSON. */
export function json(body: unknown, status = 200): Answers {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
