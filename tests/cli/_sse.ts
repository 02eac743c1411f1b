/** A reader of server-sent events over a real connection, as text with the last id. */

/** What a test does with a stream. */
export interface SseReader {
  /** Reads until the text received so far fits. */
  until(fits: (text: string) => boolean): Promise<void>;
  /** The last `id:` received. */
  readonly lastId: string | undefined;
  close(): Promise<void>;
}

/** Opens a stream of the API, from `lastId` if given. */
export async function sseReader(
  { url, cookie }: { url: string; cookie: string },
  path: string,
  lastId?: string,
): Promise<SseReader> {
  const response = await fetch(`${url}/api/v1${path}`, {
    headers: {
      cookie,
      accept: "text/event-stream",
      ...(lastId === undefined ? {} : { "last-event-id": lastId }),
    },
  });
  if (!response.ok || response.body === null) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    get lastId() {
      return [...text.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1];
    },
    async until(fits) {
      while (!fits(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`The stream ended too early: ${text}`);
        text += decoder.decode(value, { stream: true });
      }
    },
    close: () => reader.cancel().catch(() => {}),
  };
}
