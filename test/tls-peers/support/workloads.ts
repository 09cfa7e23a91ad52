import { exactly } from 'svidkit/id';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { onTestFinished } from 'vitest';

/** Of the identities that SPIRE gives to this process, the one to use. Until the test is over. */
export async function sourceOf(address: string, id: string): Promise<X509Source> {
  const isIt = exactly(id);
  const source = createX509Source({ address, pick: (svids) => svids.find((svid) => isIt(svid.id)) });
  onTestFinished(() => source.close());
  await source.ready({ timeoutMs: 30_000 });
  return source;
}
