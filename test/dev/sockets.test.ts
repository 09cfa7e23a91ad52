import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { createDevEndpoint } from 'svidkit/dev';
import { DevError } from 'svidkit/errors';
import { createIssuer } from 'svidkit/issuer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { connectBare, withStatus } from '../support/bare-workload-client.js';
import { runProgram } from '../support/programs.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const { fetchX509SVID } = SpiffeWorkloadAPI.method;
const pathOf = (address: string): string => address.replace('unix://', '');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sk-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

async function answers(address: string): Promise<boolean> {
  const client = connectBare(address);
  try {
    return (await client.stream(fetchX509SVID, {}).next()).svids.length === 1;
  } finally {
    client.close();
  }
}

describe('sockets of the development endpoint', () => {
  it('are for this user alone, short, one for each workload, and gone after close', async () => {
    const endpoint = await createDevEndpoint();
    const [one, two] = await Promise.all([endpoint.addWorkload(PLANNER), endpoint.addWorkload(PLANNER)]);
    const paths = [pathOf(one.address), pathOf(two.address)];
    expect(new Set(paths).size).toBe(2);
    const directory = dirname(paths[0] ?? '');
    expect(modeOf(directory)).toBe(0o700);
    for (const path of paths) {
      expect(modeOf(path)).toBe(0o600);
      expect(Buffer.byteLength(path)).toBeLessThan(100);
    }
    await one.close();
    expect(paths.map((path) => existsSync(path))).toEqual([false, true]);
    expect(endpoint.workloads).toEqual([two]);
    await endpoint.close();
    expect(existsSync(directory)).toBe(false);
    await endpoint.close();
    await two.close();
  });

  it('are made in the directory that is given, which stays if it was there', async () => {
    const made = join(scratch, 'a', 'b');
    const first = await createDevEndpoint({ directory: made });
    const workload = await first.addWorkload(PLANNER);
    expect(dirname(pathOf(workload.address))).toBe(made);
    expect(modeOf(made)).toBe(0o700);
    await first.close();
    expect(existsSync(join(scratch, 'a'))).toBe(false);

    const second = await createDevEndpoint({ directory: scratch });
    await second.addWorkload(PLANNER);
    await second.close();
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('replace one that nobody serves any more', async () => {
    const path = join(scratch, 'stale.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    expect(statSync(path).isSocket()).toBe(true);
    await using endpoint = await createDevEndpoint();
    const workload = await endpoint.addWorkload(PLANNER, { address: `unix://${path}` });
    expect(workload.address).toBe(`unix://${path}`);
    expect(await answers(workload.address)).toBe(true);
  });

  it('replace neither one that is served nor a file', async () => {
    await using endpoint = await createDevEndpoint();
    const served = join(scratch, 'served.sock');
    const server = createServer((socket) => socket.destroy()).listen(served);
    await once(server, 'listening');
    const taking = endpoint.addWorkload(PLANNER, { address: `unix://${served}` });
    await expect(taking).rejects.toMatchObject({ code: 'address_in_use' });
    server.close();

    const file = join(scratch, 'file');
    writeFileSync(file, 'precious');
    const overwriting = endpoint.addWorkload(PLANNER, { address: `unix://${file}` });
    await expect(overwriting).rejects.toMatchObject({ code: 'address_in_use' });
    expect(statSync(file).size).toBe(8);
    expect(endpoint.workloads).toEqual([]);
  });

  it.each([
    [`unix:///tmp/${'x'.repeat(95)}`, 'address_too_long'],
    ['unix:///no/such/directory/w.sock', 'listen_failed'],
    ['unix://relative.sock', 'bad_address'],
    ['http://127.0.0.1:80', 'bad_address'],
    ['tcp://0.0.0.0:0', 'bad_address'],
    ['tcp://192.0.2.1:8000', 'bad_address'],
    ['tcp://localhost:0', 'bad_address'],
  ])('are not made at %s', async (address, code) => {
    await using endpoint = await createDevEndpoint();
    const adding = endpoint.addWorkload(PLANNER, { address });
    await expect(adding).rejects.toThrow(DevError);
    await expect(adding).rejects.toMatchObject({ code });
  });

  it('can be TCP ports of loopback', async () => {
    await using endpoint = await createDevEndpoint();
    const workload = await endpoint.addWorkload(PLANNER, { address: 'tcp://127.0.0.1:0' });
    expect(workload.address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await answers(workload.address)).toBe(true);
    const taking = endpoint.addWorkload(PLANNER, { address: workload.address });
    await expect(taking).rejects.toMatchObject({ code: 'listen_failed' });
  });
});

describe('close of the development endpoint', () => {
  it('ends open streams with Unavailable', async () => {
    const endpoint = await createDevEndpoint();
    const client = connectBare((await endpoint.addWorkload(PLANNER)).address);
    const stream = client.stream(fetchX509SVID, {});
    await stream.next();
    await endpoint.close();
    await expect(stream.next()).rejects.toMatchObject(withStatus('UNAVAILABLE'));
    client.close();
  });

  it('refuses everything afterwards, also a workload that was on its way', async () => {
    const endpoint = await createDevEndpoint({ directory: scratch });
    const adding = endpoint.addWorkload(PLANNER);
    const closing = endpoint.close();
    await expect(adding).rejects.toMatchObject({ code: 'closed' });
    await closing;
    expect(readdirSync(scratch)).toEqual([]);
    const closed = { code: 'closed' };
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    await expect(endpoint.addWorkload(PLANNER)).rejects.toMatchObject(closed);
    await expect(endpoint.rotate()).rejects.toMatchObject(closed);
    await expect(endpoint.federate(foreign.bundle)).rejects.toMatchObject(closed);
    await expect(endpoint.unfederate('b.example')).rejects.toMatchObject(closed);
  });

  it('lets the process end by itself, with nothing left behind', async () => {
    const { done } = runProgram(join(import.meta.dirname, 'close-and-exit.ts'));
    expect(await done).toEqual({ code: 0, output: 'closed, left: \n' });
  }, 60_000);
});

describe('options of the development endpoint', () => {
  it('must fit together', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await expect(createDevEndpoint({ issuer, trustDomain: 'b.example' })).rejects.toThrow(TypeError);
    for (const rotateAt of [0, 1, -1, Number.NaN]) {
      await expect(createDevEndpoint({ rotateAt })).rejects.toThrow(TypeError);
    }
    await using endpoint = await createDevEndpoint({ issuer, trustDomain: 'spiffe://example.org' });
    expect(endpoint.issuer).toBe(issuer);
  });

  it('show no key to whoever looks at the endpoint', async () => {
    await using endpoint = await createDevEndpoint();
    const workload = await endpoint.addWorkload(PLANNER);
    for (const object of [endpoint, workload]) {
      const shown = `${inspect(object, { depth: Number.POSITIVE_INFINITY, showHidden: true })}${JSON.stringify(object)}`;
      expect(shown).not.toMatch(/PrivateKeyObject|PRIVATE KEY|"d"|eyJ/);
    }
  });
});
