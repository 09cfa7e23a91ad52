import {
  createSigner,
  createVerifier,
  httpbis,
  type Request,
  type Response,
  type SignatureParameters,
} from 'http-message-signatures';
import type { Answer } from './exchange.js';
import type { MessageTask, PeerRequest, PeerResponse } from './message-tasks.js';

/** Does a task with the npm package http-message-signatures. */
export async function askHttpMessageSignatures(task: MessageTask): Promise<Answer> {
  const { name } = task;
  try {
    const output = task.do === 'sign-message' ? await signed(task) : await verified(task);
    return output === false || output === null
      ? { name, verdict: 'refuse', detail: `gave ${output}` }
      : { name, verdict: 'accept', output };
  } catch (error) {
    return { name, verdict: 'refuse', detail: String(error) };
  }
}

async function signed({ alg, pem, label, components, parameters, message }: MessageTask): Promise<unknown> {
  const fields = components.map(({ identifier }) => identifier);
  const paramValues = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, paramValue(name, value)]),
  );
  const key = createSigner(pem, alg, String(parameters['keyid'] ?? ''));
  const config = {
    key,
    name: label,
    fields,
    params: Object.keys(parameters),
    paramValues: paramValues as SignatureParameters,
  };
  const { headers } =
    'status' in message
      ? await httpbis.signMessage(config, response(message), message.request && request(message.request))
      : await httpbis.signMessage(config, request(message));
  return ['Signature-Input', 'Signature'].map((name) => [name, headers[name]]);
}

async function verified({ alg, pem, components, parameters, message }: MessageTask): Promise<boolean | null> {
  const verify = createVerifier(pem, alg);
  const config = {
    keyLookup: async () => ({ algs: [alg], verify }),
    requiredParams: Object.keys(parameters),
    requiredFields: components.map(({ name }) => name),
    all: true,
    tolerance: 1,
  };
  return 'status' in message
    ? httpbis.verifyMessage(config, response(message), message.request && request(message.request))
    : httpbis.verifyMessage(config, request(message));
}

function paramValue(name: string, value: unknown): unknown {
  return (name === 'created' || name === 'expires') && typeof value === 'number' ? new Date(value * 1000) : value;
}

function request(parts: PeerRequest): Request {
  return { method: parts.method, url: parts.url, headers: joined(parts.headers) };
}

function response(parts: PeerResponse): Response {
  return { status: parts.status, headers: joined(parts.headers) };
}

/** As `IncomingMessage.headersDistinct` has them. */
function joined(headers: PeerRequest['headers']): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of headers) fields[name] = [...(fields[name] ?? []), value];
  return fields;
}
