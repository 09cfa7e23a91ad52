import { createIssuer } from 'svidkit/issuer';

let made: Promise<{ readonly key: string; readonly cert: string }> | undefined;

/** Key and certificate of a TLS server on this machine, for clients that do not look at it. */
export function serverCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  made ??= makeCertificate();
  return made;
}

async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const issuer = await createIssuer({ trustDomain: 'example.org' });
  const svid = await issuer.issueX509Svid('spiffe://example.org/services/orders', { dnsNames: ['localhost'] });
  return { key: svid.privateKeyPkcs8Pem(), cert: svid.certificatesPem() };
}
