/** What the documents say of the project and a program can check: dependencies, tasks, links and files. */
import { assertEquals } from "@std/assert";
import { allPaths, readAll, ROOT, type SourceFile } from "./source_tree.ts";

/** What a `deno.json` says, as far as it is looked at here. */
interface Config {
  imports: Record<string, string>;
  tasks: Record<string, unknown>;
}

const read = async (path: string): Promise<Config> =>
  JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
const config = await read("deno.json");
/** Of the project, and of the browser and the database server that the tests fetch where the system has none. */
const imports = {
  ...config.imports,
  ...(await read("tests/browser/chromium/deno.json")).imports,
  ...(await read("tests/_support/postgres/deno.json")).imports,
};
const paths = await allPaths();
const documents = await readAll(
  paths.filter((path) => path.endsWith(".md") && !path.startsWith("tests/")),
);

/** First cells of table rows, where they are code: the names that a list declares. */
function listed(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1]!);
}

/** Tasks that a text tells the reader to run. */
function tasksIn(text: string): string[] {
  return [...text.matchAll(/\b(?:deno(?:@[\d.]+)?) task ([a-z]+)/g)].map((match) => match[1]!);
}

/** Relative links of a document that lead to nothing, as `document -> target`. */
function deadLinks({ path, text }: SourceFile, known: readonly string[]): string[] {
  const prose = text.replace(/^(`{3,})[\s\S]*?^\1/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).flatMap((link) => {
    if (/^[a-z]+:|^#/.test(link)) return [];
    const target = decodeURIComponent(new URL(link.split("#")[0]!, `file:///${path}`).pathname.slice(1));
    return known.some((one) => one === target || one.startsWith(target.replace(/\/?$/, "/")))
      ? []
      : [`${path} -> ${link}`];
  });
}

Deno.test("SE-1502 docs/dependencies.md lists exactly the direct dependencies", () => {
  assertEquals(listed("| `a` | x |\n| b | `c` |\n"), ["a"]);
  const text = documents.find(({ path }) => path === "docs/dependencies.md")!.text;
  assertEquals(listed(text).sort(), Object.keys(imports).sort());
});

Deno.test("SE-1502 every dependency is one exact version from npm", () => {
  const loose = Object.values(imports).filter((at) =>
    !/^npm:(@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+(-[\w.]+)?(\/|$)/.test(at)
  );
  assertEquals(loose, []);
});

Deno.test("every task that a document names is in deno.json", () => {
  assertEquals(tasksIn("`deno task ok`, npx -y deno@2.9.6 task nothing"), ["ok", "nothing"]);
  const unknown = documents.flatMap(({ path, text }) =>
    tasksIn(text).filter((task) => !(task in config.tasks)).map((task) => `${path}: ${task}`)
  );
  assertEquals(unknown, []);
});

Deno.test("every relative link in a document leads to a file", () => {
  const planted = {
    path: "docs/a.md",
    text: "[x](b.md) [y](../README.md#top) [z](https://a.example/)\n```\n[q](r)\n```\n",
  };
  assertEquals(deadLinks(planted, ["README.md"]), ["docs/a.md -> b.md"]);
  assertEquals(documents.flatMap((document) => deadLinks(document, paths)), []);
});
