import { isSvidkitError } from 'svidkit/errors';
import { createX509FileSource } from 'svidkit/file-source';

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
  // Runs only if something else keeps the process alive until then.
  setTimeout(() => {
    say('still here');
    void source.close();
  }, 200).unref();
}
