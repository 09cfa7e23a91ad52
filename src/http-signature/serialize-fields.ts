import type { BareItem, InnerList, Item, ItemParameters } from './structured-fields.js';

const KEY = /^[a-z*][a-z0-9_.*-]*$/;
const STRING = /^[\x20-\x7e]*$/;
const TOKEN = /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/;
/** RFC 8941 section 3.3.1: 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

/** The one spelling of a dictionary member (RFC 8941 sections 4.1.1 and 4.1.3). What has none is a `TypeError`. */
export function serializeMember(member: Item | InnerList): string {
  return member.kind === 'item' ? serializeItem(member) : serializeInnerList(member);
}

/** A whole dictionary (RFC 8941 section 4.1.2). */
export function serializeDictionary(members: Iterable<readonly [key: string, member: Item | InnerList]>): string {
  return Array.from(members, ([key, member]) => {
    const isTrue = member.kind === 'item' && member.value.type === 'boolean' && member.value.value;
    return isTrue
      ? `${checkKey(key)}${serializeParameters(member.parameters)}`
      : `${checkKey(key)}=${serializeMember(member)}`;
  }).join(', ');
}

export function serializeInnerList({ items, parameters }: InnerList): string {
  return `(${items.map(serializeItem).join(' ')})${serializeParameters(parameters)}`;
}

export function serializeItem({ value, parameters }: Item): string {
  return serializeBareItem(value) + serializeParameters(parameters);
}

function serializeParameters(parameters: ItemParameters): string {
  return Array.from(parameters, ([key, item]) => {
    const isTrue = item.type === 'boolean' && item.value;
    return isTrue ? `;${checkKey(key)}` : `;${checkKey(key)}=${serializeBareItem(item)}`;
  }).join('');
}

function serializeBareItem(item: BareItem): string {
  switch (item.type) {
    case 'integer':
      if (!Number.isInteger(item.value) || Math.abs(item.value) > MAX_INTEGER) refuse('integer of 15 digits at most');
      return String(item.value + 0);
    case 'decimal':
      if (!(Math.abs(item.value) < 1e12)) refuse('decimal of 12 digits at most');
      return (item.value + 0).toFixed(3).replace(/0{1,2}$/, '');
    case 'string':
      if (!STRING.test(item.value)) refuse('string of visible ASCII characters and spaces');
      return `"${item.value.replace(/["\\]/g, '\\$&')}"`;
    case 'token':
      if (!TOKEN.test(item.value)) refuse('token');
      return item.value;
    case 'bytes':
      return `:${Buffer.from(item.value).toString('base64')}:`;
    case 'boolean':
      return item.value ? '?1' : '?0';
  }
}

function checkKey(key: string): string {
  if (!KEY.test(key)) refuse('key of lower-case letters, digits and _-.*');
  return key;
}

function refuse(expected: string): never {
  throw new TypeError(`a structured field needs a ${expected} here`);
}
