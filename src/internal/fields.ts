import { lowerCase } from './audience.js';

/** The values of each field by lower-case name, counted before anything joined or dropped them. */
export type Fields = ReadonlyMap<string, readonly string[]>;

/** The fields of a header section, by itself: names and values in turn, as they came. */
export function readFields(rawHeaders: readonly string[]): Fields {
  if (!Array.isArray(rawHeaders) || rawHeaders.length % 2 !== 0) {
    throw new TypeError('rawHeaders must be a list of names and values in turn');
  }
  const fields = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name, value] = [rawHeaders[index], rawHeaders[index + 1]];
    if (typeof name !== 'string' || typeof value !== 'string') throw new TypeError('rawHeaders must hold strings');
    const key = lowerCase(name);
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [trimOws(value)]);
    else values.push(trimOws(value));
  }
  return fields;
}

/**
 * A field value without the optional white space around it (RFC 9110 section 5.5). One pass: a pattern for the end of a
 * text is tried at every blank in it, and whoever sends a field decides how many there are.
 */
export function trimOws(text: string): string {
  let [start, end] = [0, text.length];
  while (isOws(text[start])) start += 1;
  while (end > start && isOws(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isOws(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
