import { verify } from 'node:crypto';
import { parseSpiffeId } from 'svidkit/id';
import { parseWitSvid, type WitSvidMaterial } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { visibleForms } from '../support/visible-forms.js';
import { confirmation, NOW, SUBJECT, wit, workload } from '../support/wit-domain.js';

const jwk = workload.export({ format: 'jwk' });
const privateKey = JSON.stringify(jwk);
const token = wit();
const other = keyPair('P-256', 'other').privateKey;

function outcome(changes: Partial<WitSvidMaterial>): string {
  return codeOf(() => parseWitSvid({ token, privateKey, ...changes }));
}

describe('a WIT-SVID of our own', () => {
  it('is read with its key, from a JWK or a key object', () => {
    for (const key of [privateKey, workload]) {
      const svid = parseWitSvid({ token, privateKey: key, id: SUBJECT, hint: 'internal' });
      expect(svid.id.equals(parseSpiffeId(SUBJECT))).toBe(true);
      expect(svid.alg).toBe('ES256');
      expect(svid.hint).toBe('internal');
      expect(svid.token).toBe(token);
      expect(svid.expiresAt).toEqual(new Date((NOW + 3600) * 1000));
      expect(svid.privateKey.equals(workload)).toBe(true);
    }
  });

  it('signs with its key', async () => {
    const { signer } = parseWitSvid({ token, privateKey });
    const signature = await signer.sign(Buffer.from('x'));
    const key = { key: signer.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from('x'), key, signature)).toBe(true);
  });

  it('equals another with the same token and hint', () => {
    const svid = parseWitSvid({ token, privateKey });
    expect(svid.equals(parseWitSvid({ token, privateKey: workload }))).toBe(true);
    expect(svid.equals(parseWitSvid({ token, privateKey, hint: 'x' }))).toBe(false);
    expect(svid.equals(parseWitSvid({ token: wit({ claims: { jti: 'x' } }), privateKey }))).toBe(false);
  });

  it('must hold together', () => {
    expect(outcome({})).toBe('accepted');
    expect(outcome({ privateKey: other })).toBe('key_mismatch');
    expect(outcome({ privateKey: JSON.stringify(other.export({ format: 'jwk' })) })).toBe('key_mismatch');
    expect(outcome({ privateKey: JSON.stringify({ ...jwk, d: other.export({ format: 'jwk' }).d }) })).toBe(
      'key_mismatch',
    );
    expect(outcome({ privateKey: JSON.stringify({ ...jwk, alg: 'ES256' }) })).toBe('accepted');
    expect(outcome({ privateKey: JSON.stringify({ ...jwk, alg: 'ES384' }) })).toBe('cnf_alg_mismatch');
    expect(outcome({ id: `${SUBJECT}2` })).toBe('id_mismatch');
    expect(outcome({ id: 'nonsense' })).toBe('wrong_scheme');
  });

  it('must have the shape of a WIT of its profile', () => {
    expect(outcome({ token: wit({ claims: { exp: undefined } }) })).toBe('bad_exp');
    expect(outcome({ token: wit({ claims: { aud: [] } }) })).toBe('aud_present');
    expect(outcome({ token: wit({ header: { typ: 'JWT' } }) })).toBe('wrong_typ');
    expect(outcome({ token: wit({ claims: { cnf: undefined } }) })).toBe('missing_cnf');
    expect(outcome({ privateKey: '{"kty":"EC"' })).toBe('bad_json');
    expect(outcome({ privateKey: privateKey.replace('{', '{"kty":"EC",') })).toBe('duplicate_member');
    expect(outcome({ privateKey: '{"kty":"oct","k":"AAAA"}' })).toBe('unsupported_key');
    const ed25519 = keyPair('Ed25519').privateKey;
    const wider = { token: wit({ claims: { cnf: confirmation(ed25519, 'EdDSA') } }), privateKey: ed25519 };
    expect(codeOf(() => parseWitSvid(wider))).toBe('unsupported_cnf_alg');
    expect(codeOf(() => parseWitSvid(wider, { profile: 'wimse' }))).toBe('accepted');
    expect(() => parseWitSvid({ token, privateKey: keyPair('P-256', 'workload').publicKey })).toThrow(TypeError);
  });

  it('shows neither token nor key', () => {
    for (const subject of [parseWitSvid({ token, privateKey }), parseWitSvid({ token, privateKey }).signer]) {
      for (const form of visibleForms(subject)) {
        for (const secret of [...token.split('.'), jwk.d ?? '']) expect(form).not.toContain(secret);
      }
    }
    expect(JSON.stringify(parseWitSvid({ token, privateKey }))).toContain(SUBJECT);
  });

  it('cannot be changed', () => {
    const svid = parseWitSvid({ token, privateKey });
    svid.expiresAt.setTime(0);
    expect(svid.expiresAt.getTime()).toBe((NOW + 3600) * 1000);
    expect(() => Object.assign(svid, { alg: 'ES384' })).toThrow(TypeError);
  });
});
