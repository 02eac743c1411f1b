/** The counting server as those see it that use it: who starts it, who acts on it, and who judges what was done. */
import { assertEquals } from "@std/assert";

const SERVER = new URL("./server.ts", import.meta.url).pathname;
const PLACE = "counter.url";
const LOG = "counter.log";

/** Starts one for the processes of a case, which find it by their folder; gives what stops it. */
export async function startCounter(folder: string): Promise<() => Promise<void>> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--node-modules-dir=manual", SERVER, `${folder}/${LOG}`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value).trim());
  Deno.writeTextFileSync(`${folder}/${PLACE}`, `http://127.0.0.1:${port}`);
  return async () => {
    process.kill("SIGKILL");
    await reader.cancel();
    await process.status;
  };
}

/** Acts on the one of a folder. */
export async function act(folder: string, name: string, key: string, signal: AbortSignal): Promise<number> {
  const url = `${Deno.readTextFileSync(`${folder}/${PLACE}`)}/${name}`;
  const response = await fetch(url, { method: "POST", headers: { "idempotency-key": key }, signal });
  return (await response.json()).count;
}

/** How often a key has acted, as a person would look it up. */
export async function timesOf(folder: string, key: string): Promise<number> {
  const base = Deno.readTextFileSync(`${folder}/${PLACE}`);
  return (await (await fetch(`${base}/?key=${key}`)).json()).count;
}

/** By name what has acted: each under one key, once, or where that is declared safe at least once. */
export function judgeCounts(folder: string, expected: Record<string, "once" | "again">): void {
  const lines = Deno.readTextFileSync(`${folder}/${LOG}`).split("\n").slice(0, -1).map((line) =>
    line.split(" ")
  );
  const keys = new Map<string, string[]>();
  for (const [name, key] of lines) keys.set(name!, [...keys.get(name!) ?? [], key!]);
  const found = Object.fromEntries(
    [...keys].map(([name, all]) => {
      const distinct = new Set(all).size;
      if (distinct > 1) return [name, `${all.length} times under ${distinct} keys`];
      return [name, all.length === 1 || expected[name] === "again" ? "as declared" : `${all.length} times`];
    }),
  );
  const wanted = Object.fromEntries(Object.keys(expected).map((name) => [name, "as declared"]));
  assertEquals(found, wanted, "EF-200 what was done to the world outside");
}
