import type { KeyObject } from 'node:crypto';
import { HttpSignatureError } from '../errors/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { type JwsAlgorithm, verifyJws } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { secondsOption } from '../internal/validity.js';
import { type HttpSignatureAlgorithm, isRegisteredNameOf, jwsAlgorithmOf, verificationKey } from './algorithms.js';
import { type ComponentLike, readComponents, toComponents } from './component.js';
import { type HttpMessage, readMessage } from './message.js';
import {
  baseOfReceived,
  type MessageSignature,
  type ReceivedSignature,
  receivedSignatures,
} from './message-signature.js';
import { checkLife, readLife, textParameter } from './parameters.js';

/** The key that a signature must have been made with, known from elsewhere than the message. */
export interface VerificationKey {
  readonly key: KeyObject;
  /** A JOSE or a registered name. */
  readonly alg: JwsAlgorithm | HttpSignatureAlgorithm;
  /** What signers call the key: a signature with another `keyid` is refused. Default: whatever it says is let be. */
  readonly keyid?: string | undefined;
}

export interface VerifyMessageOptions {
  /**
   * What the signature must cover. Mandatory: a valid signature may cover nothing at all. What it does not cover must
   * not drive a decision.
   */
  readonly components: readonly ComponentLike[];
  /** The name of the signature. Default: the one with the tag, or the only one. */
  readonly label?: string | undefined;
  /** The tag that the signature must have. Default not looked at. */
  readonly tag?: string | undefined;
  /** How far the signer's clock may be off, in seconds from 0 to 60. Default 10. */
  readonly leewaySeconds?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

/**
 * Verifies one signature of a message (RFC 9421 section 3.2). `created` and `expires` are held to the clock where they
 * are there; a `nonce` is for the caller to remember. The body is not looked at: cover `content-digest` and verify it
 * with `verifyContentDigest`.
 *
 * @throws `HttpSignatureError` with the rule that refused.
 */
export function verifyMessage(
  message: HttpMessage,
  { key, alg, keyid }: VerificationKey,
  options: VerifyMessageOptions,
): MessageSignature {
  const required = toComponents(options?.components);
  const leeway = secondsOption('leewaySeconds', options.leewaySeconds ?? 10, 0, 60);
  const algorithm = jwsAlgorithmOf(alg);
  const publicKey = verificationKey(key, algorithm);
  const read = readMessage(message);

  const received = pick(receivedSignatures(read.fields), options);
  const { label, input, signature } = received;
  const components = readComponents(input.items);
  const covered = new Set(components.map(({ identifier }) => identifier));
  for (const { identifier } of required) {
    if (!covered.has(identifier)) throw new HttpSignatureError('not_covered', `${identifier} is not signed`);
  }
  checkAlgorithm(received, algorithm);
  checkKeyId(received, keyid);
  if (!verifyJws(algorithm, publicKey, baseOfReceived(received, components, read), signature)) {
    throw new HttpSignatureError('bad_signature', 'the signature was not made with this key over this message');
  }
  checkLife(readLife(input.parameters), (options.clock ?? systemClock)(), leeway);
  return { label, components, parameters: input.parameters, signature };
}

function pick(signatures: readonly ReceivedSignature[], { label, tag }: VerifyMessageOptions): ReceivedSignature {
  const found = signatures.filter(
    (signature) =>
      (label === undefined || signature.label === label) &&
      (tag === undefined || textParameter(signature.input.parameters, 'tag') === tag),
  );
  const [only, ...others] = found;
  if (only === undefined) throw new HttpSignatureError('missing_signature', 'the message has no such signature');
  if (others.length > 0) throw new HttpSignatureError('ambiguous_signature', 'the message has several such signatures');
  return only;
}

/** RFC 9421 section 3.2, step 6: where the signature names an algorithm, it is the one of the key. */
function checkAlgorithm({ input }: ReceivedSignature, alg: JwsAlgorithm): void {
  const named = textParameter(input.parameters, 'alg');
  if (named !== undefined && !isRegisteredNameOf(named, alg)) {
    throw new HttpSignatureError('alg_mismatch', `the signature names ${quote(named)}, the key is for ${alg}`);
  }
}

/** RFC 9421 section 3.2: where the signature names a key, it is this one. */
function checkKeyId({ input }: ReceivedSignature, keyid: string | undefined): void {
  const named = textParameter(input.parameters, 'keyid');
  if (keyid !== undefined && named !== undefined && named !== keyid) {
    throw new HttpSignatureError('keyid_mismatch', `the signature names the key ${quote(named)}, another was expected`);
  }
}
