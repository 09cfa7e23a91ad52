import { isSvidkitError } from 'svidkit/errors';
import { createX509FileSource } from 'svidkit/file-source';
import { sayWhetherStillHere } from '../support/still-here.js';

// Run in a process of its own, which must end without process.exit().
const [mode, certificates = '', bundles = ''] = process.argv.slice(2);
const say = (text: string): void => console.log(text);

const source = createX509FileSource({ certificates, bundles, keepProcessAlive: mode === 'keep' });
if (mode === 'wait') {
  await source.ready({ timeoutMs: 200 }).catch((error) => say(isSvidkitError(error) ? error.code : `${error}`));
} else {
  await source.ready();
  void (async () => {
    for await (const { svid } of source.updates()) say(`${svid.id}`);
  })();
  sayWhetherStillHere(source, mode === 'keep');
}
