/** A header section without what HTTP/2 puts among the fields of a request (RFC 9113 section 8.3.1). */
export interface PlainFields {
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** The value of `:authority`; `undefined` over HTTP/1.1, and where the client has sent none. */
  readonly authority: string | undefined;
}

/** Node has the pseudo-header fields of HTTP/2 in `rawHeaders`; they are no fields, and nothing takes them for one. */
export function withoutPseudoFields(rawHeaders: readonly string[]): PlainFields {
  const isPseudo = (index: number): boolean => rawHeaders[index - (index % 2)]?.startsWith(':') === true;
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name === ':authority');
  return {
    rawHeaders: rawHeaders.filter((_, index) => !isPseudo(index)),
    authority: at < 0 ? undefined : rawHeaders[at + 1],
  };
}
