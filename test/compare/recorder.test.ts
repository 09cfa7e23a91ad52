import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { X509Svid } from 'svidkit/x509-svid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Recorder } from '../../scripts/compare/recorder.js';
import { encodePem } from '../../src/internal/pem.js';

const CLIENT = 'spiffe://example.org/client';

describe('the recorder of npm run compare', () => {
  it('notes which certificate came over which port', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const recorder = await start(issuer);
    const [one, other] = [await recorder.listen(), await recorder.listen()];
    const [old, fresh] = [await issuer.issueX509Svid(CLIENT), await issuer.issueX509Svid(CLIENT)];

    for (const svid of [old, fresh, old]) expect(await answer(one.port, issuer, svid)).toBe('seen\n');

    expect(other.connections.count).toBe(0);
    expect(one.connections.count).toBe(3);
    const [first, second] = [serialOf(old), serialOf(fresh)];
    expect(one.connections.sightings.serials).toEqual([first, second]);
    expect(one.connections.sightings.newest).toBe(first);
    const changed = one.connections.sightings.freshAt(new Set([first]), 0) ?? 0;
    expect(changed).toBeGreaterThan(0);
    expect(one.connections.countOf(new Set([first]), changed)).toBe(1);
    expect(one.connections.sightings.freshAt(new Set([first, second]), 0)).toBeUndefined();
  });

  it('counts nobody without a certificate under the bundle that it trusts now', async () => {
    const [issuer, others] = [
      await createIssuer({ trustDomain: 'example.org' }),
      await createIssuer({ trustDomain: 'other.example' }),
    ];
    const recorder = await start(issuer);
    const { port, connections } = await recorder.listen();
    const stranger = await others.issueX509Svid('spiffe://other.example/client');

    expect(await answer(port, issuer, undefined)).toBe('');
    expect(await answer(port, issuer, stranger)).toBe('');
    expect(connections.count).toBe(0);

    recorder.trust(bundleOf(issuer) + bundleOf(others));
    expect(await answer(port, issuer, stranger)).toBe('seen\n');
    expect(connections.count).toBe(1);
  });
});

async function start(issuer: Issuer): Promise<Recorder> {
  const { cert, key } = pemOf(await issuer.issueX509Svid('spiffe://example.org/recorder'));
  const recorder = new Recorder({ certificates: cert, privateKey: key }, bundleOf(issuer));
  onTestFinished(() => recorder[Symbol.asyncDispose]());
  return recorder;
}

async function answer(port: number, issuer: Issuer, svid: X509Svid | undefined): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: bundleOf(issuer),
    checkServerIdentity: () => undefined,
    ...(svid && pemOf(svid)),
  });
  // Whoever is refused is told so by an alert, or by nothing but the end.
  return await text(socket).catch(() => '');
}

function pemOf({ certificates, privateKey }: X509Svid): { readonly cert: string; readonly key: string } {
  return {
    cert: certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

function bundleOf({ bundle }: Issuer): string {
  return bundle.x509.authorities.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
}

function serialOf({ certificates }: X509Svid): bigint {
  return BigInt(`0x${certificates[0]?.serialNumber}`);
}
