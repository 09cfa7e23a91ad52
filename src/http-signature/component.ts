import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import { quote } from '../internal/quote.js';
import { serializeItem } from './serialize-fields.js';
import type { BareItem, Item, ItemParameters } from './structured-fields.js';

/**
 * What a signature covers, as a caller names it: `@method`, `content-type`, or a name with parameters in their order, as
 * in `{ name: '@query-param', parameters: { name: 'Pet' } }`.
 */
export type ComponentLike = string | NamedComponent;

export interface NamedComponent {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string | true>> | undefined;
}

/** A component identifier (RFC 9421 section 2). */
export interface Component {
  /** `@` and a derived component, or a field name in lower case. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string | true>;
  /** As it stands in the signature base: `"content-type";req`. */
  readonly identifier: string;
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** RFC 9421 section 2.2. */
const DERIVED: ReadonlySet<string> = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
  '@status',
]);
/** RFC 9421 section 2.1, and what each parameter holds. `tr` is known and refused: trailers come after verification. */
const FIELD_PARAMETERS: ReadonlyMap<string, 'flag' | 'text'> = new Map([
  ['req', 'flag'],
  ['sf', 'flag'],
  ['bs', 'flag'],
  ['key', 'text'],
]);
/** More than any message needs. Each may have a whole field or query read again, which costs more than it takes to send. */
const MAX_COMPONENTS = 64;
const READINGS = ['sf', 'bs', 'key'] as const;

/** The components a caller names. Each of them must be one that RFC 9421 knows, and be there once. */
export function toComponents(components: readonly ComponentLike[]): readonly Component[] {
  if (!Array.isArray(components)) throw new TypeError('components must be a list');
  return readComponents(components.map(itemOf));
}

/** The components of a received signature, none of them twice (RFC 9421 section 2). */
export function readComponents(items: readonly Item[]): readonly Component[] {
  if (items.length > MAX_COMPONENTS) refuse('too_large', `a signature covers at most ${MAX_COMPONENTS} components`);
  const components = items.map(readComponent);
  const seen = new Set<string>();
  for (const component of components) {
    const key = keyOf(component);
    if (seen.has(key)) refuse('duplicate_component', `${quote(component.identifier)} is covered twice`);
    seen.add(key);
  }
  return components;
}

function itemOf(component: ComponentLike): Item {
  const { name, parameters = {} } = typeof component === 'string' ? { name: component } : component;
  if (typeof name !== 'string') throw new TypeError('a component has a name');
  const items = Object.entries(parameters).map(([key, value]): [string, BareItem] => {
    if (value === true) return [key, { type: 'boolean', value }];
    if (typeof value === 'string') return [key, { type: 'string', value }];
    throw new TypeError('a parameter of a component is a text or true');
  });
  return { kind: 'item', value: { type: 'string', value: name }, parameters: new Map(items) };
}

function readComponent(item: Item): Component {
  const { value, parameters } = item;
  if (value.type !== 'string') refuse('bad_component', 'a component identifier must be a string');
  const name = value.value;
  if (name.startsWith('@')) checkDerived(name, parameters);
  else checkField(name, parameters);
  const plain = Array.from(parameters, ([key, { value }]) => [key, value as string | true] as const);
  return Object.freeze({ name, parameters: new Map(plain), identifier: serializeItem(item) });
}

function checkDerived(name: string, parameters: ItemParameters): void {
  if (name === '@signature-params') refuse('bad_component', '@signature-params is covered by itself and is not listed');
  if (!DERIVED.has(name)) refuse('bad_component', `there is no derived component ${quote(name)}`);
  for (const [key, value] of parameters) {
    if (key === 'name' && name === '@query-param') checkText(key, value);
    else if (key === 'req' && name !== '@status') checkFlag(key, value);
    else refuse('bad_component', `${name} has no parameter ${quote(key)}`);
  }
  if (name === '@query-param' && !parameters.has('name')) refuse('bad_component', '@query-param needs a name');
}

function checkField(name: string, parameters: ItemParameters): void {
  if (!FIELD_NAME.test(name)) refuse('bad_component', `${quote(name)} is not a field name in lower case`);
  if (parameters.has('tr')) {
    refuse(
      'unsupported_component',
      'trailer fields arrive after the signature was to be verified, and are not covered',
    );
  }
  for (const [key, value] of parameters) {
    const holds = FIELD_PARAMETERS.get(key);
    if (holds === undefined) refuse('bad_component', `a field has no parameter ${quote(key)}`);
    if (holds === 'flag') checkFlag(key, value);
    else checkText(key, value);
  }
  if (READINGS.filter((reading) => parameters.has(reading)).length > 1) {
    refuse('bad_component', 'of sf, bs and key, a field has one at most');
  }
}

function checkFlag(key: string, { type, value }: BareItem): void {
  if (type !== 'boolean' || value !== true) refuse('bad_component', `parameter ${key} of a component has no value`);
}

function checkText(key: string, { type }: BareItem): void {
  if (type !== 'string') refuse('bad_component', `parameter ${key} of a component must be a string`);
}

/** The same for identifiers whose parameters stand in another order (RFC 9421 section 2). */
function keyOf({ name, parameters }: Component): string {
  return JSON.stringify([name, ...Array.from(parameters, (entry) => JSON.stringify(entry)).sort()]);
}

function refuse(code: HttpSignatureErrorCode, message: string): never {
  throw new HttpSignatureError(code, message);
}
