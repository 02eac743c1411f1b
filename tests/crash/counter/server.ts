/**
 * A server outside that counts what is done to it, in a process of its own, so that it outlives those under test. Owns: a
 * line `NAME KEY` in a file for each action, durable before it is answered; and an answer to who asks about a key.
 *
 * `POST /NAME` with `idempotency-key` acts; `GET /?key=KEY` says how often that was. Prints its port when it listens.
 */
const file = Deno.openSync(Deno.args[0]!, { append: true, create: true });
const counts = new Map<string, number>();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => void Deno.stdout.writeSync(new TextEncoder().encode(`${port}\n`)),
}, (request) => {
  const url = new URL(request.url);
  const key = request.headers.get("idempotency-key") ?? url.searchParams.get("key") ?? "";
  if (request.method === "POST") {
    file.writeSync(new TextEncoder().encode(`${url.pathname.slice(1)} ${key}\n`));
    file.syncDataSync();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Response.json({ count: counts.get(key) ?? 0 });
});
