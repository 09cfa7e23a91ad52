import { parseTrustDomain } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { createJwtSource } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { jwtBundlesMessage } from '../support/delivered-messages.js';
import { hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';

describe('SPIFFE_Workload_API', () => {
  it('section 6.2.2: JWT bundles that are left out or denied verify nothing any more', async () => {
    const home = await createIssuer({ trustDomain: 'example.org' });
    const away = await createIssuer({ trustDomain: 'b.example' });
    const token = await away.issueJwtSvid('spiffe://b.example/w', { audience: 'a' });
    await using endpoint = await ScriptedEndpoint.start();
    endpoint.jwtBundles.opening = { send: jwtBundlesMessage(home.bundle, away.bundle) };
    await using source = createJwtSource({ address: endpoint.address, ...hear() });
    await source.ready();
    const verify = () => verifyJwtSvid(token, source, { audience: 'a' });
    expect(`${(await verify()).id}`).toBe('spiffe://b.example/w');

    endpoint.jwtBundles.push(jwtBundlesMessage(home.bundle));
    await until(() => source.getJwtBundle(away.trustDomain)).toBeUndefined();
    expect(await rejectionOf(verify())).toBe('unknown_trust_domain');
    expect(source.getJwtBundle(parseTrustDomain('example.org'))).toBeDefined();

    endpoint.jwtBundles.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.jwtBundles.end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getJwtBundle(home.trustDomain))).toBe('withdrawn');
    expect(await rejectionOf(verify())).toBe('withdrawn');
  });
});
