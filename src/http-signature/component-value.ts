import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import { lowerCase } from '../internal/audience.js';
import { quote } from '../internal/quote.js';
import type { Component } from './component.js';
import { checkTarget, type ReadMessage, type ReadRequest, single, splitTarget, type TargetParts } from './message.js';
import { serializeDictionary, serializeMember } from './serialize-fields.js';
import { readDictionary } from './structured-fields.js';

/** Visible ASCII, space and tab. No CR or LF: a line of the signature base must not be two (RFC 9421 section 7.5.5). */
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
const OCTETS = /^[\t\x20-\xff]*$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const AUTHORITY = /^[\x21-\x7e]+$/;
/** Fields that are dictionaries, so that `;sf` has one meaning: RFC 9421, RFC 9530, RFC 9218. */
const DICTIONARY_FIELDS: ReadonlySet<string> = new Set([
  'accept-signature',
  'content-digest',
  'priority',
  'repr-digest',
  'signature',
  'signature-input',
  'want-content-digest',
  'want-repr-digest',
]);

/** The value of a component in a message (RFC 9421 sections 2.1 to 2.4). */
export function componentValue(component: Component, message: ReadMessage): string {
  const source = sourceOf(component, message);
  if (!component.name.startsWith('@')) return fieldValue(component, source);
  if (component.name === '@status') {
    if (source.kind !== 'response') refuse('bad_component', 'a request has no @status');
    return String(source.status);
  }
  if (source.kind !== 'request') {
    refuse('bad_component', `${component.name} is of requests; on a response it needs the parameter req`);
  }
  return requestValue(component, source);
}

/** RFC 9421 section 2.4. */
function sourceOf({ parameters, identifier }: Component, message: ReadMessage): ReadMessage {
  if (!parameters.has('req')) return message;
  if (message.kind === 'request') refuse('bad_component', `${quote(identifier)} is for responses only`);
  if (message.request === undefined) refuse('missing_component', 'the request of the response is not known');
  return message.request;
}

function requestValue({ name, parameters }: Component, request: ReadRequest): string {
  switch (name) {
    case '@method':
      if (!METHOD.test(request.method)) refuse('bad_component_value', 'the method is not a token');
      return request.method;
    case '@request-target':
      checkTarget(request.target);
      return request.target;
    case '@path':
      return splitTarget(request.target).path;
    case '@query':
      return `?${splitTarget(request.target).query ?? ''}`;
    case '@query-param':
      return queryParameter(splitTarget(request.target), parameters.get('name'));
    case '@scheme':
      return schemeOf(request);
    case '@authority':
      return authorityOf(request);
    case '@target-uri':
      return targetUriOf(request);
    default:
      return refuse('bad_component', `there is no derived component ${quote(name)}`);
  }
}

/** RFC 9421 section 2.2.8: parsed as a form, one parameter of the name, encoded again. */
function queryParameter({ query = '' }: TargetParts, name: string | true | undefined): string {
  const found = [...new URLSearchParams(query)].filter(([key]) => encodeFormPart(key) === name);
  const [parameter, ...others] = found;
  if (parameter === undefined) refuse('missing_component', 'the query has no parameter of the covered name');
  if (others.length > 0) refuse('bad_component', 'the query has several parameters of the covered name; cover @query');
  return encodeFormPart(parameter[1]);
}

/** The percent-encode set of `application/x-www-form-urlencoded`, with `%20` for a space. */
function encodeFormPart(text: string): string {
  // U+FFFD stands for bytes that are not UTF-8: several queries would have the same value.
  if (text.includes('\ufffd')) refuse('bad_component_value', 'the query is not UTF-8; cover @query');
  return encodeURIComponent(text).replace(/[!~'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function schemeOf({ scheme, target }: ReadRequest): string {
  const known = scheme ?? (target.startsWith('/') ? undefined : splitTarget(target).scheme);
  return known ?? refuse('missing_component', 'the scheme of the request is not known');
}

/** RFC 9421 section 2.2.3: in lower case, without the default port. */
function authorityOf(request: ReadRequest): string {
  const named =
    request.target.includes('://') && !request.target.startsWith('/') ? splitTarget(request.target) : undefined;
  const authority = request.authority ?? named?.authority ?? single(request.fields, 'host');
  if (authority === undefined || authority === '') refuse('missing_component', 'the request has no authority');
  if (!AUTHORITY.test(authority)) refuse('bad_component_value', 'the authority holds more than visible ASCII');
  const scheme = request.scheme ?? named?.scheme;
  const [, host = '', port] = /^(.*?)(?::(\d*))?$/.exec(lowerCase(authority)) ?? [];
  if (port === undefined) return host;
  if (scheme === undefined && (port === '80' || port === '443')) {
    refuse('missing_component', 'whether the port is the default one is not known without the scheme');
  }
  const isDefault = port === '' || port === (scheme === 'https' ? '443' : scheme === 'http' ? '80' : undefined);
  return isDefault ? host : `${host}:${port}`;
}

function targetUriOf(request: ReadRequest): string {
  if (!request.target.startsWith('/')) {
    splitTarget(request.target);
    return request.target;
  }
  return `${schemeOf(request)}://${authorityOf(request)}${request.target}`;
}

function fieldValue({ name, parameters }: Component, { fields }: ReadMessage): string {
  const lines = fields.get(name);
  if (lines === undefined) refuse('missing_component', `the message has no field ${quote(name)}`);
  if (parameters.has('bs')) return lines.map((line) => byteSequence(line, name)).join(', ');
  const value = lines.join(', ');
  if (!lines.every((line) => FIELD_VALUE.test(line))) {
    refuse('bad_component_value', `the field ${quote(name)} holds more than ASCII, or a line break`);
  }
  const key = parameters.get('key');
  if (key !== undefined) return dictionaryMember(value, key, name);
  return parameters.has('sf') ? strictlySerialized(value, name) : value;
}

/** RFC 9421 section 2.1.3. */
function byteSequence(line: string, name: string): string {
  if (!OCTETS.test(line)) refuse('bad_component_value', `the field ${quote(name)} holds what no field can`);
  return `:${Buffer.from(line, 'latin1').toString('base64')}:`;
}

/** RFC 9421 section 2.1.2. */
function dictionaryMember(value: string, key: string | true, name: string): string {
  const member = key === true ? undefined : readDictionary(value).get(key);
  if (member === undefined) refuse('missing_component', `the field ${quote(name)} has no member of the covered key`);
  return serializeMember(member.value);
}

/** RFC 9421 section 2.1.1: only where the structure of the field is known. */
function strictlySerialized(value: string, name: string): string {
  if (!DICTIONARY_FIELDS.has(name)) {
    refuse('unsupported_component', `how ${quote(name)} is structured is not known, so sf cannot be applied`);
  }
  return serializeDictionary(Array.from(readDictionary(value), ([key, member]) => [key, member.value] as const));
}

function refuse(code: HttpSignatureErrorCode, message: string): never {
  throw new HttpSignatureError(code, message);
}
