import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type BrokerApiClient, type BrokerApiClientOptions, createBrokerApiClient } from 'svidkit/broker-api';
import type { BrokerApiError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { X509Svid } from 'svidkit/x509-svid';
import { ScriptedBroker } from './scripted-broker.js';

const AGENT = 'spiffe://example.org/spire/agent/test';

/** A scripted broker endpoint, with what a client needs to be let in. */
export interface BrokerBench extends AsyncDisposable {
  readonly issuer: Issuer;
  readonly endpoint: ScriptedBroker;
  /** The identity of the broker. */
  readonly own: X509Svid;
  client(options?: Partial<BrokerApiClientOptions>): BrokerApiClient;
}

export async function openBrokerBench(): Promise<BrokerBench> {
  const issuer = await createIssuer({ trustDomain: 'example.org' });
  const own = await issuer.issueX509Svid('spiffe://example.org/broker');
  const endpoint = new ScriptedBroker(await issuer.issueX509Svid(AGENT), issuer.bundle);
  await endpoint.listen();
  const clients: BrokerApiClient[] = [];
  return {
    issuer,
    endpoint,
    own,
    client: (options) => {
      const bundles = { getX509Bundle: () => issuer.bundle.x509 };
      const svid = { getX509Svid: (): X509Svid => own };
      const authorize = exactly(AGENT);
      const made = createBrokerApiClient({ address: endpoint.address, svid, bundles, authorize, ...options });
      clients.push(made);
      return made;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.close();
      await endpoint.stop();
    },
  };
}

/** An `onError` that remembers, and the backoff of a test that takes things away on purpose. */
export function hearBroker(): {
  readonly codes: string[];
  readonly onError: (error: BrokerApiError) => void;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
} {
  const codes: string[] = [];
  return { codes, onError: ({ code }) => codes.push(code), backoff: { initialMs: 1, maxMs: 20 } };
}

/** A process that does nothing until it is killed. */
export class IdleProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' });
    if (this.#child.pid === undefined) throw new Error('no process was started');
    this.pid = this.#child.pid;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
