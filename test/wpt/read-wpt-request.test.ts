import { readWptRequest, type WptDraft } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { WIT, wpt } from '../support/proofs.js';
import { codeOf } from '../support/refusals.js';
import { visibleForms } from '../support/visible-forms.js';
import { wit } from '../support/wit-domain.js';

const D1 = 'draft-ietf-wimse-wpt-01';
const D2 = 'draft-ietf-wimse-wpt-02';
const BOTH: readonly WptDraft[] = [D2, D1];
const PROOF = wpt();
const IDENTITY = ['Workload-Identity-Token', WIT];
const OLD = [...IDENTITY, 'Workload-Proof-Token', PROOF];
const NEW = [...IDENTITY, 'Authorization', `WPT ${PROOF}`];

function outcome(rawHeaders: readonly string[], drafts: readonly WptDraft[] = BOTH, otherTokens?: string[]): string {
  return codeOf(() => readWptRequest(rawHeaders, { drafts, otherTokens }));
}

describe('reading the tokens of a request', () => {
  it('takes names in any case, values without the white space around them', () => {
    const fields = [
      'WORKLOAD-identity-token',
      ` \t${WIT}\t `,
      'workload-PROOF-token',
      `${PROOF} `,
      'TXN-token',
      'a.b.c',
    ];
    const request = readWptRequest([...fields, 'Authorization', 'bearer  secret '], { drafts: BOTH });
    expect(request.draft).toBe(D1);
    expect([request.wit, request.wpt]).toEqual([WIT, PROOF]);
    expect([request.accessToken, request.txnToken]).toEqual(['secret', 'a.b.c']);
  });

  it('threat 25: blanks within a field cost no more than other characters, whatever the field', () => {
    const blanks = ' '.repeat(400_000);
    expect(outcome(['X-Other', `a${blanks}a`])).toBe('missing_wit');
    expect(outcome([...NEW, 'Txn-Token', `a${blanks}a`])).toBe('bad_header');
    expect(outcome([...NEW, 'X-Other', `${blanks}a${blanks}`])).toBe('accepted');
    expect(outcome([...IDENTITY, 'Authorization', `WPT a${blanks}a`])).toBe('bad_header');
  });

  it('missing tokens are named', () => {
    expect(outcome([])).toBe('missing_wit');
    expect(outcome(['Workload-Proof-Token', PROOF])).toBe('missing_wit');
    expect(outcome(IDENTITY)).toBe('missing_wpt');
    expect(outcome([...IDENTITY, 'Authorization', 'Bearer x'])).toBe('missing_wpt');
  });

  it('threat 11: a WIT in Authorization is no identity', () => {
    expect(outcome(['Authorization', `Bearer ${WIT}`])).toBe('missing_wit');
    expect(outcome(['Authorization', `WPT ${WIT}`])).toBe('missing_wit');
    expect(outcome([...OLD, 'Authorization', `Bearer ${WIT}`])).toBe('bad_header');
  });

  it.each(['Workload-Identity-Token', 'Workload-Proof-Token', 'Authorization', 'Txn-Token', 'X-User'])(
    'threat 30: %s twice is refused, even with the same value',
    (name) => {
      const value = { 'workload-identity-token': WIT, 'workload-proof-token': PROOF }[name.toLowerCase()] ?? 'Bearer x';
      const once = [...OLD, 'Authorization', 'Bearer x', 'Txn-Token', 'x', 'X-User', 'x'];
      expect(outcome(once, [D1], ['X-User'])).toBe('accepted');
      expect(outcome([...once, name, value], [D1], ['X-User'])).toBe('duplicate_header');
      expect(outcome([...once, name.toUpperCase(), value], [D1], ['X-User'])).toBe('duplicate_header');
    },
  );

  it('threat 30: two proofs in Authorization are refused, also among other schemes', () => {
    expect(outcome([...NEW, 'Authorization', `WPT ${PROOF}`])).toBe('duplicate_header');
    expect(outcome([...NEW, 'authorization', 'Bearer x'])).toBe('duplicate_header');
  });

  it('threat 30: values that a proxy joined with a comma are refused', () => {
    expect(outcome(['Workload-Identity-Token', `${WIT}, ${WIT}`, 'Workload-Proof-Token', PROOF])).toBe('bad_header');
    expect(outcome([...IDENTITY, 'Workload-Proof-Token', `${PROOF},${PROOF}`])).toBe('bad_header');
    expect(outcome([...OLD, 'Authorization', 'Bearer a, Bearer b'])).toBe('bad_header');
    expect(outcome([...OLD, 'Txn-Token', 'a, b'])).toBe('bad_header');
  });

  it.each(['', ' ', 'x', 'a.b', 'a.b.c.d', 'a..c', 'a.b.c=', 'a.b.c\u0000', 'a.b.ü', `${WIT} ${WIT}`])(
    'threat 30: %j is no WIT and no proof',
    (value) => {
      expect(outcome(['Workload-Identity-Token', value, 'Workload-Proof-Token', PROOF])).toBe('bad_header');
      expect(outcome([...IDENTITY, 'Workload-Proof-Token', value])).toBe('bad_header');
    },
  );

  it('threat 45: proofs in the forms of both drafts are refused, whichever is accepted', () => {
    const both = [...NEW, 'Workload-Proof-Token', PROOF];
    for (const drafts of [BOTH, [D1], [D2]] as const) expect(outcome(both, drafts)).toBe('two_proofs');
  });

  it('threat 45: a WIMSE HTTP signature next to a proof is refused, another signature is not', () => {
    const input = (tag: string) => [
      'Signature-Input',
      `sig=("@method");created=1;tag="${tag}"`,
      'Signature',
      'sig=:AA==:',
    ];
    expect(outcome([...NEW, ...input('wimse-workload-to-workload')])).toBe('two_proofs');
    expect(outcome([...NEW, ...input('something-else')])).toBe('accepted');
    expect(outcome([...NEW, ...input('something-else'), ...input('wimse-workload-to-workload')])).toBe('two_proofs');
  });

  it('threat 45: a token from anywhere but these headers does not count', () => {
    expect(outcome([':path', `/?Workload-Identity-Token=${WIT}`, 'X-Workload-Identity-Token', WIT])).toBe(
      'missing_wit',
    );
    expect(outcome([...IDENTITY, 'Proxy-Authorization', `WPT ${PROOF}`])).toBe('missing_wpt');
  });

  it('only the listed drafts are accepted', () => {
    expect(outcome(NEW, [D2])).toBe('accepted');
    expect(outcome(OLD, [D1])).toBe('accepted');
    expect(outcome(OLD, [D2])).toBe('draft_not_accepted');
    expect(outcome(NEW, [D1])).toBe('draft_not_accepted');
  });

  it.each([
    ['Bearer abc', 'accepted'],
    ['DPoP abc', 'accepted'],
    ['dpop a-._~+/9==', 'accepted'],
    ['Bearer', 'bad_header'],
    ['Bearer a b', 'bad_header'],
    ['Bearer ünï', 'bad_header'],
    ['Basic YTpi', 'unsupported_authorization'],
    ['abc', 'unsupported_authorization'],
    ['', 'unsupported_authorization'],
  ])('threat 15: Authorization %j next to a -01 proof is %s', (value, expected) => {
    expect(outcome([...OLD, 'Authorization', value])).toBe(expected);
  });

  it('threat 16: other tokens are those that are listed, by lower-case name', () => {
    const headers = [...NEW, 'X-User', ' a, b ', 'X-Other', 'c', '__proto__', 'd', 'constructor', 'e'];
    const request = readWptRequest(headers, { drafts: BOTH, otherTokens: ['X-USER', '__proto__', 'x-absent'] });
    expect([...request.otherTokens]).toEqual([
      ['x-user', 'a, b'],
      ['__proto__', 'd'],
    ]);
    expect([...readWptRequest(headers, { drafts: BOTH }).otherTokens]).toEqual([]);
    expect(outcome([...NEW, 'X-User', ''], BOTH, ['x-user'])).toBe('bad_header');
    expect(outcome([...NEW, 'X-User', 'ü'], BOTH, ['x-user'])).toBe('bad_header');
  });

  it('shows no token', () => {
    const request = readWptRequest(
      [...OLD, 'Authorization', 'Bearer se-cret', 'Txn-Token', 'txn-secret', 'X-User', 'u-ser'],
      {
        drafts: BOTH,
        otherTokens: ['X-User'],
      },
    );
    const forms = visibleForms(request).join();
    for (const token of [...WIT.split('.'), ...PROOF.split('.'), 'se-cret', 'txn-secret', 'u-ser']) {
      expect(forms).not.toContain(token);
    }
    (request.otherTokens as Map<string, string>).clear();
    expect(request.otherTokens.size).toBe(1);
  });

  it('misuse is a TypeError', () => {
    expect(() => readWptRequest(NEW, { drafts: [] })).toThrow(TypeError);
    expect(() => readWptRequest(NEW, { drafts: ['draft-ietf-wimse-wpt-99' as WptDraft] })).toThrow(TypeError);
    expect(() => readWptRequest(NEW, { drafts: ['toString' as WptDraft] })).toThrow(TypeError);
    expect(() => readWptRequest(NEW.slice(1), { drafts: BOTH })).toThrow(TypeError);
    expect(() => readWptRequest([...NEW, 'x', undefined] as string[], { drafts: BOTH })).toThrow(TypeError);
    const names = ['Authorization', 'txn-token', 'Workload-Identity-Token', 'workload-proof-token', '', 'a b', 'ü'];
    for (const name of names) expect(() => outcome(NEW, BOTH, [name])).toThrow(TypeError);
    expect(() => outcome(NEW, BOTH, ['X-A', 'x-a'])).toThrow(TypeError);
    expect(() =>
      outcome(
        NEW,
        BOTH,
        Array.from({ length: 17 }, (_, index) => `x-${index}`),
      ),
    ).toThrow(TypeError);
  });

  it('is not confused by a WIT of which there are two', () => {
    const second = wit({ claims: { sub: 'spiffe://example.org/other' } });
    expect(outcome([...NEW, 'workload-identity-token', second])).toBe('duplicate_header');
  });
});
