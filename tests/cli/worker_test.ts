/** `weft worker`: it works off what others submit, and says what is wrong with its arguments. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../cli/io.ts";
import { inWorkspace, start, weft } from "./_weft.ts";

const GPU = "```jsonata a\nrequires: [gpu]\n---\n1 + 1\n```\n";

Deno.test("CL-205 a worker runs what is submitted beside it and has what it requires; a file takes one that works on it", async () => {
  await inWorkspace({ "notebooks/gpu.md": GPU }, async (folder) => {
    const worker = start(folder, [
      "worker",
      "--capabilities",
      "gpu, kind:python",
      "--slots",
      "2",
      "--id",
      "w1",
    ]);
    await worker.errIncludes("Weft works on all lanes with gpu, kind:python");
    const done = await weft(folder, ["run", "notebooks/gpu.md", "--json"]);
    assertEquals([done.code, JSON.parse(done.out).cells.a.value], [0, 2], done.err);
    const second = await weft(folder, ["worker"]);
    assertEquals(second.code, EXIT.unavailable);
    assertStringIncludes(second.err, "runs an engine on this store");
    worker.process.kill("SIGTERM");
    assertEquals((await worker.done).code, EXIT.ok);
  });
});

Deno.test("CL-205 what is wrong with the arguments is one sentence", async () => {
  await inWorkspace({}, async (folder) => {
    const table: [string[], string][] = [
      [["--capabilities", "a b"], "--capabilities must be a list"],
      [["--lanes", "no lane"], "--lanes names lanes"],
      [["--slots", "0"], "--slots is a number from 1"],
      [["--id", "a/b"], "--id has letters"],
      [["file.md"], "takes no files"],
    ];
    for (const [args, words] of table) {
      const { code, err } = await weft(folder, ["worker", ...args]);
      assertEquals(code, EXIT.usage);
      assertStringIncludes(err, words);
    }
  });
});
