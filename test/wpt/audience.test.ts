import fc from 'fast-check';
import { normalizeAudience } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { outcome, wpt } from '../support/proofs.js';

describe('how audiences are compared', () => {
  it.each([
    ['https://tools.example.org/orders', 'https://tools.example.org/orders'],
    ['HTTPS://Tools.Example.ORG/Orders', 'https://tools.example.org/Orders'],
    ['https://tools.example.org', 'https://tools.example.org/'],
    ['https://tools.example.org?x', 'https://tools.example.org/'],
    ['https://tools.example.org#x', 'https://tools.example.org/'],
    ['https://tools.example.org:443/', 'https://tools.example.org/'],
    ['https://tools.example.org:/', 'https://tools.example.org/'],
    ['http://tools.example.org:80/', 'http://tools.example.org/'],
    ['https://tools.example.org:80/', 'https://tools.example.org:80/'],
    ['http://tools.example.org:443/', 'http://tools.example.org:443/'],
    ['https://[2001:DB8::1]:443/a', 'https://[2001:db8::1]/a'],
    ['https://a.example/b?c#d', 'https://a.example/b'],
    ['https://a.example/b#c?d', 'https://a.example/b'],
    ['https://a.example/b/', 'https://a.example/b/'],
    ['https://a.example/b/../c', 'https://a.example/b/../c'],
    ['https://a.example/%61', 'https://a.example/%61'],
    ['https://a.example//b', 'https://a.example//b'],
    ['https://User@A.example/', 'https://User@A.example/'],
    ['https://\u212aube.example/', 'https://\u212aube.example/'],
    ['spiffe://example.org/Tools', 'spiffe://example.org/Tools'],
    ['Orders?x', 'Orders?x'],
    ['urn:Example:a#b', 'urn:Example:a#b'],
  ])('threat 12: %s is compared as %s', (text, expected) => {
    expect(normalizeAudience(text)).toBe(expected);
  });

  it('threat 12: normalising twice changes nothing', () => {
    const url = fc
      .tuple(fc.constantFrom('http', 'HTTPS', 'ftp'), fc.webAuthority(), fc.webPath(), fc.string())
      .map(([scheme, authority, path, rest]) => `${scheme}://${authority}${path}${rest}`);
    fc.assert(
      fc.property(fc.oneof(url, fc.string(), fc.webUrl()), (text) => {
        const once = normalizeAudience(text);
        expect(normalizeAudience(once)).toBe(once);
      }),
    );
  });

  it.each([
    ['https://tools.example.org/orders', 'accepted'],
    [['https://tools.example.org/orders'], 'accepted'],
    ['https://TOOLS.example.org:443/orders?page=2#top', 'accepted'],
    ['https://tools.example.org/orders/', 'wrong_audience'],
    ['https://tools.example.org/Orders', 'wrong_audience'],
    ['https://tools.example.org/x/../orders', 'wrong_audience'],
    ['https://tools.example.org/%6frders', 'wrong_audience'],
    ['http://tools.example.org/orders', 'wrong_audience'],
    ['https://tools.example.org:8443/orders', 'wrong_audience'],
    ['https://tools.example.org@attacker.example/orders', 'wrong_audience'],
    ['tools', 'wrong_audience'],
    [['https://tools.example.org/orders', 'https://b.example/'], 'bad_aud'],
    [[], 'bad_aud'],
    [[''], 'bad_aud'],
    [[['https://tools.example.org/orders']], 'bad_aud'],
    ['', 'bad_aud'],
    [7, 'bad_aud'],
    [null, 'bad_aud'],
    [{}, 'bad_aud'],
    [undefined, 'bad_aud'],
  ])('threat 13: aud %j is %s', async (aud, expected) => {
    expect(await outcome(wpt({ claims: { aud } }))).toBe(expected);
  });

  it('threat 13: several audiences are accepted where that was asked for, if one is ours', async () => {
    const allowMultipleAudiences = true;
    const ours = wpt({ claims: { aud: ['https://b.example/', 'https://tools.example.org/orders'] } });
    expect(await outcome(ours, { allowMultipleAudiences })).toBe('accepted');
    const theirs = wpt({ claims: { aud: ['https://b.example/', 'https://c.example/'] } });
    expect(await outcome(theirs, { allowMultipleAudiences })).toBe('wrong_audience');
    expect(await outcome(wpt({ claims: { aud: ['a', 7] } }), { allowMultipleAudiences })).toBe('bad_aud');
  });

  it('threat 12: agreed values are compared byte for byte, and any configured one will do', async () => {
    const audiences = ['Orders', 'https://TOOLS.example.org'];
    expect(await outcome(wpt({ claims: { aud: 'Orders' } }), { audiences })).toBe('accepted');
    expect(await outcome(wpt({ claims: { aud: 'orders' } }), { audiences })).toBe('wrong_audience');
    expect(await outcome(wpt({ claims: { aud: 'https://tools.example.org/' } }), { audiences })).toBe('accepted');
  });
});
