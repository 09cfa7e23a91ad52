import { type Component, type ComponentLike, toComponents } from './component.js';
import { componentValue } from './component-value.js';
import { type HttpMessage, type ReadMessage, readMessage } from './message.js';
import { serializeInnerList } from './serialize-fields.js';
import type { BareItem, InnerList, Item } from './structured-fields.js';

/**
 * Signature parameters in the order in which they are written (RFC 9421 section 2.3): numbers are whole seconds or other
 * integers, `true` is a parameter without a value.
 */
export interface SignatureParameters {
  /** Seconds since the epoch. */
  readonly created?: number | undefined;
  /** Seconds since the epoch. */
  readonly expires?: number | undefined;
  readonly nonce?: string | undefined;
  /** A registered algorithm name. Only says what the receiver must know anyway. */
  readonly alg?: string | undefined;
  readonly keyid?: string | undefined;
  readonly tag?: string | undefined;
  readonly [name: string]: string | number | boolean | undefined;
}

export interface SignatureBase {
  /** What is signed: lines of ASCII text. */
  readonly text: string;
  /** The value of `@signature-params`, which is also that of the member of `Signature-Input`. */
  readonly signatureParams: string;
}

/**
 * Creates the signature base of a message (RFC 9421 section 2.5).
 *
 * @throws `HttpSignatureError` when a component cannot be covered: `missing_component`, `bad_component_value`,
 * `bad_component`, `duplicate_component`, `unsupported_component`.
 */
export function createSignatureBase(
  message: HttpMessage,
  components: readonly ComponentLike[],
  parameters: SignatureParameters = {},
): SignatureBase {
  return baseOf(readMessage(message), toComponents(components), toParameters(parameters));
}

/** `@signature-params` comes last and is written from what was read, not copied (RFC 9421 section 3.2, step 7). */
export function baseOf(
  message: ReadMessage,
  components: readonly Component[],
  parameters: InnerList['parameters'],
): SignatureBase {
  const items = components.map(itemOf);
  const signatureParams = serializeInnerList({ kind: 'inner-list', items, parameters });
  const lines = components.map((component) => `${component.identifier}: ${componentValue(component, message)}`);
  return { text: [...lines, `"@signature-params": ${signatureParams}`].join('\n'), signatureParams };
}

export function toParameters(parameters: SignatureParameters): InnerList['parameters'] {
  const items = Object.entries(parameters).flatMap(([key, value]): [string, BareItem][] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [[key, { type: 'string', value }]];
    if (typeof value === 'number') return [[key, { type: 'integer', value }]];
    if (typeof value === 'boolean') return [[key, { type: 'boolean', value }]];
    throw new TypeError('a signature parameter is a text, an integer or a boolean');
  });
  return new Map(items);
}

function itemOf({ name, parameters }: Component): Item {
  const items = Array.from(parameters, ([key, value]): [string, BareItem] => [
    key,
    value === true ? { type: 'boolean', value } : { type: 'string', value },
  ]);
  return { kind: 'item', value: { type: 'string', value: name }, parameters: new Map(items) };
}
