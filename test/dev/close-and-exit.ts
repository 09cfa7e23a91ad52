import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { createDevEndpoint } from 'svidkit/dev';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { connectBare } from '../support/bare-workload-client.js';

// Run in a process of its own, which must end without process.exit().
const endpoint = await createDevEndpoint({ x509TtlSeconds: 600 });
const workload = await endpoint.addWorkload('spiffe://example.org/w');
await endpoint.addWorkload('spiffe://example.org/tcp', { address: 'tcp://127.0.0.1:0' });
const client = connectBare(workload.address);
const stream = client.stream(SpiffeWorkloadAPI.method.fetchX509SVID, {});
await stream.next();
await endpoint.rotate();
await stream.next();
await endpoint.close();
await stream.next().catch(() => {});
client.close();
const left = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind.endsWith('ServerWrap'));
if (existsSync(dirname(workload.address.replace('unix://', '')))) left.push('directory');
console.log(`closed, left: ${left.join(', ')}`);
