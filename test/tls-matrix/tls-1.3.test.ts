import { runMatrix } from './support/run-matrix.js';

runMatrix('TLSv1.3');
