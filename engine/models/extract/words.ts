/**
 * Words of a text and how little each says. Owns: tokens, stop words, the guess of a text's language, counting.
 * Never: sentences.
 */

/** Languages with stop words; for every other text nothing is a stop word. */
export type Language = "de" | "en" | "es" | "fr" | "it" | "nl" | "pt";

const STOP_WORDS: Record<Language, ReadonlySet<string>> = {
  en: words(`a about above after again against all also am an and any are as at be because been before being
    below between both but by can could did do does doing down during each every few for from further had has have
    having he her here hers him his how however i if in into is it its itself just may me might more most must my no
    nor not now of off on once one only or other our out over own per same shall she should since so some such than
    that the their them then there these they this those through thus to too under until up upon us very was we were
    what when where whether which while who whom whose why will with within without would yet you your`),
  de: words(
    `aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist da damit
    dann das dass dein dem den denn der des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein
    eine einem einen einer eines er es etwas euch für gegen hat hatte hatten habe haben hier hinter ich ihm ihn ihr ihre
    ihrem ihren im in indem ins ist ja jede jedem jeden jeder jedes jedoch kann kein keine keinen können man mehr mein
    mit muss müssen nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner selbst sich sie sind
    so solche soll sollen sondern sowie über um und uns unter vom von vor war waren was weil welche wenn werden wie wieder
    wird wir wo wurde wurden zu zum zur zwar zwischen`,
  ),
  es: words(
    `a al algo ante antes como con contra cual cuando de del desde donde durante e el ella ellas ellos en entre
    era es esa ese eso esta está estas este esto estos fue ha han hasta hay la las le les lo los más me mi mientras muy
    ni no nos o otra otro para pero poco por porque que qué quien se según ser si sí sin sobre son su sus también te
    tiene todo todos tu un una uno unos y ya yo`,
  ),
  fr: words(
    `à au aussi autre aux avec ce ceci cela ces cet cette ceux chaque comme dans de des donc dont du elle elles
    en encore entre est et eu être fait il ils je la le les leur leurs lui mais me même mes moi mon ne ni nos notre nous
    on ont ou où par pas plus pour qu que quel quelle qui sa sans se sera ses si son sont sous sur ta te tes toi ton tous
    tout très tu un une vos votre vous y`,
  ),
  it: words(
    `a ad al alla alle allo anche ancora avere aveva che chi ci come con contro cui da dai dal dalla dalle de
    degli dei del della delle di dopo dove e è ed era essere fra gli ha hanno ho i il in io la le lei li lo loro lui ma me
    mi mio molto ne negli nei nel nella noi non nostro o ogni per perché più poi può quale quando quello questa queste
    questi questo se sei senza si sia solo sono sopra sotto sua sue sui sul sulla suo suoi tra tu tutti un una uno vi voi`,
  ),
  nl: words(
    `aan al alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een eens en er ge
    geen had heb hebben heeft hem het hier hij hoe hun iemand iets ik in is ja je kan kon maar me meer men met mij mijn
    moet na naar niet niets nog nu of om omdat ons ook op over reeds te tegen toch toen tot u uit uw van veel voor want
    waren was wat we wel werd wezen wie wij wil worden zal ze zei zelf zich zij zijn zo zonder zou`,
  ),
  pt: words(
    `a ao aos aquela aquele aqui as até com como da das de dela dele deles depois do dos e é ela elas ele eles em
    entre era essa esse esta está este eu foi foram há isso isto já lhe mais mas me mesmo meu minha muito na não nas nem no
    nos nós o os ou para pela pelo per por qual quando que quem se sem ser seu seus só sua suas também te tem um uma você`,
  ),
};

/** How much of a text is looked at to guess its language. */
const SAMPLE = 20_000;
const NONE: ReadonlySet<string> = new Set();

/**
 * Letters and digits in lower case, in order, one entry per word.
 *
 * @example
 * ```ts
 * if (tokens("It's 3 Cells.").join(" ") !== "it s 3 cells") throw new Error("wrong tokens");
 * ```
 */
export function tokens(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** How many words a text has: what `local/extract` reports as tokens. */
export function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
}

/** The language whose stop words are most of the text; `undefined` if they are fewer than one word in ten. */
export function languageOf(text: string): Language | undefined {
  const sample = tokens(text.slice(0, SAMPLE));
  let best: Language | undefined;
  let most = sample.length / 10;
  for (const [language, stops] of Object.entries(STOP_WORDS)) {
    const count = sample.filter((word) => stops.has(word)).length;
    if (count > most) [best, most] = [language as Language, count];
  }
  return best;
}

/** Words of a language that say little; none for an unknown language. */
export function stopWordsOf(language: Language | undefined): ReadonlySet<string> {
  return language === undefined ? NONE : STOP_WORDS[language];
}

/** One form for the singular and the plural of a word, good enough to count them together; not always a word. */
export function stem(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && /(?:s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !/(?:ss|us|is)$/.test(word)) return word.slice(0, -1);
  return word;
}

/** Stems of the words that say something: no stop words, no single letters. */
export function contentStems(text: string, stops: ReadonlySet<string>): string[] {
  return tokens(text).filter((word) => !stops.has(word) && !/^\p{L}$/u.test(word)).map(stem);
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
