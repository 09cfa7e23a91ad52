import { isSvidkitError } from 'svidkit/errors';
import { createWorkloadApiClient, createX509Source } from 'svidkit/workload-api';
import { sayWhetherStillHere } from '../support/still-here.js';

// Run in a process of its own, which must end without process.exit().
const [mode] = process.argv.slice(2);
const say = (text: string): void => console.log(text);
const codeOf = (error: unknown): string => (isSvidkitError(error) ? error.code : `${error}`);

if (mode === 'call') {
  const client = createWorkloadApiClient({ timeoutMs: 200 });
  await client.fetchX509Context().catch((error) => say(codeOf(error)));
} else if (mode === 'abandon') {
  const client = createWorkloadApiClient();
  const step = await client.streamX509Contexts()[Symbol.asyncIterator]().next();
  if (!step.done) say(`${step.value.defaultSvid.id}`);
  await client.close();
} else {
  const source = createX509Source({ keepProcessAlive: mode === 'keep' });
  if (mode === 'wait') await source.ready({ timeoutMs: 200 }).catch((error) => say(codeOf(error)));
  if (mode === 'idle' || mode === 'keep') {
    await source.ready();
    void (async () => {
      for await (const { defaultSvid } of source.updates()) say(`${defaultSvid.id}`);
    })();
    sayWhetherStillHere(source, mode === 'keep');
  }
}
