import { writeFileSync } from 'node:fs';
import { encodePem } from '../../../src/internal/pem.js';
import { keyPair } from '../../support/key-pairs.js';
import { keyUsage, makeAuthority, makeCertificate } from '../../support/x509.js';
import type { SpirePaths } from './spire-config.js';

/** Makes a CA, and by it the certificate with which an agent of this name attests itself, good for two hours from now. */
export function writeAttestor(paths: SpirePaths, name: string): void {
  const life = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 7_200_000) };
  const ca = makeAuthority('attestor', life);
  const keys = keyPair('P-256', name);
  const agent = makeCertificate({
    ...life,
    subject: name,
    issuer: ca,
    keys,
    extensions: [keyUsage('digitalSignature')],
  });
  writeFileSync(paths.attestorCa, encodePem('CERTIFICATE', ca.der));
  writeFileSync(paths.attestorCertificate, encodePem('CERTIFICATE', agent.der));
  writeFileSync(paths.attestorKey, keys.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
}
