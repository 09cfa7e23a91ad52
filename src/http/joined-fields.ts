/** Lists by their own grammar: joined lines say what the single ones did, and a signature covers them joined. */
const LISTS: ReadonlySet<string> = new Set(['signature', 'signature-input', 'content-digest', 'content-type']);

/**
 * Takes joined field values apart again, at every comma: no token that is looked at has one, so that what may be two is
 * counted as two and refused. The other fields are not looked at.
 */
export function separateFields(fields: Iterable<readonly [name: string, value: string]>): string[] {
  return Array.from(fields).flatMap(([name, value]) =>
    (LISTS.has(name.toLowerCase()) ? [value] : value.split(',')).flatMap((part) => [name, part]),
  );
}
