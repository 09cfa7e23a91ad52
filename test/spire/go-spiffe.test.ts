import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createDevEndpoint, type DevEndpoint } from 'svidkit/dev';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { collect } from './support/collect.js';
import { buildProbe, type ProbeVerdict, probe } from './support/go-probe.js';
import { buildGoProgram } from './support/go-programs.js';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const ID = 'spiffe://example.org/agents/planner';
let program: string;

beforeAll(async () => {
  program = await buildProbe();
});

describe('the dev endpoint, judged by go-spiffe', () => {
  let endpoint: DevEndpoint;

  beforeEach(async () => {
    endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
  });

  afterEach(async () => {
    await endpoint.close();
  });

  it('serves valid X.509-SVIDs, JWT-SVIDs and WIT-SVIDs', async () => {
    const workload = await endpoint.addWorkload([{ id: ID, hint: 'internal' }]);
    const verdict = await only(probe(program, workload.address));
    const expected = { ok: true, id: ID, hint: 'internal' };
    expect(verdict).toMatchObject({ x509: expected, jwt: expected, wit: expected });
  });

  it('serves over TCP', async () => {
    const workload = await endpoint.addWorkload(ID, { address: 'tcp://127.0.0.1:0' });
    const verdict = await only(probe(program, workload.address));
    expect(verdict).toMatchObject({ x509: { ok: true }, jwt: { ok: true }, wit: { ok: true } });
  });

  it('serves all identities of a workload, the first one as default', async () => {
    const workload = await endpoint.addWorkload([{ id: ID }, { id: 'spiffe://example.org/agents/writer', hint: 'w' }]);
    const verdict = await only(probe(program, workload.address));
    expect(verdict.x509).toMatchObject({ ok: true, id: ID, count: 2 });
    expect(verdict.wit).toMatchObject({ ok: true, id: ID });
  });

  it('rotates on open streams, with old and new authorities in the bundle', async () => {
    const workload = await endpoint.addWorkload(ID);
    const verdicts: ProbeVerdict[] = [];
    for await (const verdict of probe(program, workload.address, { rounds: 2 })) {
      verdicts.push(verdict);
      if (verdicts.length > 1) continue;
      await endpoint.issuer.rotateJwtKey();
      await endpoint.issuer.rotateWitKey();
      await endpoint.issuer.rotateX509Authority();
      await endpoint.rotate();
    }
    const [before, after] = verdicts;
    expect(before).toMatchObject({ x509: { ok: true }, jwt: { ok: true }, wit: { ok: true } });
    expect(after).toMatchObject({ x509: { ok: true }, jwt: { ok: true }, wit: { ok: true } });
    expect(after?.x509.version).not.toBe(before?.x509.version);
    expect(after?.wit.version).not.toBe(before?.wit.version);
    expect(after).toMatchObject({ x509: { authorities: 2 }, jwt: { authorities: 2 }, wit: { authorities: 2 } });
  });

  it('answers Unimplemented where the WIT-SVID profile is off, and serves the rest', async () => {
    await endpoint.close();
    endpoint = await createDevEndpoint({ trustDomain: 'example.org', wit: false });
    const workload = await endpoint.addWorkload(ID);
    const verdict = await only(probe(program, workload.address, { wit: false }));
    expect(verdict).toMatchObject({
      x509: { ok: true },
      jwt: { ok: true },
      wit: { ok: false, status: 'Unimplemented' },
    });
  });

  it('describes itself by reflection, so that its description can be linked', async () => {
    const workload = await endpoint.addWorkload(ID);
    const { services, methods } = await reflect(workload.address);
    expect(services).toContain('SpiffeWorkloadAPI');
    expect(methods).toEqual(SpiffeWorkloadAPI.methods.map(({ name }) => name));
  });
});

describe('a real SPIRE, judged by the same program', () => {
  const spire = useSpire();

  it('gets the same verdict, so the program asks for nothing that only the dev endpoint does', async () => {
    await spire().commands.createEntry({ path: '/agents/planner', uid: ownUser() });
    const verdict = await waitFor('a registered identity', async () => {
      const found = await only(probe(program, spire().address, { wit: false }));
      return found.x509.ok ? found : undefined;
    });
    expect(verdict).toMatchObject({
      x509: { ok: true, id: ID },
      jwt: { ok: true, id: ID },
      wit: { ok: false, status: 'Unimplemented' },
    });
  });

  it('describes the same service', async () => {
    const { services, methods } = await reflect(spire().address);
    expect(services).toContain('SpiffeWorkloadAPI');
    expect(SpiffeWorkloadAPI.methods.map(({ name }) => name)).toEqual(expect.arrayContaining(methods));
  });
});

/** What a Go program makes of the endpoint's description of the Workload API. */
async function reflect(address: string): Promise<{ services: string[]; methods: string[] }> {
  const program = await buildGoProgram('reflect');
  const { stdout } = await promisify(execFile)(program, ['-socket', address, '-service', SpiffeWorkloadAPI.typeName]);
  return JSON.parse(stdout) as { services: string[]; methods: string[] };
}

async function only(verdicts: AsyncGenerator<ProbeVerdict>): Promise<ProbeVerdict> {
  const [verdict, ...rest] = await collect(verdicts);
  if (verdict === undefined || rest.length > 0) throw new Error('the program did not give exactly one verdict');
  return verdict;
}
