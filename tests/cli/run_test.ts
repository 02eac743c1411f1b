import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { inWorkspace, weft } from "./_weft.ts";

const HELLO =
  "---\nweft: 1\nparams:\n  n: { type: number, default: 2 }\n---\n\n# Hello\n\n```jsonata a\nn + 1\n```\n\n```jsonata b\na * 10\n```\n";

Deno.test("CL-102 run --json prints one object on standard output and everything else on standard error", async () => {
  await inWorkspace({ "notebooks/hello.md": HELLO }, async (folder) => {
    const { code, out, err } = await weft(folder, ["run", "notebooks/hello.md", "--param", "n=4", "--json"]);
    const report = JSON.parse(out);
    assertEquals(code, 0, err);
    assertEquals(out.trim().split("\n").length, 1);
    assertEquals({ ...report, run: "" }, {
      schema: "weft.run.v1",
      run: "",
      label: "succeeded",
      cells: { a: { label: "succeeded", value: 5 }, b: { label: "succeeded", value: 50 } },
    });
    assertMatch(report.run, /^run_[0-9a-z]{26}$/);
    assertMatch(err, /✓ b done \d+\.\d s/);
  });
});

Deno.test("CL-301 runs are kept in the data folder, for its owner's eyes only", async () => {
  await inWorkspace({ "notebooks/hello.md": HELLO }, async (folder) => {
    assertEquals((await weft(folder, ["run", "notebooks/hello.md"])).out, "30\n");
    for (const name of [".weft", ".weft/weft.db"]) {
      const { mode } = await Deno.stat(`${folder}/${name}`);
      assertEquals(mode! & 0o077, 0, `SE-807 others can read ${name}`);
    }
  });
});

interface Bad {
  name: string;
  text: string | Uint8Array;
  says: RegExp;
  code?: number;
}

const BAD: Bad[] = [
  {
    name: "a cycle",
    text: "```jsonata a\nb\n```\n\n```jsonata b\na\n```\n",
    says: /:1:1 cycle_found Cells form a cycle: a → b → a/,
  },
  { name: "an unknown kind", text: "```agnet scout\nhi\n```\n", says: /:1:4 \S+ .*agent/ },
  {
    name: "a cell of a tool that names none",
    text: "```tool x\nsearch\n```\n",
    says: /:2:1 tool_invalid 'x' must begin with a tool as SERVER\/TOOL, not 'search'/,
  },
  {
    name: "an unterminated fence",
    text: "# x\n\n```jsonata a\n1 + 1\n",
    says: /:3:1 \S+ Cell 'a' is not closed/,
  },
  {
    name: "a reference to nothing",
    text: "```jsonata total\n1\n```\n\n```jsonata a\ntotl + 1\n```\n",
    says: /:6:1 \S+ No cell or param is named 'totl'\. Did you mean 'total'\?/,
  },
  {
    name: "a file that is not text",
    text: new Uint8Array([35, 32, 0xff, 0xfe]),
    says: /not UTF-8 text: byte 0xff at offset 2/,
  },
  {
    name: "a required param",
    text: "---\nparams:\n  n: { type: number }\n---\n```jsonata a\nn\n```\n",
    says: /Param 'n' is required/,
    code: 2,
  },
];

for (const { name, text, says, code = 1 } of BAD) {
  Deno.test(`run and check say where ${name} is, run nothing and lose nothing`, async () => {
    await inWorkspace({ "notebooks/bad.md": text }, async (folder) => {
      const before = await Deno.readFile(`${folder}/notebooks/bad.md`);
      const run = await weft(folder, ["run", "notebooks/bad.md", "--json", "--store", "memory:"]);
      assertMatch(run.err, says);
      if (name === "an unknown kind") {
        assertEquals(run.code, 1);
      } else assertEquals(run.code, code, run.err);
      if (run.out !== "") assertEquals(JSON.parse(run.out).run, null);
      const check = await weft(folder, ["check", "notebooks/bad.md"]);
      if (code === 1) assertMatch(check.out + check.err, says);
      assertEquals(await Deno.readFile(`${folder}/notebooks/bad.md`), before);
    });
  });
}

Deno.test("CL-306 wrong arguments are exit 2 with the nearest match, a missing file is exit 3", async () => {
  await inWorkspace({ "notebooks/hello.md": HELLO }, async (folder) => {
    const cases: [string[], number, string][] = [
      [["rum", "x.md"], 2, "Did you mean run?"],
      [["run", "notebooks/hello.md", "--jsn"], 2, "Did you mean --json?"],
      [["run"], 2, "Which notebook?"],
      [["run", "notebooks/hello.md", "--param", "n"], 2, "NAME=VALUE"],
      [["run", "notebooks/hello.md", "--param", "m=1"], 2, "Unknown param 'm'"],
      [["run", "notebooks/hello.md", "--param", "n=many"], 2, "Param 'n' must be a number"],
      [["run", "notebooks/hello.md", "--store", "redis://x"], 6, "A store is"],
      [["run", "notebooks/none.md"], 3, "no file of this name"],
      [["serve", "--port", "70000"], 2, "from 0 to 65535"],
      [["serve", "--host", "0.0.0.0"], 2, "Weft serves only 127.0.0.1"],
      [[], 2, ""],
    ];
    for (const [args, code, says] of cases) {
      const done = await weft(folder, args);
      assertEquals(done.code, code, `${args.join(" ")}: ${done.err}`);
      assertStringIncludes(done.err, says);
    }
  });
});

Deno.test("a run that fails is exit 1 and says which cell and why", async () => {
  const text = "```ts a\nthrow new Error('no luck today');\n```\n";
  await inWorkspace({ "notebooks/n.md": text }, async (folder) => {
    const { code, out, err } = await weft(folder, ["run", "notebooks/n.md", "--json", "--store", "memory:"]);
    assertEquals([code, JSON.parse(out).label, JSON.parse(out).cells.a.label], [1, "failed", "failed"]);
    assertStringIncludes(err, "no luck today");
  });
});

Deno.test("a CRLF file, a 5 MB file and 10,000 cells are read and checked exactly", async () => {
  const many = Array.from(
    { length: 10_000 },
    (_, i) => "```jsonata c" + i + "\n" + (i === 0 ? "1" : `c${i - 1} + 1`) + "\n```\n",
  );
  await inWorkspace({
    "notebooks/crlf.md": HELLO.replaceAll("\n", "\r\n"),
    "notebooks/long.md": `${"# A heading and some words\n\n".repeat(180_000)}${
      HELLO.slice(HELLO.indexOf("```"))
    }`,
    "notebooks/many.md": many.join("\n"),
  }, async (folder) => {
    const crlf = await weft(folder, ["run", "notebooks/crlf.md", "--json", "--store", "memory:"]);
    assertEquals(JSON.parse(crlf.out).cells.b.value, 30, crlf.err);
    const long = await weft(folder, ["check", "notebooks/long.md", "--json"]);
    const [{ problems }] = JSON.parse(long.out).files;
    assertEquals(problems.map(({ message }: { message: string }) => message), [
      "No cell or param is named 'n'",
    ]);
    assert(problems[0].line > 360_000);
    const check = await weft(folder, ["check", "notebooks/many.md"]);
    assertEquals([check.code, check.out], [0, ""]);
  });
});

Deno.test("what nothing else reads is printed, also where a param has no default", async () => {
  const text =
    "---\nparams:\n  n: { type: number }\n---\n\n```jsonata a\nn + 1\n```\n\n```jsonata b\na * 10\n```\n";
  await inWorkspace({ "notebooks/n.md": text }, async (folder) => {
    const { code, out, err } = await weft(folder, [
      "run",
      "notebooks/n.md",
      "--param",
      "n=4",
      "--store",
      "memory:",
    ]);
    assertEquals([code, out], [0, "50\n"], err);
  });
});
