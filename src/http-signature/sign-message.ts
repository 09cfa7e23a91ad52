import { KeyObject } from 'node:crypto';
import { type JwsAlgorithm, verifyJws } from '../internal/jws-algorithm.js';
import { type Signer, type SigningKey, toSigner } from '../internal/signing-key.js';
import { type HttpSignatureAlgorithm, jwsAlgorithmOf } from './algorithms.js';
import { type ComponentLike, toComponents } from './component.js';
import { type HeaderFields, type HttpMessage, type ReadMessage, readMessage } from './message.js';
import { receivedSignatures } from './message-signature.js';
import { serializeDictionary } from './serialize-fields.js';
import { baseOf, type SignatureParameters, toParameters } from './signature-base.js';

export interface SignMessageOptions {
  /** What the signature covers. The body only by way of a Content-Digest field, see `createContentDigest`. */
  readonly components: readonly ComponentLike[];
  /** Written in the order given. Default none. */
  readonly parameters?: SignatureParameters | undefined;
  /** The name of the signature, different from that of every other in the message. Default `sig`. */
  readonly label?: string | undefined;
  /** A JOSE or a registered name. Default by the type of the key: ES256 for P-256, EdDSA for Ed25519, RS256 for RSA. */
  readonly alg?: JwsAlgorithm | HttpSignatureAlgorithm | undefined;
}

/**
 * Signs a message (RFC 9421 section 3.1). Gives the fields `Signature-Input` and `Signature` to add to it.
 *
 * @throws `HttpSignatureError` when a component cannot be covered, see {@link createSignatureBase}.
 */
export async function signMessage(
  message: HttpMessage,
  key: SigningKey,
  options: SignMessageOptions,
): Promise<HeaderFields> {
  const { components, parameters = {}, label = 'sig', alg } = options;
  const signer = toSigner(key, alg === undefined ? undefined : jwsAlgorithmOf(alg));
  const external = !(key instanceof KeyObject);
  return signRead(readMessage(message), signer, { components, parameters, label, external });
}

export interface SignatureInput {
  readonly components: readonly ComponentLike[];
  readonly parameters: SignatureParameters;
  readonly label: string;
  /** Whether the signer may be somebody else's code, so that what it gives has to be verified. */
  readonly external: boolean;
}

/** Signs a message that was read before. */
export async function signRead(message: ReadMessage, signer: Signer, input: SignatureInput): Promise<HeaderFields> {
  if (receivedSignatures(message.fields).some(({ label }) => label === input.label)) {
    throw new TypeError('the message already has a signature of this label');
  }
  const items = toComponents(input.components);
  const base = baseOf(message, items, toParameters(input.parameters));
  const bytes = Buffer.from(base.text, 'latin1');
  const signature = await signer.sign(bytes);
  if (input.external && !verifyJws(signer.alg, signer.publicKey, bytes, signature)) {
    throw new TypeError('the signer gave a signature that its public key does not verify');
  }
  const value = { kind: 'item', value: { type: 'bytes', value: signature }, parameters: new Map() } as const;
  return [
    // The text that was signed, and no other spelling of it.
    ['Signature-Input', `${labelOf(input.label)}=${base.signatureParams}`],
    ['Signature', serializeDictionary([[input.label, value]])],
  ];
}

function labelOf(label: string): string {
  return serializeDictionary([
    [label, { kind: 'item', value: { type: 'boolean', value: true }, parameters: new Map() }],
  ]);
}
