import { Agent, fetch as undiciFetch } from 'undici';
import { onTestFinished } from 'vitest';

/** A `fetch` that speaks HTTP/2 with servers of any certificate, until the test is over. */
export function fetchOverHttp2(): typeof globalThis.fetch {
  const dispatcher = new Agent({ allowH2: true, connect: { rejectUnauthorized: false } });
  onTestFinished(() => dispatcher.destroy());
  const overHttp2 = (url: unknown, init: object | undefined) => undiciFetch(url as string, { ...init, dispatcher });
  return overHttp2 as unknown as typeof globalThis.fetch;
}
