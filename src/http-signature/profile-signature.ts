import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import type { Fields } from '../internal/fields.js';
import { type ReceivedSignature, receivedSignatures } from './message-signature.js';
import { checkLife, readLife, textParameter } from './parameters.js';
import type { ItemParameters } from './structured-fields.js';

/** The `tag` by which a signature of this profile is known ("The Protocol"). */
export const WIMSE_TAG = 'wimse-workload-to-workload';
/** The label that the profile proposes ("The Protocol"). Signatures are told apart by the tag, whatever their label. */
export const WIMSE_LABEL = 'wimse';

/** The parameters that requests and responses have in common. */
export interface ProfileParameters {
  readonly created: number;
  readonly expires: number;
  readonly nonce: string;
}

/** Key and algorithm come from the WIT, so the signature does not name them ("The Protocol"). */
const FORBIDDEN = ['keyid', 'alg'] as const;

/** The one signature with the tag of the profile; `undefined` when there is none. */
export function findSignature(fields: Fields): ReceivedSignature | undefined {
  const [found, ...others] = receivedSignatures(fields).filter(({ input }) => hasTag(input.parameters));
  if (others.length > 0) refuse('ambiguous_signature', `several signatures have the tag ${WIMSE_TAG}`);
  return found;
}

export function profileSignature(fields: Fields): ReceivedSignature {
  return findSignature(fields) ?? refuse('missing_signature', `no signature has the tag ${WIMSE_TAG}`);
}

/** Shape and presence only; `forbidden` are those that belong to the other direction. */
export function readProfileParameters(parameters: ItemParameters, forbidden: readonly string[]): ProfileParameters {
  for (const name of [...FORBIDDEN, ...forbidden]) {
    if (parameters.has(name)) refuse('forbidden_parameter', `a signature of this profile and direction has no ${name}`);
  }
  const { created, expires } = readLife(parameters);
  if (created === undefined) refuse('missing_parameter', 'the signature has no created');
  if (expires === undefined) refuse('missing_parameter', 'the signature has no expires');
  return { created, expires, nonce: requiredText(parameters, 'nonce', 256) };
}

/** A string that must be there; its length is bounded because it is chosen by the sender. */
export function requiredText(parameters: ItemParameters, name: string, maxLength: number): string {
  const text = textParameter(parameters, name);
  if (text === undefined) refuse('missing_parameter', `the signature has no ${name}`);
  if (text === '' || text.length > maxLength) refuse('bad_parameter', `${name} must have 1 to ${maxLength} characters`);
  return text;
}

/**
 * True or absent ("The `wimse-sign-response` Signature Parameter"). Absence is how not to ask; `?0` is refused, so that
 * nobody who looks for presence only reads it as the opposite.
 */
export function readSignResponse(parameters: ItemParameters): boolean {
  const item = parameters.get('wimse-sign-response');
  if (item === undefined) return false;
  if (item.type !== 'boolean' || !item.value) refuse('bad_parameter', 'wimse-sign-response must be true or absent');
  return true;
}

/** A signature counts within its time, and that time is short ("The Protocol", "Security Considerations"). */
export function checkProfileLife(
  { created, expires }: ProfileParameters,
  now: number,
  leewaySeconds: number,
  maxLifetimeSeconds: number,
): void {
  checkLife({ created, expires }, now, leewaySeconds);
  if (!(expires - created <= maxLifetimeSeconds + leewaySeconds)) {
    refuse('lifetime_too_long', `the signature is valid for longer than ${maxLifetimeSeconds} seconds`);
  }
}

function hasTag(parameters: ItemParameters): boolean {
  const tag = parameters.get('tag');
  return tag?.type === 'string' && tag.value === WIMSE_TAG;
}

function refuse(code: HttpSignatureErrorCode, message: string): never {
  throw new HttpSignatureError(code, message);
}
