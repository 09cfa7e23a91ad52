/** Shows at most 60 characters of an untrusted short name (an algorithm, a member, a kid) with the rest escaped or cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
