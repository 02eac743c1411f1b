/** The engine itself, for tests in which the page must agree with it. */
import { openWorkspace } from "../../engine/access/open_workspace.ts";
import { systemClock } from "../../engine/base/clock.ts";
import { systemIds } from "../../engine/base/ids.ts";
import { lineLog } from "../../engine/base/log.ts";
import { createEngine, createKindTools, openStore, renderChart } from "../../engine/mod.ts";

const log = lineLog({ clock: systemClock, level: "error", readable: true, print: console.error });
const endings: (() => Promise<void>)[] = [];

/** The engine itself, over a folder with these notebooks and a store in memory. */
export async function realStudio(notebooks: Record<string, string>) {
  const root = await Deno.makeTempDir();
  const folder = `${root}/notebooks`;
  await Deno.mkdir(folder);
  for (const [id, text] of Object.entries(notebooks)) await Deno.writeTextFile(`${folder}/${id}.md`, text);
  const workspace = await openWorkspace({ root, notebooks: folder });
  const { store, release } = await openStore("memory:");
  const tools = createKindTools({
    workspace,
    clock: systemClock,
    log,
    env: () => undefined,
    envNames: () => [],
  });
  const { kinds } = tools;
  const engine = await createEngine({
    store,
    kinds,
    workspace,
    clock: systemClock,
    ids: systemIds(systemClock),
    log,
    worker: "test",
  });
  endings.push(async () => {
    await engine.close();
    await tools.close();
    await release();
    await Deno.remove(root, { recursive: true });
  });
  return { engine, workspace, chart: (spec, theme) => renderChart(spec, { theme }) } satisfies Partial<
    Parameters<typeof import("../_support/studio.ts").serveStudio>[0]
  >;
}

/** To be called once at the end of a file. */
export function closeEnginesAfterwards(): void {
  Deno.test({
    name: "the engines close",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      for (const end of endings) await end();
    },
  });
}
