import type { Agent, fetch as undiciFetch } from 'undici';
import { TlsError } from '../errors/index.js';
import type { MtlsClientOptions } from './mtls-options.js';
import { createUndiciConnector } from './undici-connector.js';

/** A `fetch` over verified mutual TLS, and the connections it keeps. */
export interface MtlsFetch extends AsyncDisposable {
  /** As the global `fetch`; `http:` URLs are refused. Its responses are of undici's own `Response` class. */
  readonly fetch: typeof globalThis.fetch;
  /** Closes the kept connections when their requests have ended. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a `fetch` that presents the current X.509-SVID and verifies the server's identity on every connection, by
 * {@link createUndiciConnector} and the package `undici`, an optional peer dependency that the first call loads.
 *
 * The function rejects with a `TypeError`, as `fetch` does, whose cause is the `TlsError` that says why; or with
 * {@link TlsError} `undici_missing`.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createMtlsFetch(options: MtlsClientOptions): MtlsFetch {
  const connect = createUndiciConnector(options);
  let loading: Promise<Undici> | undefined;
  let closed = false;

  const close = async (): Promise<void> => {
    closed = true;
    const undici = await loading?.catch(() => undefined);
    await undici?.agent.close();
  };
  return {
    fetch: async (input, init) => {
      if (closed) throw new TypeError('this fetch is closed');
      loading ??= loadUndici(connect);
      const { agent, fetch } = await loading;
      return (await fetch(...requestOf(input, init, agent))) as unknown as Response;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Undici {
  readonly agent: Agent;
  readonly fetch: typeof undiciFetch;
}

async function loadUndici(connect: ReturnType<typeof createUndiciConnector>): Promise<Undici> {
  try {
    const { Agent, fetch } = await import('undici');
    return { agent: new Agent({ connect }), fetch };
  } catch (cause) {
    throw new TlsError('undici_missing', 'fetch over mutual TLS needs the package undici: npm install undici', {
      cause,
    });
  }
}

/** undici recognises only its own `Request` and `FormData`, so those of the global `fetch` are taken apart. */
function requestOf(
  input: string | URL | Request,
  init: RequestInit | undefined,
  dispatcher: Agent,
): Parameters<typeof undiciFetch> {
  const request = typeof input === 'object' && 'headers' in input ? input : undefined;
  const headers = new Headers(init?.headers ?? request?.headers);
  let body = init?.body ?? request?.body ?? null;
  if (body instanceof FormData) {
    const encoded = new Response(body);
    headers.set('Content-Type', encoded.headers.get('Content-Type') ?? '');
    body = encoded.body;
  }
  const merged = {
    ...(request && { method: request.method, redirect: request.redirect, signal: request.signal }),
    ...init,
    headers: [...headers],
    ...(body === null ? {} : { body, duplex: 'half' }),
    dispatcher,
  };
  return [request?.url ?? String(input), merged as unknown as Parameters<typeof undiciFetch>[1]];
}
