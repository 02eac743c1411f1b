/**
 * What an editor says about each function. Owns: the words. Never: which functions exist; a test holds the two lists
 * together.
 */

/** Arguments and one line about a function, by name. Arguments in `[ ]` may be left out. */
export const SIGNATURES: ReadonlyMap<string, { parameters: string; about: string }> = new Map(
  `
sum(numbers) The sum of a list
count(list) How many items a list has
max(numbers) The greatest number
min(numbers) The least number
average(numbers) The mean of a list
string(value, [pretty]) The value as text
substring(text, start, [length]) A part of a text
substringBefore(text, mark) The text before the first mark
substringAfter(text, mark) The text behind the first mark
lowercase(text) The text in small letters
uppercase(text) The text in capital letters
length(text) How many characters a text has
trim(text) The text without outer blanks, inner ones single
pad(text, width, [character]) The text filled to a width, to the left if negative
match(text, pattern, [limit]) What matches a regular expression
contains(text, pattern) Whether a text holds another
replace(text, pattern, replacement, [limit]) The text with what matches replaced
split(text, separator, [limit]) The text in pieces
join(texts, [separator]) Texts put together to one
formatNumber(number, picture, [options]) A number as text, by a picture such as #,##0.00
formatBase(number, [radix]) A number as text in another base
formatInteger(number, picture) A whole number as text, also in words or Roman
parseInteger(text, picture) A whole number from text
number(value) The value as a number
floor(number) The next whole number below
ceil(number) The next whole number above
round(number, [digits]) The number rounded, halves to the even one
abs(number) The number without its sign
sqrt(number) The square root
power(base, exponent) A number raised to a power
random() A number from 0 to below 1
boolean(value) Whether the value counts as true
not(value) Whether the value counts as false
map(list, function) What a function gives for each item
zip(list, …) Lists of the first items, the second items and so on
filter(list, function) The items for which a function gives true
single(list, [function]) The one item for which a function gives true
reduce(list, function, [start]) One value made from all items
sift(object, [function]) The keys for which a function gives true
keys(object) The names of the keys
lookup(object, key) The value of a key
append(first, second) Two lists one behind the other
exists(value) Whether there is a value
spread(object) One object for each key
merge(objects) All keys in one object
reverse(list) The items from last to first
each(object, function) What a function gives for each key
error([message]) Ends the evaluation with a message
assert(condition, [message]) Ends the evaluation unless a condition is true
type(value) The type of the value as text
sort(list, [function]) The items in order
shuffle(list) The items in random order
distinct(list) Each different item once
clone(value) A copy of the value
base64encode(text) The text as base64
base64decode(text) The text that base64 holds
encodeUrlComponent(text) The text escaped for a part of an address
encodeUrl(text) The text escaped as an address
decodeUrlComponent(text) The part of an address as text
decodeUrl(text) The address as text
toMillis(time, [picture]) A time in text as milliseconds since 1970
fromMillis(millis, [picture], [zone]) Milliseconds since 1970 as text
now([picture], [zone]) The start of the attempt as text
millis() The start of the attempt in milliseconds since 1970
uuid() A random identifier
`.trim().split("\n").map((line) => {
    const [, name, parameters, about] = /^(\w+)(\([^)]*\)) (.+)$/.exec(line)!;
    return [name!, { parameters: parameters!, about: about! }];
  }),
);
