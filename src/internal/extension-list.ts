import { badDer, type DerElement, type DerReader, Tag } from './der.js';
import { readBoolean, readOid } from './der-values.js';

/** One Extension (RFC 5280 section 4.1), its value not read. */
export interface ExtensionEntry {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: DerElement;
}

const MAX_EXTENSIONS = 64;

/**
 * Reads Extensions, of certificates, lists and their entries alike: at least one, at most 64, none of them twice.
 *
 * @throws ReadError `bad_der`, or what `refuse` makes of a message.
 */
export function readExtensionList(extensions: DerElement, refuse: (message: string) => Error): ExtensionEntry[] {
  const entries: ExtensionEntry[] = [];
  const seen = new Set<string>();
  const list = extensions.children('the list of extensions');
  if (list.done) throw badDer('the list of extensions is empty');
  while (!list.done) {
    const entry = readExtension(list);
    if (seen.has(entry.oid)) throw refuse(`extension ${entry.oid} occurs twice`);
    seen.add(entry.oid);
    if (seen.size > MAX_EXTENSIONS) throw refuse(`there are more than ${MAX_EXTENSIONS} extensions`);
    entries.push(entry);
  }
  return entries;
}

/** The key identifier of an authorityKeyIdentifier in hexadecimal; its other fields are passed over. */
export function readAuthorityKeyIdentifier(reader: DerReader): string | undefined {
  const what = 'authorityKeyIdentifier';
  const inner = reader.expect(Tag.sequence, what).children(what);
  const keyId = inner.optional(0x80, what);
  while (!inner.done) inner.any(what);
  return keyId === undefined ? undefined : hexOf(keyId);
}

/** The content of an element in lower-case hexadecimal. */
export function hexOf({ content }: DerElement): string {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('hex');
}

function readExtension(list: DerReader): ExtensionEntry {
  const reader = list.expect(Tag.sequence, 'an extension').children('an extension');
  const oid = readOid(reader.expect(Tag.objectIdentifier, 'an extension identifier'), 'an extension identifier');
  const flag = reader.optional(Tag.boolean, 'a critical flag');
  // X.690 section 11.5: a default value, here FALSE, is not encoded.
  if (flag !== undefined && !readBoolean(flag, 'a critical flag')) throw badDer('a critical flag spells its default');
  const value = reader.expect(Tag.octetString, 'an extension value');
  reader.end('an extension');
  return { oid, isCritical: flag !== undefined, value };
}
