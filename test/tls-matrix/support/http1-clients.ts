import { once } from 'node:events';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { createHttpsAgent, createMtlsFetch, createUndiciConnector } from 'svidkit/tls';
import { Agent, request as undiciRequest } from 'undici';
import { closeOf } from '../../support/connections.js';
import type { Caller, OpenOptions, TlsClient } from './speech.js';

const PATIENCE_MS = 10_000;

function urlOf({ port }: OpenOptions): string {
  return `https://127.0.0.1:${port}/`;
}

function expectOk(status: number | undefined): void {
  if (status !== 200) throw new Error(`the server answered ${status}`);
}

export const httpsAgent: TlsClient = {
  name: 'https.Agent',
  protocols: ['HTTP/1.1'],
  open(options, target) {
    const agent = createHttpsAgent(options, { keepAlive: target.fresh !== true });
    return {
      async ask() {
        const outgoing = request(urlOf(target), { agent, signal: AbortSignal.timeout(PATIENCE_MS) });
        outgoing.end();
        const closed = closeOf(outgoing);
        const [incoming] = await once(outgoing, 'response');
        // The answer is read in any case: a connection with an unread answer is kept from everybody.
        const answer = await json(incoming).catch(() => undefined);
        // By then the agent has its connection back.
        await closed;
        expectOk(incoming.statusCode);
        return answer as Caller;
      },
      async [Symbol.asyncDispose]() {
        agent.destroy();
      },
    };
  },
};

export const undiciAgent: TlsClient = {
  name: 'undici Agent',
  protocols: ['HTTP/1.1'],
  open(options, target) {
    const dispatcher = new Agent({ connect: createUndiciConnector(options) });
    return {
      async ask() {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const reset = target.fresh === true;
        const { statusCode, body } = await undiciRequest(urlOf(target), { dispatcher, reset, signal });
        const answer = await body.json().catch(() => undefined);
        expectOk(statusCode);
        return answer as Caller;
      },
      [Symbol.asyncDispose]: () => dispatcher.destroy(),
    };
  },
};

export const mtlsFetch: TlsClient = {
  name: 'fetch',
  protocols: ['HTTP/1.1'],
  open(options, target) {
    let current = createMtlsFetch(options);
    return {
      async ask() {
        const used = current;
        const answer = await used.fetch(urlOf(target), { signal: AbortSignal.timeout(PATIENCE_MS) });
        const said = await answer.json().catch(() => undefined);
        if (target.fresh === true) {
          current = createMtlsFetch(options);
          await used.close();
        }
        expectOk(answer.status);
        return said as Caller;
      },
      [Symbol.asyncDispose]: () => current.close(),
    };
  },
};
