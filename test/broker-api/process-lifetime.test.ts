import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrokerBench, openBrokerBench } from '../support/broker-bench.js';
import { x509Message } from '../support/delivered-messages.js';

const ORDERS = 'spiffe://example.org/services/orders';

describe('a broker with an open source', () => {
  let bench: BrokerBench;

  beforeAll(async () => {
    bench = await openBrokerBench();
    const { endpoint, issuer } = bench;
    const svid = await issuer.issueX509Svid(ORDERS);
    endpoint.workload(process.pid).x509.opening = { send: x509Message([svid], issuer.bundle) };
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const run = async (mode: string) => {
    const { endpoint, issuer, own } = bench;
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'idle-process.ts'), mode], {
      env: {
        ...process.env,
        SPIFFE_BROKER_SOCKET: endpoint.address,
        OWN_CERTIFICATES: own.certificatesPem(),
        OWN_KEY: own.privateKeyPkcs8Pem(),
        BUNDLE: issuer.bundle.x509.toPem(),
        WORKLOAD_PID: String(process.pid),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const [code] = await once(child, 'close');
    return { code, output };
  };

  it('ends when nothing else is to be done, unless keepProcessAlive says otherwise', async () => {
    const [idle, keep] = await Promise.all([run('idle'), run('keep')]);
    expect(idle, 'with its stream open and its process watched').toEqual({ code: 0, output: `${ORDERS}\n` });
    expect(keep, 'with keepProcessAlive').toEqual({ code: 0, output: `${ORDERS}\nstill here\n` });
  }, 60_000);
});
