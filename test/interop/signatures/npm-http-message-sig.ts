import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import {
  createSignature,
  type MessageDescriptor,
  type RequestDescriptor,
  type SignatureParameters,
  verifySignature,
} from 'http-message-sig';
import type { Answer } from './exchange.js';
import type { MessageTask, PeerRequest, PeerResponse } from './message-tasks.js';
import { nodeAlgorithm } from './node-algorithms.js';

/** Does a task with the npm package http-message-sig, which leaves ECDSA and PKCS1 to its callers. */
export async function askHttpMessageSig(task: MessageTask): Promise<Answer> {
  try {
    return { name: task.name, verdict: 'accept', output: await perform(task) };
  } catch (error) {
    const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string };
    return {
      name: task.name,
      verdict: code === 'UnsupportedFeature' ? 'unsupported' : 'refuse',
      detail: `${code} ${message}`,
    };
  }
}

async function perform(task: MessageTask): Promise<unknown> {
  const { alg: algorithm, label, pem } = task;
  const { hash, options } = nodeAlgorithm(algorithm);
  const message = describe(task.message);
  const components = task.components.map(({ name, parameters }) => ({ name, parameters }));
  if (task.do === 'sign-message') {
    const key = createPrivateKey(pem);
    const signer = { algorithm, sign: (data: Uint8Array) => new Uint8Array(sign(hash, data, { key, ...options })) };
    const parameters = task.parameters as SignatureParameters;
    const { signature, signatureInput } = await createSignature(message, { label, components, parameters, signer });
    return [
      ['Signature-Input', signatureInput],
      ['Signature', signature],
    ];
  }
  const key = createPublicKey(pem);
  const verifier = {
    algorithm,
    verify: (data: Uint8Array, signature: Uint8Array) => verify(hash, data, { key, ...options }, signature),
  };
  const policy = {
    algorithms: [algorithm],
    requiredComponents: components,
    requiredParameters: Object.keys(task.parameters),
  };
  await verifySignature(message, { label, policy, resolveVerifier: () => verifier });
  return undefined;
}

function describe(message: PeerRequest | PeerResponse): MessageDescriptor {
  if (!('status' in message)) return describeRequest(message);
  const { status, request } = message;
  const response = { kind: 'response', status, fields: fields(message) } as const;
  return request === undefined ? response : { ...response, request: describeRequest(request) };
}

function describeRequest(request: PeerRequest): RequestDescriptor {
  const { method, url } = request;
  const requestTarget = url.replace(/^https:\/\/[^/?]*/, '');
  return { kind: 'request', method, targetUri: url, requestTarget, fields: fields(request) };
}

function fields({ headers }: Pick<PeerRequest, 'headers'>): { name: string; value: string }[] {
  return headers.map(([name, value]) => ({ name, value }));
}
