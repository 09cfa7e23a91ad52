/**
 * The base of every error that svidkit throws about the outside world: a refused credential, an unreachable endpoint,
 * malformed input. `code` names the rule that refused and is stable; `message` is for people and may change. Misuse
 * of the API itself (a missing authorizer, a wrong argument) is a `TypeError` instead.
 *
 * No error carries a private key, a token or a part of one.
 */
export abstract class SvidkitError<Code extends string = string> extends Error {
  /** The rule that refused, from the documented union of the room. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Whether `value` is an error of svidkit, of whichever room. */
export function isSvidkitError(value: unknown): value is SvidkitError {
  return value instanceof SvidkitError;
}
