import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { X509Svid } from 'svidkit/x509-svid';
import { beforeAll, describe, expect, it } from 'vitest';
import { type X509SvidMessage, x509SvidReader } from '../../src/workload-api/read-x509-svids.js';
import { x509Entry } from '../support/delivered-messages.js';
import { codeOf } from '../support/refusals.js';

const PLANNER = 'spiffe://example.org/agents/planner';

let issuer: Issuer;
let first: X509Svid;
let second: X509Svid;
let third: X509Svid;

beforeAll(async () => {
  issuer = await createIssuer({ trustDomain: 'example.org' });
  [first, second, third] = [
    await issuer.issueX509Svid(PLANNER),
    await issuer.issueX509Svid(PLANNER),
    await issuer.issueX509Svid(PLANNER),
  ];
});

const entryOf = (svid: X509Svid, change: object = {}): X509SvidMessage =>
  ({ ...x509Entry(svid, issuer.bundle), ...change }) as X509SvidMessage;

describe('reading the X.509-SVIDs of one message after the other', () => {
  it('reads only those that the message before did not have', () => {
    const read = x509SvidReader();
    const before = read([entryOf(first), entryOf(second)]);
    const after = read([entryOf(third), entryOf(second)]);
    expect(after[1]).toBe(before[1]);
    expect(after[0]?.equals(third)).toBe(true);
    expect(read([entryOf(first)])[0], 'what was left out in between is read again').not.toBe(before[0]);
  });

  it('reads again whatever differs in anything but the bundle', () => {
    const read = x509SvidReader();
    const [known] = read([entryOf(first)]);
    const [same] = read([entryOf(first, { bundle: Uint8Array.of(1) })]);
    expect(same).toBe(known);
    expect(read([entryOf(first, { hint: 'internal' })])[0]?.hint).toBe('internal');
    const { x509SvidKey } = entryOf(second);
    const wrong: [object, string][] = [
      [{ x509SvidKey }, 'bad_identity'],
      [{ spiffeId: `${PLANNER}/other` }, 'bad_identity'],
      [{ spiffeId: '' }, 'empty_field'],
      [{ bundle: Uint8Array.of() }, 'empty_field'],
      [{ x509SvidKey: Uint8Array.of() }, 'empty_field'],
    ];
    read([entryOf(first)]);
    for (const [change, code] of wrong) expect(codeOf(() => read([entryOf(first, change)]))).toBe(code);
  });

  it('still knows what was before a message that was refused', () => {
    const read = x509SvidReader();
    const [known] = read([entryOf(first)]);
    expect(codeOf(() => read([entryOf(second), entryOf(first, { x509Svid: Uint8Array.of(1) })]))).toBe('bad_identity');
    expect(read([entryOf(first)])[0]).toBe(known);
  });
});
