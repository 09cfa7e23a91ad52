/** Shows at most 60 characters of an untrusted text (an identifier, an algorithm, a kid), control characters escaped. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
