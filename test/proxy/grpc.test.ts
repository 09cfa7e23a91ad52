import * as grpc from '@grpc/grpc-js';
import type { RequestAuthenticationError } from 'svidkit/errors';
import { createProvingChannelFactory, createRequestAuthenticator, getCaller, requireCallerGrpc } from 'svidkit/http';
import { exactly, memberOf } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { createMemoryReplayStore } from 'svidkit/replay';
import { createGrpcListener, getPeer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listening, openChat, openList, ordersClient, ordersServer, place, upload } from '../support/grpc-orders.js';
import { startNginx } from './support/nginx.js';

const ORIGIN = 'https://tools.example.org';
const AGENT = 'spiffe://example.org/agents/planner';
const PROXY = 'spiffe://example.org/proxy';

const issuer = await createIssuer({ trustDomain: 'example.org' });
const svid = await issuer.issueX509Svid('spiffe://example.org/services/orders', { dnsNames: ['orders.internal'] });
const proxySvid = await issuer.issueX509Svid(PROXY, { dnsNames: ['localhost'] });
const agent = await issuer.issueWitSvid(AGENT);
const bundles = { getX509Bundle: () => issuer.bundle.x509, getWitBundle: () => issuer.bundle.wit };

let codes: string[];

beforeEach(() => {
  codes = [];
});

/** A gRPC server that only the proxy can reach, and the proxy. Gives the port of that. */
async function behindProxy(peer = PROXY): Promise<number> {
  const authenticate = createRequestAuthenticator({
    ...{ bundles, audiences: ORIGIN, authorize: memberOf('example.org'), replay: createMemoryReplayStore() },
  });
  const onRefused = (error: unknown): void => void codes.push((error as RequestAuthenticationError).code);
  const server = ordersServer((call) => `${getPeer(call).id} ${getCaller(call).id} ${getCaller(call).proof.audience}`, {
    interceptors: [requireCallerGrpc(grpc, authenticate, { onRefused })],
  });
  const tls = { svid: { getX509Svid: () => svid }, bundles, authorize: exactly(peer) };
  const target = await listening(createGrpcListener(grpc, server, tls));
  const proxy = await startNginx({
    ...{ svid: proxySvid, authorities: issuer.bundle.x509.toPem(), serverName: 'orders.internal' },
    serverPort: Number(target.split(':')[1]),
    locations: { '/': 'grpc_pass $grpc;' },
  });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy.port;
}

const roots = (): grpc.ChannelCredentials => grpc.credentials.createSsl(Buffer.from(issuer.bundle.x509.toPem()));

/** Proves itself to the server, by way of a proxy that it knows by name only. */
function provingClient(port: number, origin = ORIGIN): grpc.Client {
  const channelFactoryOverride = createProvingChannelFactory(grpc, { wit: { getWitSvid: () => agent }, origin });
  return ordersClient(`localhost:${port}`, roots(), { channelFactoryOverride });
}

const told = (method: string): string => `${PROXY} ${AGENT} ${ORIGIN}/tools.Orders/${method}`;

describe('gRPC behind nginx', () => {
  it('mutual TLS sees the proxy, and the proof the workload that began the call, whichever way it streams', async () => {
    const client = provingClient(await behindProxy());
    expect([await place(client), await place(client)]).toEqual([told('Place'), told('Place')]);
    expect(await upload(client, ' x', 'y')).toBe(`${told('Upload')} xy`);
    const list = openList(client);
    expect(await list.next()).toBe(told('List'));
    const chat = openChat(client);
    expect(await chat.next()).toBe(told('Chat'));
    chat.send('hi');
    expect(await chat.next()).toBe('hi');
    chat.end();
    expect(await chat.next()).toBe('end');
    expect(codes).toEqual([]);
  });

  it('threat 11: the certificate of the proxy is no proof of whoever calls through it', async () => {
    const port = await behindProxy();
    const bare = new grpc.Metadata();
    bare.set('workload-identity-token', agent.token);
    const client = ordersClient(`localhost:${port}`, roots());
    expect([await place(client), await place(client, bare)]).toEqual(Array(2).fill('UNAUTHENTICATED: unauthenticated'));
    expect(codes).toEqual(['no_credentials', 'no_credentials']);
  });

  it('threat 12: a proof for the proxy is none for the server', async () => {
    const port = await behindProxy();
    expect(await place(provingClient(port, `https://localhost:${port}`))).toBe('UNAUTHENTICATED: unauthenticated');
    expect(codes).toEqual(['wrong_audience']);
  });

  it('a proof is none of the peer: another proxy reaches no interceptor', async () => {
    expect(await place(provingClient(await behindProxy(`${PROXY}/other`)))).toMatch(/^UN(AVAILABLE|KNOWN|IMPLEMENTED)/);
    expect(codes).toEqual([]);
  });
});
