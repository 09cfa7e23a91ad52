import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { X509Source } from 'svidkit/workload-api';
import { plainSerial } from '../../tls-matrix/support/speech.js';

/** The files of a proxy that knows no Workload API: the newest SVID of a source, and the bundle of its trust domain. */
export class StaticFiles implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'svidkit-static-'));
  /** The chain, leaf first. */
  readonly certificates: string = join(this.folder, 'svid.pem');
  readonly privateKey: string = join(this.folder, 'key.pem');
  /** Both in one file, as HAProxy wants it. */
  readonly combined: string = join(this.folder, 'combined.pem');
  readonly bundle: string = join(this.folder, 'bundle.pem');

  /** Writes what the source gives now; gives the serial number of the SVID. */
  write(source: X509Source): string {
    const svid = source.getX509Svid();
    const bundle = source.getX509Bundle(svid.id.trustDomain);
    if (bundle === undefined) throw new Error('there is no bundle');
    const [certificates, privateKey] = [svid.certificatesPem(), svid.privateKeyPkcs8Pem()];
    this.#replace(this.certificates, certificates);
    this.#replace(this.privateKey, privateKey);
    this.#replace(this.combined, certificates + privateKey);
    this.#replace(this.bundle, bundle.toPem());
    return plainSerial(svid.certificates[0]?.serialNumber ?? '');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #replace(path: string, text: string): void {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}
