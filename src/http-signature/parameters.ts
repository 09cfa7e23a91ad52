import { HttpSignatureError } from '../errors/index.js';
import { readNumericDate } from '../internal/numeric-date.js';
import type { ItemParameters } from './structured-fields.js';

/** `created` and `expires`, in seconds since the epoch. */
export interface SignatureLife {
  readonly created: number | undefined;
  readonly expires: number | undefined;
}

/** RFC 9421 section 2.3: `created` and `expires` are integers. */
export function readLife(parameters: ItemParameters): SignatureLife {
  return { created: dateParameter(parameters, 'created'), expires: dateParameter(parameters, 'expires') };
}

/** Valid while `created - leeway <= now < expires + leeway`. Written so that a broken clock (`NaN`) refuses. */
export function checkLife({ created, expires }: SignatureLife, now: number, leewaySeconds: number): void {
  if (created !== undefined && expires !== undefined && expires < created) {
    throw new HttpSignatureError('expires_before_created', 'the signature expires before it is created');
  }
  if (expires !== undefined && !(now < (expires + leewaySeconds) * 1000)) {
    throw new HttpSignatureError('expired', `the signature expired at ${new Date(expires * 1000).toISOString()}`);
  }
  if (created !== undefined && !(now >= (created - leewaySeconds) * 1000)) {
    throw new HttpSignatureError('not_yet_valid', 'the signature was created in the future');
  }
}

/** A parameter that is a string where it is there; another type is refused. */
export function textParameter(parameters: ItemParameters, name: string): string | undefined {
  const item = parameters.get(name);
  if (item === undefined) return undefined;
  if (item.type !== 'string') throw new HttpSignatureError('bad_parameter', `${name} must be a string`);
  return item.value;
}

function dateParameter(parameters: ItemParameters, name: string): number | undefined {
  const item = parameters.get(name);
  if (item === undefined) return undefined;
  const seconds = item.type === 'integer' ? readNumericDate(item.value) : undefined;
  if (seconds === undefined) {
    throw new HttpSignatureError('bad_parameter', `${name} must be an integer, in seconds since the epoch`);
  }
  return seconds;
}
