import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { type IncomingResponse, readResponseWit, signRequest, verifyResponse } from 'svidkit/http-signature';
import { exactly } from 'svidkit/id';
import { verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { svid as client } from '../support/http-signatures.js';
import { ORIGIN, SERVER, type ServeOptions, serveSigned, witSvidOf } from '../support/signed-http.js';
import { bundles, clock } from '../support/wit-domain.js';

const server = witSvidOf(SERVER);
const sign = { getWitSvid: () => server };
type Handler = (response: ServerResponse, request: IncomingMessage) => unknown;

interface Verified {
  readonly answer: IncomingResponse & { readonly headers: IncomingMessage['headers'] };
  /** What the signature covers, or why it does not hold. */
  readonly covered: readonly string[] | string;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly options?: ServeOptions;
  readonly signResponse?: boolean;
}

/** The answer of a handler to a request that asks for a signature, as it came over the wire, and what became of it. */
async function answerOf(handler: Handler, asking: Asking = {}): Promise<Verified & { refusals: unknown[] }> {
  const { method = 'GET', options, signResponse = true } = asking;
  const { port, refusals } = await serveSigned({
    signing: { sign },
    handler: (request, response) => handler(response, request),
    ...options,
  });
  const request = { method, target: '/orders', rawHeaders: ['Host', 'x'], body: null };
  const signed = await signRequest(client, request, { audience: ORIGIN, clock, signResponse });
  const headers = [...request.rawHeaders, ...signed.fields.flat()];
  const outgoing = httpRequest({ port, method, path: '/orders', headers }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const body = await buffer(incoming);
  const { statusCode: status = 0, rawHeaders } = incoming;
  const answer = { status, rawHeaders, body: body.length === 0 ? null : body, headers: incoming.headers };
  try {
    const token = readResponseWit(rawHeaders, { request: signed });
    if (token === undefined) return { answer, covered: 'unsigned', body: body.toString(), refusals };
    const wit = await verifyWit(token, bundles, { clock });
    const proven = await verifyResponse(answer, wit, { request: signed, authorize: exactly(SERVER), clock });
    return { answer, covered: proven.covered.fields, body: body.toString(), refusals };
  } catch (error) {
    return { answer, covered: `${(error as { code?: string }).code}`, body: body.toString(), refusals };
  }
}

const DIGESTED = ['workload-identity-token', 'content-digest'];

describe('an answer that was asked to be signed', () => {
  const handlers: [string, Handler, string][] = [
    ['at once', (response) => response.end('answer'), 'answer'],
    [
      'in pieces and codings',
      (response) => {
        response.write('an');
        response.write(Buffer.from('sw'));
        response.write('6572', 'hex');
        response.end();
      },
      'answer',
    ],
    [
      'later',
      async (response) => {
        response.flushHeaders();
        await new Promise(setImmediate);
        response.write('an');
        await new Promise(setImmediate);
        response.end('swer', 'latin1');
      },
      'answer',
    ],
    ['from a stream', (response) => Readable.from(['an', 'swer']).pipe(response), 'answer'],
    ['through a pipeline', (response) => pipeline(Readable.from(['an', 'swer']), response), 'answer'],
    ['empty', (response) => response.end(), ''],
  ];
  it.each(handlers)('may come %s', async (_, handler, body) => {
    const { answer, covered, ...rest } = await answerOf(handler);
    expect(covered).toEqual(body === '' ? ['workload-identity-token'] : DIGESTED);
    expect(rest.body).toBe(body);
    expect(answer.headers['content-length']).toBe(`${body.length}`);
    expect(answer.headers['transfer-encoding']).toBeUndefined();
  });

  it('is sent whole, without trailers, also where it was to come in chunks', async () => {
    const { covered, body, answer } = await answerOf((response) => {
      response.writeHead(200, { 'Transfer-Encoding': 'chunked', Trailer: 'X-End' });
      response.write('ans');
      response.addTrailers({ 'X-End': 'x' });
      response.end('wer');
    });
    expect([covered, body]).toEqual([DIGESTED, 'answer']);
    expect(answer.headers).not.toHaveProperty('trailer');
  });

  it('keeps status, message and fields, however they are written', async () => {
    const cookies = ['a=1', 'b=2'];
    const written: Handler[] = [
      (response) => {
        response.statusCode = 201;
        response.statusMessage = 'Made';
        response.setHeader('Content-Type', 'text/x');
        response.setHeader('Set-Cookie', cookies);
        response.end('x');
      },
      (response) => response.writeHead(201, 'Made', { 'Content-Type': 'text/x', 'Set-Cookie': cookies }).end('x'),
      (response) => {
        response.setHeader('Content-Type', 'text/other');
        const fields = ['Content-Type', 'text/x', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'];
        response.writeHead(201, 'Made', fields).end('x');
      },
    ];
    for (const handler of written) {
      const { answer, covered } = await answerOf(handler);
      expect(covered).toEqual(['workload-identity-token', 'content-type', 'content-digest']);
      expect(answer.status).toBe(201);
      expect(answer.headers).toMatchObject({ 'content-type': 'text/x', 'set-cookie': cookies });
    }
  });

  it('is signed whatever its status, and says where to go and how to read it under its signature', async () => {
    const { answer, covered } = await answerOf((response) =>
      response.writeHead(307, { Location: '/elsewhere', 'Content-Encoding': 'gzip' }).end('x'),
    );
    expect([answer.status, covered]).toEqual([307, [...DIGESTED, 'content-encoding', 'location']]);
    expect((await answerOf((response) => response.writeHead(404).end())).covered).toEqual(['workload-identity-token']);
  });

  it('threat 43: may have no body: to HEAD, 204 and 304', async () => {
    const head = await answerOf((response) => response.writeHead(200, { 'Content-Length': 6 }).end('answer'), {
      method: 'HEAD',
    });
    expect([head.covered, head.body]).toEqual([['workload-identity-token'], '']);
    expect(head.answer.headers['content-length']).toBe('6');
    for (const status of [204, 304]) {
      const { covered, body, answer } = await answerOf((response) => response.writeHead(status, { ETag: '"a"' }).end());
      expect([answer.status, covered, body]).toEqual([status, ['workload-identity-token'], '']);
    }
  });

  it('is what was signed, whatever is written after its end', async () => {
    const { covered, body, answer } = await answerOf((response) => {
      let finished = 0;
      response.end('answer', () => {
        finished += 1;
      });
      response.statusCode = 500;
      response.setHeader('Content-Type', 'text/late');
      response.write('late');
      response.end('later');
      expect([response.headersSent, response.writableEnded, finished]).toEqual([true, true, 0]);
    });
    expect([covered, body, answer.status]).toEqual([DIGESTED, 'answer', 200]);
    expect(answer.headers['content-type']).toBeUndefined();
  });

  it('of an Express app is signed as any other', async () => {
    const app = express().get('/orders', (_, response) => void response.json({ order: 1 }));
    const { covered, body } = await answerOf((response, request) => app(request, response));
    expect([covered, body]).toEqual([['workload-identity-token', 'content-type', 'content-digest'], '{"order":1}']);
  });

  it('is heard of by whoever wraps writeHead', async () => {
    const { answer } = await answerOf((response) => {
      const writeHead = response.writeHead.bind(response) as (status: number) => ServerResponse;
      response.writeHead = (status: number) => {
        response.setHeader('X-Wrapped', 'yes');
        return writeHead(status);
      };
      response.end('answer');
    });
    expect(answer.headers['x-wrapped']).toBe('yes');
  });
});

describe('threat 43: an unsigned success never goes out', () => {
  it('when the answer is too long: 500 instead', async () => {
    const options = { signing: { sign, maxSignedBytes: 10 } };
    expect((await answerOf((response) => response.end('x'.repeat(10)), { options })).covered).toEqual(DIGESTED);
    const long: Handler[] = [
      (response) => response.end('x'.repeat(11)),
      (response) => pipeline(Readable.from(['xxxxxx', 'yyyyyy', 'zzzzzz']), response).catch(() => undefined),
      (response) => {
        response.writeHead(200, { 'Content-Type': 'text/x', 'Set-Cookie': 'a=1' });
        for (let count = 0; count < 100; count += 1) response.write('xx');
        response.end();
      },
    ];
    for (const handler of long) {
      const { answer, covered, body, refusals } = await answerOf(handler, { options });
      expect([answer.status, covered]).toEqual([500, 'response_not_signed']);
      expect(JSON.parse(body)).toMatchObject({ status: 500 });
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(refusals).toMatchObject([{ code: 'cannot_sign_response', status: 500 }]);
    }
  });

  it('when there is no identity to sign with: 501 before the handler, 500 after it', async () => {
    const withdrawn = new Error('withdrawn');
    let left = 0;
    const options: ServeOptions = {
      signing: {
        sign: {
          getWitSvid: () => {
            left -= 1;
            if (left < 0) throw withdrawn;
            return server;
          },
        },
      },
    };
    let called = 0;
    const handler: Handler = (response) => {
      called += 1;
      response.end('answer');
    };
    const before = await answerOf(handler, { options });
    expect([before.answer.status, called, before.refusals]).toMatchObject([
      501,
      0,
      [{ cause: withdrawn, status: 501 }],
    ]);
    left = 1;
    const after = await answerOf(handler, { options });
    expect([after.answer.status, called, after.refusals]).toMatchObject([500, 1, [{ cause: withdrawn, status: 500 }]]);
    expect(after.body).not.toContain('answer');
  });

  it('when the answer has what cannot be signed: 500 instead', async () => {
    const { answer, refusals } = await answerOf((response) =>
      response.writeHead(200, { 'Content-Digest': 'sha-256=:AAAA:' }).end('answer'),
    );
    expect([answer.status, refusals]).toMatchObject([500, [{ cause: { code: 'digest_mismatch' } }]]);
  });
});

describe('an answer that nobody asked to be signed', () => {
  it('is neither signed nor held', async () => {
    const options = { signing: { sign, maxSignedBytes: 1 } };
    const { covered, body, answer } = await answerOf((response) => response.end('answer'), {
      options,
      signResponse: false,
    });
    expect([covered, body, answer.status]).toEqual(['unsigned', 'answer', 200]);
  });
});
