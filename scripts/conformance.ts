import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { vectorFiles } from './conformance/files.js';
import { signatures } from './conformance/signatures.js';

/**
 * Writes conformance/*.json. The same again gives the same files: signatures of randomised algorithms are kept in
 * conformance/signatures.json beside the sources of the cases, unless `--fresh` is given.
 */
const directory = fileURLToPath(new URL('../conformance/', import.meta.url));
mkdirSync(directory, { recursive: true });
for (const [name, text] of vectorFiles()) {
  writeFileSync(`${directory}${name}`, text);
  console.log(`conformance/${name}: ${text.length} bytes`);
}
signatures.save();
