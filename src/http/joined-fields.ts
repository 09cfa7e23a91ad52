/**
 * Takes joined field values apart again, at every comma: no token that is looked at has one, so that what may be two is
 * counted as two and refused. The other fields are not looked at.
 */
export function separateFields(fields: Iterable<readonly [name: string, value: string]>): string[] {
  return Array.from(fields).flatMap(([name, value]) => value.split(',').flatMap((part) => [name, part]));
}
