/**
 * One request and its answer over one connection of its own. Owns: connecting to the address it is given, the limits of
 * time and size (SE-709), and whether anything had been sent when it failed. Never: which addresses are fit.
 *
 * X1 Nothing is looked up: the connection goes to the given address, and the host's name serves TLS and `Host` (SE-703).
 * X2 Certificates are checked, and nothing here can switch that off (SE-715).
 * X3 No sentence names an address (SE-714).
 */
import http from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import zlib from "node:zlib";
import type { Clock } from "../../base/clock.ts";
import type { FailureCategory } from "../../plan/types.ts";
import type { Headers } from "./request_headers.ts";
import type { Denial, Target } from "./target.ts";

/** What a request may take at most; times in ms, sizes in bytes. */
export interface EgressLimits {
  connectMs: number;
  firstByteMs: number;
  silenceMs: number;
  /** After decompression. */
  bodyBytes: number;
  headerBytes: number;
}

/** A complete answer, whatever its status. */
export interface Answer {
  type: "answered";
  status: number;
  /** By names in lower case; of several with one name, all with `, ` between. */
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
  /** Of the request that was answered, after redirects. */
  url: string;
}

/**
 * No complete answer. `not_sent`: no byte of the request had left, so that nothing can have happened (EF-043).
 * `in_doubt`: some had (EF-044).
 */
export interface Unanswered {
  type: "not_sent" | "in_doubt";
  code: string;
  category: FailureCategory;
  /** A sentence without a full stop. */
  message: string;
  /** Of the answer, where that had begun. */
  status?: number;
  /** With `egress_denied`: what was refused, and by which rule. */
  denied?: { host: string; rule: Denial["rule"] };
}

/** A status as people know it, such as `404 Not Found`. */
export function statusText(status: number): string {
  return `${status} ${http.STATUS_CODES[status] ?? ""}`.trimEnd();
}

/** What one exchange is given. */
export interface Exchange {
  target: Target;
  /** Text of the address to connect to. */
  address: string;
  method: string;
  headers: Headers;
  body?: Uint8Array;
  limits: EgressLimits;
  clock: Clock;
  signal: AbortSignal;
  /** Certificates of authorities to trust beside the system's, as PEM. */
  ca?: string;
}

const DECODERS: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
};
const ACCEPTED = "gzip, deflate, br";
/** Methods whose requests have a body even where it is empty. */
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

/** See the module comment. Never rejects. */
export function exchange(given: Exchange): Promise<Answer | Unanswered> {
  return new Promise((resolve) => new Conversation(given, resolve).begin());
}

class Conversation {
  #sent = false;
  #over = false;
  #status?: number;
  #request?: http.ClientRequest;
  #timer = new AbortController();

  constructor(
    private readonly given: Exchange,
    private readonly resolve: (end: Answer | Unanswered) => void,
  ) {}

  begin(): void {
    const { target, limits, signal, body, method } = this.given;
    if (signal.aborted) return this.#cancelled();
    signal.addEventListener("abort", this.#cancelled, { once: true });
    this.#within(limits.connectMs, "connect_timeout", `${target.host} could not be connected to`);
    try {
      const request = this.#open();
      this.#request = request;
      for (const [name, value] of this.given.headers) request.appendHeader(name, value);
      if (body !== undefined || WITH_BODY.has(method)) request.setHeader("Content-Length", body?.length ?? 0);
      request.once("socket", (socket) => {
        socket.once(target.secure ? "secureConnect" : "connect", () => {
          this.#sent = true;
          this.#within(limits.firstByteMs, "first_byte_timeout", `${target.host} did not answer`);
        });
      });
      request.on("error", (error) => this.#broken(error));
      // What changes the protocol is no answer.
      request.once("upgrade", (_, socket) => {
        socket.destroy();
        this.#fail("answer_unreadable", "network", `${target.host} changed the protocol without being asked`);
      });
      request.once("response", (response) => void this.#read(response));
      request.end(body);
    } catch (error) {
      this.#broken(error as Error);
    }
  }

  #open(): http.ClientRequest {
    const { target, address, method, limits, ca } = this.given;
    const { host, url, secure, port } = target;
    const found = { address, family: address.includes(":") ? 6 : 4 };
    type Found = (error: null, address: string | typeof found[], family?: number) => void;
    const options = {
      host,
      port,
      method,
      path: `${url.pathname}${url.search}`,
      agent: false as const,
      setHost: false,
      maxHeaderSize: limits.headerBytes,
      headers: { "Host": hostHeader(target), "Accept-Encoding": ACCEPTED },
      // X1: asked instead of the system, for a name; an address needs no asking.
      lookup: (_: string, wanted: { all?: boolean }, done: Found) =>
        wanted.all ? done(null, [found]) : done(null, found.address, found.family),
    };
    if (!secure) return http.request(options);
    return https.request({
      ...options,
      rejectUnauthorized: true,
      ...(target.address === undefined ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
  }

  async #read(response: http.IncomingMessage): Promise<void> {
    const { target: { host, url }, limits, method } = this.given;
    this.#status = response.statusCode!;
    const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
    const decoder = DECODERS[encoding];
    if (decoder === undefined && encoding !== "identity") {
      return this.#fail(
        "answer_unreadable",
        "invalid_output",
        `${host} answered in an encoding nobody asked for`,
      );
    }
    const quiet = () =>
      this.#within(limits.silenceMs, "silence_timeout", `${host} fell silent amid its answer`);
    quiet();
    // A decoder does not hear of a connection that breaks.
    response.on("error", (error) => this.#broken(error));
    response.on("data", quiet);
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      const plain = decoder === undefined || method === "HEAD" ? response : response.pipe(decoder());
      for await (const piece of plain as Readable) {
        if (this.#over) return;
        length += piece.length;
        if (length > limits.bodyBytes) {
          return this.#fail(
            "answer_too_large",
            "invalid_output",
            `${host} answered with more than ${limits.bodyBytes} bytes`,
          );
        }
        pieces.push(piece);
      }
    } catch (error) {
      if (decoder === undefined) return this.#broken(error as Error);
      return this.#fail(
        "answer_unreadable",
        "invalid_output",
        `${host} answered with bytes that are no ${encoding}`,
      );
    }
    const body = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    const headers = headersOf(response);
    this.#end({ type: "answered", status: this.#status, headers, body, url: url.href });
  }

  /** Begins the wait for what comes next and ends the one before. */
  #within(ms: number, code: string, what: string): void {
    this.#timer.abort();
    const timer = new AbortController();
    this.#timer = timer;
    void this.given.clock.sleep(ms, timer.signal).then(() => {
      if (!timer.signal.aborted) this.#fail(code, "timeout", `${what} within ${ms / 1000} s`);
    });
  }

  #broken(error: Error & { code?: string }): void {
    const { host, secure } = this.given.target;
    if (error.code === "HPE_HEADER_OVERFLOW") {
      const most = this.given.limits.headerBytes;
      return this.#fail(
        "answer_too_large",
        "invalid_output",
        `${host} answered with more than ${most} bytes of headers`,
      );
    }
    if (this.#status !== undefined) return this.#cut();
    if (this.#sent) {
      return /^HPE_/.test(error.code ?? "")
        ? this.#fail("answer_unreadable", "network", `${host} did not answer in HTTP`)
        : this.#fail("connection_lost", "network", `${host} closed the connection before it answered`);
    }
    if (error.code === "ECONNREFUSED") {
      return this.#fail("connect_failed", "network", `${host} refused the connection`);
    }
    if (secure && isTls(error)) {
      return this.#fail("tls_failed", "network", `No secure connection to ${host}: ${tlsReason(error)}`);
    }
    this.#fail("connect_failed", "network", `${host} could not be connected to`);
  }

  #cut(): void {
    this.#fail(
      "answer_cut",
      "network",
      `The answer of ${this.given.target.host} ended before it was complete`,
    );
  }

  #cancelled = (): void => this.#fail("cancelled", "unknown", "The request was stopped");

  #fail(code: string, category: FailureCategory, message: string): void {
    const status = this.#status === undefined ? {} : { status: this.#status };
    this.#end({ type: this.#sent ? "in_doubt" : "not_sent", code, category, message, ...status });
  }

  #end(end: Answer | Unanswered): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer.abort();
    this.given.signal.removeEventListener("abort", this.#cancelled);
    this.#request?.destroy();
    this.resolve(end);
  }
}

function hostHeader({ host, port, secure }: Target): string {
  const written = host.includes(":") ? `[${host}]` : host;
  return port === (secure ? 443 : 80) ? written : `${written}:${port}`;
}

function headersOf({ headers }: http.IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value!]),
  );
}

function isTls(error: Error & { code?: string }): boolean {
  return /cert|tls|ssl|handshake|alert|issuer/i.test(`${error.code ?? ""} ${error.message}`);
}

/** Of what the library says only what is known to name no address. */
function tlsReason({ message }: Error): string {
  if (/issuer|self.signed|verify/i.test(message)) return "nobody who is trusted has signed its certificate";
  if (/name|altname/i.test(message)) return "its certificate is for another name";
  if (/expired|notvalidyet|not yet/i.test(message)) return "its certificate is not valid at this time";
  return "the handshake failed";
}
