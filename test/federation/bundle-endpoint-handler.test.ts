import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { SpiffeBundle } from 'svidkit/bundle';
import { createBundleEndpointHandler } from 'svidkit/federation';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EndpointServer } from '../support/bundle-endpoint.js';
import { web, webProfile } from '../support/federated-domain.js';

const PATH = '/b.test/bundle.json';

describe('SPIFFE_Federation sections 5.2.1.3 and 5.2.2.3, the bundle endpoint', () => {
  let issuer: Issuer;
  let server: EndpointServer;
  let bundle: () => SpiffeBundle | undefined;
  const errors: unknown[] = [];

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: 'b.test' });
    const onError = (error: unknown): void => void errors.push(error);
    server = await EndpointServer.start(
      web,
      createBundleEndpointHandler({ bundle: () => bundle(), path: PATH, onError }),
    );
  });

  beforeEach(() => {
    bundle = () => issuer.bundle;
    errors.length = 0;
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const outgoing = request(server.url(path), { method, headers, ca: webProfile.ca as string, agent: false });
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };

  it('answers GET with the newest bundle in JSON', async () => {
    const first = await ask('GET', PATH);
    expect(first).toMatchObject({ status: 200, body: issuer.bundle.serialize() });
    expect(first.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-cache' });
    await issuer.rotateX509Authority();
    const second = await ask('GET', PATH);
    expect(second.body).toBe(issuer.bundle.serialize());
    expect(second.headers.etag).not.toBe(first.headers.etag);
    expect((await ask('GET', `${PATH}?cache=buster`)).status).toBe(200);
  });

  it('answers HEAD with the same fields and no body', async () => {
    const { date: _date, ...got } = (await ask('GET', PATH)).headers;
    const head = await ask('HEAD', PATH);
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers).toMatchObject(got);
  });

  it('answers a client that has the newest bundle with 304', async () => {
    const { etag = '' } = (await ask('GET', PATH)).headers;
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect(await ask('GET', PATH, { 'If-None-Match': held })).toMatchObject({ status: 304, body: '' });
    }
    expect((await ask('GET', PATH, { 'If-None-Match': '"other"' })).status).toBe(200);
    await issuer.rotateJwtKey();
    expect((await ask('GET', PATH, { 'If-None-Match': etag })).status).toBe(200);
  });

  it.each(['/', '/b.test', `${PATH}/`, '/B.test/bundle.json', `/x/..${PATH}`, '/b.test/bundle%2Ejson'])(
    'serves one path alone: not %s',
    async (path) => {
      const outgoing = request({
        ...{ host: '127.0.0.1', port: server.port, path, ca: webProfile.ca as string, agent: false },
      });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      response.resume();
      expect(response.statusCode).toBe(404);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not allow %s', async (method) => {
    expect(await ask(method, PATH)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' }, body: '' });
  });

  it('answers 503 while there is no bundle, and says nothing of the reason', async () => {
    bundle = () => undefined;
    expect(await ask('GET', PATH)).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' }, body: '' });
    expect(errors).toEqual([]);
    const reason = new Error('a secret reason');
    bundle = () => {
      throw reason;
    };
    const refused = await ask('GET', PATH);
    expect(refused).toMatchObject({ status: 503, body: '' });
    expect(JSON.stringify(refused)).not.toContain('secret');
    expect(errors).toEqual([reason]);
    bundle = () => issuer.bundle;
    expect((await ask('GET', PATH)).status).toBe(200);
  });

  it('goes on when its observer throws', async () => {
    const failing = createBundleEndpointHandler({
      bundle: () => {
        throw new Error('none');
      },
      onError: () => {
        throw new Error('of the observer');
      },
    });
    const broken = await EndpointServer.start(web, failing);
    const outgoing = request(broken.url(), { ca: webProfile.ca as string, agent: false }).end();
    const [response] = await once(outgoing, 'response');
    response.resume();
    expect(response.statusCode).toBe(503);
    await broken[Symbol.asyncDispose]();
  });

  it('refuses options that are none', () => {
    expect(() => createBundleEndpointHandler({ bundle: issuer.bundle as never })).toThrow(TypeError);
    for (const path of ['', 'bundle', '/a?b', '/a b', '/#']) {
      expect(() => createBundleEndpointHandler({ bundle, path }), path).toThrow(TypeError);
    }
  });
});
