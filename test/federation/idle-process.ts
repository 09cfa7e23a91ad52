import { createFederatedBundleSource, fetchSpiffeBundle } from 'svidkit/federation';
import { sayWhetherStillHere } from '../support/still-here.js';

// Run in a process of its own, which must end without process.exit().
const [mode, url = '', ca = ''] = process.argv.slice(2);
const say = (text: string): void => console.log(text);
const options = { trustDomain: 'b.test', url, profile: { kind: 'https_web', ca } } as const;

if (mode === 'once') {
  const bundle = await fetchSpiffeBundle(options);
  say(`${bundle.trustDomain}`);
} else {
  const source = createFederatedBundleSource({ ...options, keepProcessAlive: mode === 'keep' });
  if (mode !== 'lost') await source.ready();
  if (mode !== 'lost') say(`${source.current.trustDomain}`);
  // Long enough for the request to be under way.
  if (mode === 'lost') await new Promise((resolve) => setTimeout(resolve, 1_000));
  void (async () => {
    for await (const { trustDomain } of source.updates()) void trustDomain;
  })();
  sayWhetherStillHere(source, mode === 'keep');
}
