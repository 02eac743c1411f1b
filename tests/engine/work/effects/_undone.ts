/** A service on the loopback that is acted on and undone, and an engine whose cells act on it. */
import { systemClock } from "../../../../engine/base/clock.ts";
import type { Effect, Engine } from "../../../../engine/mod.ts";
import type { Attempt, EffectIntent, Kind, Outcome } from "../../../../engine/kinds/kind.ts";
import type { Descriptor } from "../../../../engine/notebook/effects/descriptor.ts";
import { createEgress } from "../../../../engine/sandbox/egress/egress.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { ended, engineOf, type EngineTraits, ScriptedKind, soon } from "../_harness.ts";
import { intentOf, World } from "./_world.ts";

/** A request that the service got. */
export interface Got {
  method: string;
  path: string;
  body: string;
  key: string | null;
}

/** See the module comment. */
export interface Service {
  port: number;
  url: string;
  got: Got[];
}

/** Serves while the test goes on; `answer` gets what came and its number, from 0. */
export async function serving(
  answer: (got: Got, n: number) => Response | Promise<Response>,
  test: (service: Service) => Promise<void>,
): Promise<void> {
  const got: Got[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname: path } = new URL(request.url);
    const key = request.headers.get("idempotency-key");
    const one = { method: request.method, path, body: await request.text(), key };
    got.push(one);
    return await answer(one, got.length - 1);
  });
  const { port } = server.addr;
  try {
    await test({ port, url: `http://127.0.0.1:${port}`, got });
  } finally {
    await server.shutdown();
  }
}

/** Cells that each have one effect, which is undone so; the last of them may read those before. */
export interface Acts {
  [cell: string]: Descriptor | ((attempt: Attempt) => Promise<Outcome>);
}

/** An engine for such cells, which may reach the port. */
export function engineFor(
  store: Store,
  acts: Acts,
  port: number,
  { clock = systemClock, ...rest }: EngineTraits = {},
): Promise<Engine> {
  const world = new World();
  const scripted = new ScriptedKind(
    Object.fromEntries(
      Object.entries(acts).map(([name, act]) => [
        name,
        typeof act === "function" ? act : world.act({ descriptor: act } satisfies Partial<EffectIntent>),
      ]),
    ),
  );
  const http: Kind = {
    name: "http",
    title: "Acts",
    description: "Acts as a test says",
    attempts: 1,
    run: (attempt) => scripted.run(attempt),
  };
  const egress = createEgress({ clock, openings: [{ bytes: [127, 0, 0, 1], bits: 32, port }] });
  return engineOf(store, new ScriptedKind(), { clock, egress, kinds: [http], ...rest });
}

/** A notebook of cells that follow each other and may reach the port. */
export function chainOf(cells: readonly string[], port: number, front = ""): string {
  return front + cells.map((name, i) => {
    const before = i === 0 ? "" : `\nx-after: {{ ${cells[i - 1]} }}`;
    return `~~~http ${name}\nneeds: { net: ["127.0.0.1:${port}"] }\n---\nGET http://127.0.0.1:${port}/${before}\n~~~\n`;
  }).join("\n");
}

/** A run of such a notebook that has ended, and its effects, oldest first. */
export async function acted(
  engine: Engine,
  cells: readonly string[],
  port: number,
  front = "",
): Promise<{ run: string; effects: Effect[] }> {
  const { run } = await engine.submit({ notebook: "n", text: chainOf(cells, port, front), author: "ann" });
  await soon(ended(engine, run));
  const { items } = await engine.effects.list({ run });
  const effects = items.toSorted((a, b) => a.entries[0]!.seq - b.entries[0]!.seq);
  return { run, effects };
}

export { intentOf };
