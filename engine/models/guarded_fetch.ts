/**
 * The `fetch` that providers call through. Owns: what an answer must be before the SDK reads it, and what was seen
 * of it. Never: parsing events; that is the SDK's.
 *
 * P1 No redirect is followed: it would carry key and prompt to another place.
 * P2 Bytes that are no UTF-8 fail the stream; no replacement character gets into a text.
 */
import type { FailureCategory } from "../plan/types.ts";

/** Why an answer was not let through. The SDK wraps it; {@link faultIn} finds it again. */
export class ProviderFault extends Error {
  constructor(readonly category: FailureCategory, readonly faultCode: string, message: string) {
    super(message);
    this.name = "ProviderFault";
  }
}

/** A guarded `fetch` and what it saw. */
export interface GuardedFetch {
  fetch: typeof fetch;
  /** Whether the stream said `[DONE]`, by which a server ends it on purpose. */
  sawDone(): boolean;
}

/** How many causes are looked through; errors wrap each other only a few times. */
const DEEPEST_CAUSE = 10;
const SHOWN = 200;
const DONE = "[DONE]";

/** The fault among the causes of an error, if there is one. */
export function faultIn(error: unknown): ProviderFault | undefined {
  let current = error;
  for (let i = 0; i < DEEPEST_CAUSE && current instanceof Error; i++, current = current.cause) {
    if (current instanceof ProviderFault) return current;
  }
  return undefined;
}

/** A `fetch` for one call; see the invariants above. */
export function guardedFetch(): GuardedFetch {
  let done = false;
  return {
    sawDone: () => done,
    fetch: async (input, init) => {
      const response = await fetch(input, { ...init, redirect: "manual" });
      await refuseStrangers(response);
      if (response.body === null || !response.ok) return response;
      const body = response.body.pipeThrough(strictUtf8(() => done = true));
      return new Response(body, { status: response.status, headers: response.headers });
    },
  };
}

/** Answers that no provider of models gives: a redirect, a web page. */
async function refuseStrangers(response: Response): Promise<void> {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    const message =
      `answered with a redirect (${status}), which is not followed; put the final address in the base URL`;
    throw new ProviderFault("invalid_input", "provider_redirect", message);
  }
  if (response.ok && response.headers.get("content-type")?.startsWith("text/html")) {
    const start = (await response.text()).slice(0, SHOWN).replace(/\s+/g, " ").trim();
    throw new ProviderFault(
      "invalid_output",
      "provider_html",
      `answered with a web page and not a model's answer: ${start}`,
    );
  }
}

/** Lets bytes through as they are and fails at the first that is no UTF-8, also a character cut off by the end. */
function strictUtf8(onDone: () => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let tail = "";
  const check = (bytes?: Uint8Array<ArrayBuffer>) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      const message = "sent bytes that are no UTF-8, or ended in the middle of a character";
      throw new ProviderFault("network", "provider_stream_cut", message);
    }
  };
  return new TransformStream({
    transform(bytes, controller) {
      // The mark may be cut in two, so the end of the text before it is looked at as well.
      tail = tail.slice(-DONE.length) + check(bytes);
      if (tail.includes(DONE)) onDone();
      controller.enqueue(bytes);
    },
    flush() {
      check();
    },
  });
}
