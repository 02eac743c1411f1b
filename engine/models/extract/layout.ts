/**
 * What was picked as Markdown. Owns: headings, bullets and the order of the page.
 * Never: words between the sentences other than names of documents.
 */
import type { Asked } from "./instruction.ts";
import type { Picked } from "./pick.ts";
import type { Ranked } from "./rank.ts";
import type { Sentence } from "./sentences.ts";

/** The pieces of the answer in order, one sentence each at most; joined they are the answer. */
export function layOut(asked: Asked, picked: Picked): string[] {
  if (asked.task === "phrases") return picked.phrases().map(({ text }) => `- ${text}\n`);
  if (asked.task === "title") return [picked.titles[0] ?? picked.sentences[0]?.sentence.text ?? ""];
  const groups = groupsOf(picked);
  if (groups.length > 1 || asked.task === "merge") {
    return groups.flatMap((group, i) => [headingOf(group, picked, i), ...bullets(group, true)]);
  }
  const sentences = groups[0] ?? [];
  if (asked.task === "quotes") return sentences.map(({ text }) => `> ${text}\n\n`);
  if (asked.task === "points" || asked.task === "claims") return bullets(sentences, false);
  return sentences.map(({ text }, i) => i === 0 ? text : ` ${text}`);
}

/** Chosen sentences by document, documents and sentences in the order of the material. */
function groupsOf(picked: Picked): Sentence[][] {
  const byDocument = Map.groupBy(picked.sentences, ({ sentence }: Ranked) => sentence.document);
  return picked.documents.flatMap((name) => {
    const group = byDocument.get(name);
    return group === undefined
      ? []
      : [group.sort((a, b) => a.index - b.index).map(({ sentence }) => sentence)];
  });
}

function headingOf(group: readonly Sentence[], picked: Picked, index: number): string {
  const name = group[0]!.document;
  const title = picked.titleOfDocument(name);
  const gap = index === 0 ? "" : "\n";
  if (name === "") return gap;
  return title === name ? `${gap}## ${name}\n\n` : `${gap}## ${title}\n\nFrom \`${name}\`:\n\n`;
}

function bullets(sentences: readonly Sentence[], quoted: boolean): string[] {
  return sentences.map(({ text }) => quoted ? `- “${text}”\n` : `- ${text}\n`);
}
