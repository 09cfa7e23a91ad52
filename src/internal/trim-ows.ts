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
