import { readFileSync } from 'node:fs';
import type { VectorFile } from '../../scripts/conformance/vectors.js';

/** A committed vector file. */
export function vectorFile<C>(name: string): VectorFile<C> {
  return JSON.parse(vectorText(name)) as VectorFile<C>;
}

export function vectorText(name: string): string {
  return readFileSync(new URL(`../../conformance/${name}`, import.meta.url), 'utf8');
}
