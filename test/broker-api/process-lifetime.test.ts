import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrokerBench, openBrokerBench } from '../support/broker-bench.js';
import { x509Message } from '../support/delivered-messages.js';
import { runProgram } from '../support/programs.js';

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

  const run = (mode: string) => {
    const { endpoint, issuer, own } = bench;
    const env = {
      SPIFFE_BROKER_SOCKET: endpoint.address,
      OWN_CERTIFICATES: own.certificatesPem(),
      OWN_KEY: own.privateKeyPkcs8Pem(),
      BUNDLE: issuer.bundle.x509.toPem(),
      WORKLOAD_PID: String(process.pid),
    };
    return runProgram(join(import.meta.dirname, 'idle-process.ts'), { parameters: [mode], env }).done;
  };

  it('ends when nothing else is to be done, unless keepProcessAlive says otherwise', async () => {
    const [idle, keep] = await Promise.all([run('idle'), run('keep')]);
    expect(idle, 'with its stream open and its process watched').toEqual({ code: 0, output: `${ORDERS}\n` });
    expect(keep, 'with keepProcessAlive').toEqual({ code: 0, output: `${ORDERS}\nstill here\n` });
  }, 60_000);
});
