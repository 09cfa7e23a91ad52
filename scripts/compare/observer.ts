import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { connectBare } from '../../test/support/bare-workload-client.js';
import { now, Sightings } from './sightings.js';

const RETRY_MS = 20;

/**
 * A stream that only reads, in this process: it notes when the bytes of an X.509-SVID came, before anything is made of
 * them. Without a backoff, so that it tells how soon after its start an agent has something to give.
 */
export class Observer implements AsyncDisposable {
  readonly sightings: Sightings = new Sightings();
  readonly #following: Promise<void>;
  #cancel = (): void => {};
  #ended = false;

  constructor(address: string) {
    this.#following = this.#follow(address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#cancel();
    await this.#following;
  }

  async #follow(address: string): Promise<void> {
    while (!this.#ended) {
      const client = connectBare(address);
      const stream = client.stream(SpiffeWorkloadAPI.method.fetchX509SVID, {});
      this.#cancel = () => stream.cancel();
      try {
        for (;;) {
          const { svids } = await stream.next();
          const at = now();
          this.sightings.add(BigInt(`0x${new X509Certificate(svids[0]?.x509Svid ?? '').serialNumber}`), at);
        }
      } catch {
        await sleep(RETRY_MS);
      } finally {
        stream.cancel();
        client.close();
      }
    }
  }
}
