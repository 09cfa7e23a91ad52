import { createBrokerApiClient } from 'svidkit/broker-api';
import { parseX509BundlePem } from 'svidkit/bundle';
import { anyId } from 'svidkit/id';
import { parseX509SvidPem } from 'svidkit/x509-svid';
import { sayWhetherStillHere } from '../support/still-here.js';

// Run in a process of its own, which must end without process.exit(). Everything about it comes in the environment.
const { OWN_CERTIFICATES = '', OWN_KEY = '', BUNDLE = '', WORKLOAD_PID = '' } = process.env;
const [mode] = process.argv.slice(2);
const say = (text: string): void => console.log(text);

const svid = parseX509SvidPem(OWN_CERTIFICATES, OWN_KEY);
const bundle = parseX509BundlePem('example.org', BUNDLE);
const client = createBrokerApiClient({
  svid: { getX509Svid: () => svid },
  bundles: { getX509Bundle: () => bundle },
  authorize: anyId(),
});
const source = client.x509Source({ pid: Number(WORKLOAD_PID) }, { keepProcessAlive: mode === 'keep' });
await source.ready();
say(`${source.getX509Svid().id}`);
sayWhetherStillHere(source, mode === 'keep');
