import { EventEmitter, once } from 'node:events';
import { request } from 'node:http';
import { connect, constants } from 'node:http2';
import type { RequestAuthenticationError } from 'svidkit/errors';
import { createRequestAuthenticator, type RequestAuthenticatorOptions } from 'svidkit/http';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayStore } from 'svidkit/replay';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FrameworkOptions, HTTP1, HTTP2, hono } from '../support/frameworks.js';
import { WIT, wpt } from '../support/proofs.js';
import { sendRaw } from '../support/raw-http.js';
import { sendRawHttp2 } from '../support/raw-http2.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

const ORIGIN = 'https://tools.example.org';

let codes: string[];
let handled: string[];

beforeEach(() => {
  [codes, handled] = [[], []];
});

function optionsWith(changes: Partial<RequestAuthenticatorOptions> = {}): FrameworkOptions {
  const authenticate = createRequestAuthenticator({
    ...{ bundles, audiences: ORIGIN, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock },
    ...changes,
  });
  return {
    authenticate,
    onRefused: (error) => codes.push((error as RequestAuthenticationError).code ?? String(error)),
    onHandled: (caller) => handled.push(caller),
  };
}

type Field = readonly [name: string, value: string];

const proofFor = (path: string): string => `WPT ${wpt({ claims: { aud: `${ORIGIN}${path}` } })}`;
const good = (path = '/orders'): Field[] => [
  ['workload-identity-token', WIT],
  ['authorization', proofFor(path)],
];

/** Requests that must be refused in the same way whatever carries them. */
const REFUSED: ReadonlyArray<readonly [title: string, fields: () => Field[], status: number, code: string]> = [
  ['no credentials', () => [], 401, 'no_credentials'],
  ['threat 11: a WIT alone', () => good().slice(0, 1), 401, 'no_credentials'],
  ['threat 30: two WITs', () => [...good(), ['workload-identity-token', WIT]], 400, 'duplicate_header'],
  [
    'threat 30: a joined pair of WITs',
    () => [['workload-identity-token', `${WIT}, ${WIT}`], ...good().slice(1)],
    400,
    'bad_header',
  ],
  ['threat 15: two Authorization fields', () => [...good(), ['authorization', 'Bearer at-1']], 400, 'duplicate_header'],
  [
    'threat 15: two Authorization fields, the proof second',
    () => [['authorization', 'Bearer at-1'], ...good()],
    400,
    'duplicate_header',
  ],
  ['threat 30: two Txn-Tokens', () => [...good(), ['txn-token', 'a'], ['txn-token', 'a']], 400, 'duplicate_header'],
  ['threat 15: a Txn-Token that the proof does not cover', () => [...good(), ['txn-token', 'a']], 401, 'missing_tth'],
  ['threat 45: the forms of both drafts', () => [...good(), ['workload-proof-token', wpt()]], 400, 'two_proofs'],
  ['threat 12: a proof for another path', () => good('/invoices'), 401, 'wrong_audience'],
  [
    'a proof by another key',
    () => [
      ['workload-identity-token', WIT],
      ['authorization', `${proofFor('/orders').slice(0, -6)}AAAAAA`],
    ],
    401,
    'bad_signature',
  ],
];

describe.each(Object.entries(HTTP1))('%s', (_, serve) => {
  const send = (port: number, fields: readonly Field[], line = 'GET /orders HTTP/1.1', host = 'x') =>
    sendRaw(port, line, [`Host: ${host}`, ...fields.map(([name, value]) => `${name}: ${value}`)]);

  it('lets a proven request through and tells the handler who it is', async () => {
    const port = await serve(optionsWith());
    expect(await send(port, good())).toMatchObject({ status: 201, body: expect.stringContaining(`${SUBJECT} 0`) });
    expect([handled, codes]).toEqual([[SUBJECT], []]);
  });

  it('compares audiences with the target as it came, also below a mount point', async () => {
    const port = await serve(optionsWith());
    expect((await send(port, good('/orders/size'), 'GET /orders/size?x=1 HTTP/1.1')).status).toBe(201);
    expect((await send(port, good('/size'), 'GET /orders/size HTTP/1.1')).status).toBe(401);
  });

  it.each(REFUSED)('refuses %s', async (_title, fields, status, code) => {
    const port = await serve(optionsWith());
    const answer = await send(port, fields());
    expect([answer.status, codes]).toEqual([status, [code]]);
    expect(handled).toEqual([]);
    expect(answer.head + answer.body).not.toContain(code);
  });

  it('threat 12: learns no audience from Host, forwarding fields or an absolute-form target', async () => {
    const port = await serve(optionsWith());
    const other = 'https://other.example.org/orders';
    const fields = (): Field[] => [
      ['workload-identity-token', WIT],
      ['authorization', `WPT ${wpt({ claims: { aud: other } })}`],
      ['x-forwarded-host', 'other.example.org'],
      ['x-forwarded-proto', 'https'],
    ];
    await send(port, fields(), undefined, 'other.example.org');
    await send(port, fields(), `GET ${other} HTTP/1.1`, 'other.example.org');
    await send(port, good(), `GET ${ORIGIN}/orders HTTP/1.1`, 'tools.example.org');
    expect(new Set(codes)).toEqual(new Set(['wrong_audience']));
    expect(handled).toEqual([]);
  });

  it('threat 17: lets a proof through once, also of two at the same time', async () => {
    const port = await serve(optionsWith());
    const fields = good();
    const answers = await Promise.all([send(port, fields), send(port, fields), send(port, fields)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401]);
    expect([handled.length, codes]).toEqual([1, ['replayed', 'replayed']]);
  });

  it('threat 18: refuses with 503 when nothing can be remembered', async () => {
    const port = await serve(optionsWith({ replay: { insert: async () => 'full' } }));
    expect((await send(port, good())).status).toBe(503);
    expect([handled, codes]).toEqual([[], ['replay_store_full']]);
  });

  it('threat 33: refuses with 403 whom the authorizer does not know, and 500 where no middleware stands', async () => {
    const port = await serve(optionsWith({ authorize: exactly('spiffe://example.org/agents/other') }));
    expect((await send(port, good())).status).toBe(403);
    expect((await send(port, good('/open'), 'GET /open HTTP/1.1')).status).toBe(500);
    expect([handled, codes]).toEqual([[], ['not_authorized']]);
  });

  it('threat 46: answers a refusal in the shape of its draft and says nothing more', async () => {
    const port = await serve(optionsWith());
    const newer = await send(port, []);
    expect(newer.head).toMatch(/^WWW-Authenticate: WPT$/im);
    expect(newer.body.replace(/^0\s*$/, '')).toBe('');
    const older: Field[] = [
      ['workload-identity-token', WIT],
      ['workload-proof-token', wpt({ claims: { aud: 'https://other.example.org/' } })],
    ];
    const { status, head, body } = await send(port, older);
    expect(status).toBe(400);
    expect(head).toMatch(/^Content-Type: application\/problem\+json/im);
    expect(head).toMatch(/^Cache-Control: no-store$/im);
    expect(head).not.toMatch(/^WWW-Authenticate/im);
    expect(JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? '')).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
    });
  });

  it('leaves a chunked body to the handler, and reads none for a request that is refused', async () => {
    const port = await serve(optionsWith());
    const chunked: Field[] = [
      ['content-type', 'application/octet-stream'],
      ['transfer-encoding', 'chunked'],
    ];
    // `sendRaw` ends the head with an empty line; the body goes after the last field.
    const withBody = (fields: readonly Field[]): Promise<{ status: number; body: string }> =>
      sendRaw(port, 'POST /orders HTTP/1.1', [
        'Host: x',
        'Connection: close',
        ...[...fields, ...chunked].map(([name, value]) => `${name}: ${value}`),
        ...['', '5', 'hello', '6', ' world', '0'],
      ]);
    expect(await withBody(good())).toMatchObject({ status: 201, body: expect.stringContaining(`${SUBJECT} 11`) });
    expect(await withBody([])).toMatchObject({ status: 401 });
    expect(handled).toEqual([SUBJECT]);
  });

  it('asks no handler for a client that went away while the store was being asked', async () => {
    const [asking, left] = [new EventEmitter(), new EventEmitter()];
    const replay: ReplayStore = {
      insert: (_entry, { signal } = {}) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => {
            resolve('fresh');
            left.emit('now');
          });
          asking.emit('now');
        }),
    };
    const port = await serve(optionsWith({ replay }));
    const [asked, gone] = [once(asking, 'now'), once(left, 'now')];
    const outgoing = request({ port, path: '/orders', headers: Object.fromEntries(good()) }).end();
    outgoing.on('error', () => undefined);
    await asked;
    outgoing.destroy();
    await gone;
    await new Promise((resolve) => setImmediate(resolve));
    expect([handled, codes]).toEqual([[], []]);
  });

  it('threat 45: takes nothing from trailers', async () => {
    const port = await serve(optionsWith());
    const [wit, authorization] = good();
    const answer = await sendRaw(port, 'POST /orders HTTP/1.1', [
      ...['Host: x', 'Connection: close', `Authorization: ${authorization?.[1]}`, 'Transfer-Encoding: chunked'],
      ...['Trailer: Workload-Identity-Token', '', '0', `Workload-Identity-Token: ${wit?.[1]}`],
    ]);
    expect([answer.status, codes, handled]).toEqual([401, ['missing_wit'], []]);
  });
});

describe.each(Object.entries(HTTP2))('%s', (_, serve) => {
  const send = (port: number, fields: readonly Field[], path = '/orders', authority = 'x') =>
    sendRawHttp2(port, [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', authority],
      ...fields,
    ]);

  it('lets a proven request through once, and its body to the handler', async () => {
    const port = await serve(optionsWith());
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const fields = { ':method': 'POST', ':path': '/orders', 'content-type': 'application/octet-stream' };
    const post = async (headers: object): Promise<string> => {
      const stream = session.request({ ...fields, ...headers }).setEncoding('utf8');
      stream.end('hello');
      let status: unknown;
      stream.on('response', (head) => {
        status = head[constants.HTTP2_HEADER_STATUS];
      });
      let body = '';
      for await (const chunk of stream) body += chunk;
      return `${status} ${body}`;
    };
    const headers = Object.fromEntries(good());
    expect(await post(headers)).toBe(`201 ${SUBJECT} 5`);
    expect(await post(headers)).toBe('401 ');
    expect([handled, codes]).toEqual([[SUBJECT], ['replayed']]);
  });

  it('lets a proven request through whose fields were written by hand', async () => {
    expect(await send(await serve(optionsWith()), good())).toBe(201);
    expect(handled).toEqual([SUBJECT]);
  });

  it.each(REFUSED)('refuses %s', async (_title, fields, status, code) => {
    expect([await send(await serve(optionsWith()), fields()), codes, handled]).toEqual([status, [code], []]);
  });

  it('threat 12: learns no audience from :authority', async () => {
    const port = await serve(optionsWith());
    const other = wpt({ claims: { aud: 'http://other.example.org/orders' } });
    const fields: Field[] = [
      ['workload-identity-token', WIT],
      ['authorization', `WPT ${other}`],
    ];
    expect(await send(port, fields, '/orders', 'other.example.org')).toBe(401);
    expect([handled, codes]).toEqual([[], ['wrong_audience']]);
  });
});

describe('Hono on a platform that has only the Request', () => {
  const requestOf = (fields: readonly Field[], url = `${ORIGIN}/orders`): Request => {
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    return new Request(url, { headers });
  };
  const send = async (fields: readonly Field[], url?: string, changes: Partial<RequestAuthenticatorOptions> = {}) =>
    hono(optionsWith(changes)).request(requestOf(fields, url));

  it('lets a proven request through', async () => {
    const answer = await send(good(), `${ORIGIN}/orders?x=1`);
    expect([answer.status, await answer.text()]).toEqual([201, `${SUBJECT} 0`]);
  });

  it.each(REFUSED)('refuses %s', async (title, fields, status, code) => {
    const answer = await send(fields());
    // What was joined cannot be told from what came joined.
    const expected = title.includes('joined') ? 'duplicate_header' : code;
    expect([answer.status, codes, handled]).toEqual([status, [expected], []]);
  });

  it('threat 30: refuses a further token with a comma in it, which may be two', async () => {
    const covered = (value: string): Field[] => [
      ...good().slice(0, 1),
      ['authorization', `WPT ${wpt({ claims: { oth: { 'x-end-user': 'A'.repeat(43) } } })}`],
      ['x-end-user', value],
    ];
    await send(covered('alice, bob'), undefined, { otherTokens: ['X-End-User'] });
    await send(covered('alice'), undefined, { otherTokens: ['X-End-User'] });
    expect(codes).toEqual(['duplicate_header', 'oth_mismatch']);
  });

  it('threat 12: learns no audience from the host of the URL', async () => {
    const fields: Field[] = [
      ...good().slice(0, 1),
      ['authorization', `WPT ${wpt({ claims: { aud: 'https://other.example.org/orders' } })}`],
    ];
    await send(fields, 'https://other.example.org/orders');
    expect([codes, handled]).toEqual([['wrong_audience'], []]);
  });

  it('answers in the shape of the draft', async () => {
    const answer = await send([]);
    expect([answer.status, answer.headers.get('WWW-Authenticate'), await answer.text()]).toEqual([401, 'WPT', '']);
  });
});
