import { SocketAddress } from 'node:net';
import { badDer, checkDeeply, type DerElement, Tag } from './der.js';
import { readAscii, readOid } from './der-values.js';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.js';

/** One alternative of GeneralName (RFC 5280 section 4.2.1.6). `tag` is the number of the alternative. */
export type GeneralName =
  | { readonly kind: 'email'; readonly tag: 1; readonly text: string }
  | { readonly kind: 'dns'; readonly tag: 2; readonly text: string }
  | { readonly kind: 'directory'; readonly tag: 4; readonly name: DistinguishedName }
  | { readonly kind: 'uri'; readonly tag: 6; readonly text: string }
  | { readonly kind: 'ip'; readonly tag: 7; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'other'; readonly tag: 0 | 3 | 5 | 8 };

/**
 * Reads one GeneralName. Text alternatives are printable ASCII; the length of an address is left to the caller, since
 * a constraint has a mask behind it.
 *
 * @throws ReadError `bad_der`.
 */
export function readGeneralName(element: DerElement, what: string): GeneralName {
  switch (element.tag) {
    case 0x81:
      return { kind: 'email', tag: 1, text: readAscii(element, what) };
    case 0x82:
      return { kind: 'dns', tag: 2, text: readAscii(element, what) };
    case 0x86:
      return { kind: 'uri', tag: 6, text: readAscii(element, what) };
    case 0x87:
      return { kind: 'ip', tag: 7, bytes: element.content };
    case 0xa4: {
      // The one alternative with an explicit tag, because Name is itself a CHOICE.
      const inner = element.children(what);
      const name = readDistinguishedName(inner.expect(Tag.sequence, what), what);
      inner.end(what);
      return { kind: 'directory', tag: 4, name };
    }
    case 0x88:
      readOid(element, what);
      return { kind: 'other', tag: 8 };
    case 0xa0:
    case 0xa3:
    case 0xa5:
      checkDeeply(element, what);
      return { kind: 'other', tag: (element.tag & 0x1f) as 0 | 3 | 5 };
    default:
      throw badDer(`${what} holds a name of no known kind`);
  }
}

/** An address of 4 or 16 octets as text, IPv6 in the form of RFC 5952. */
export function showAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
