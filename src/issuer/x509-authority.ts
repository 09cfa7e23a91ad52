import { type KeyObject, randomBytes } from 'node:crypto';
import type { SpiffeId, TrustDomain } from '../id/index.js';
import { type Certificate, fieldsOf, parseCertificate } from '../internal/certificate.js';
import { type CertificateRevocationList, parseCertificateList } from '../x509-svid/index.js';
import { createCertificate, keyIdentifier } from './certificate-factory.js';
import type { CertificateSigner, NameAttribute } from './certificate-signer.js';
import { type AuthorityKeyType, generateKeys, type KeyType } from './key-type.js';
import { createCertificateList } from './list-factory.js';

/** What an authority is made for. All instants are milliseconds since the epoch. */
export interface X509AuthorityInit {
  readonly trustDomain: TrustDomain;
  readonly keyType: AuthorityKeyType;
  /** Whether an intermediate signs instead of the root itself. */
  readonly intermediate: boolean;
  readonly now: number;
  readonly ttlSeconds: number;
}

/** What a workload's certificate is made for. */
export interface X509LeafInit {
  readonly id: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly keyType: KeyType;
  readonly now: number;
  readonly ttlSeconds: number;
}

/** A workload's chain, leaf first and without the root, and the private key of the leaf. */
export interface X509Leaf {
  readonly certificates: Uint8Array;
  readonly privateKey: KeyObject;
}

interface X509AuthorityParts {
  readonly id: string;
  readonly root: Certificate;
  readonly signer: CertificateSigner;
  readonly signerKeyId: string;
  readonly intermediates: readonly Uint8Array[];
  readonly now: number;
  /** Of the root, where it is not the root that signs for workloads. */
  readonly rootLists: readonly CertificateRevocationList[];
  readonly list: CertificateRevocationList;
}

/** A root of a trust domain and the key that signs under it: the root's own, or an intermediate's. */
export class X509Authority {
  /** The subject key identifier of the root in hexadecimal, as SPIRE names its authorities. */
  readonly id: string;
  readonly root: Certificate;
  readonly expiresAt: number;
  /** From here on a new authority should sign: half of the lifetime has passed. */
  readonly renewAt: number;
  readonly #signer: CertificateSigner;
  readonly #signerKeyId: string;
  readonly #intermediates: readonly Uint8Array[];
  readonly #rootLists: readonly CertificateRevocationList[];
  readonly #revoked = new Map<string, number>();
  #list: { readonly number: number; readonly list: CertificateRevocationList };

  private constructor(parts: X509AuthorityParts) {
    const { id, root, now } = parts;
    this.id = id;
    this.root = root;
    this.expiresAt = root.notAfter.getTime();
    this.renewAt = now + (this.expiresAt - now) / 2;
    this.#signer = parts.signer;
    this.#signerKeyId = parts.signerKeyId;
    this.#intermediates = parts.intermediates;
    this.#rootLists = parts.rootLists;
    this.#list = { number: 1, list: parts.list };
  }

  static async create(init: X509AuthorityInit): Promise<X509Authority> {
    const { trustDomain, now, ttlSeconds, keyType } = init;
    const common = {
      uri: trustDomain.toString(),
      dnsNames: [],
      notBefore: now - BACKDATED_MS,
      notAfter: now + ttlSeconds * 1000,
    };
    const rootSigner = await createSigner(keyType);
    const rootDer = await createCertificate(
      {
        ...common,
        subject: rootSigner.name,
        publicKey: rootSigner.publicKey,
        authority: { pathLength: undefined },
      },
      rootSigner,
    );
    const root = parseCertificate(rootDer);
    const id = await keyIdentifier(rootSigner.publicKey);
    const list = await firstList(rootSigner, now, root);
    if (!init.intermediate) {
      const own = { signer: rootSigner, signerKeyId: id, intermediates: [], rootLists: [], list };
      return new X509Authority({ id, root, now, ...own });
    }
    const signer = await createSigner(keyType);
    const intermediate = await createCertificate(
      { ...common, subject: signer.name, publicKey: signer.publicKey, authority: { pathLength: 0 } },
      rootSigner,
    );
    return new X509Authority({
      ...{ id, root, now, signer },
      signerKeyId: await keyIdentifier(signer.publicKey),
      intermediates: [intermediate],
      rootLists: [list],
      list: await firstList(signer, now, root),
    });
  }

  /** The newest revocation list of every key that signs under the root, which are valid for as long as the root is. */
  get lists(): readonly CertificateRevocationList[] {
    return [...this.#rootLists, this.#list.list];
  }

  /** Whether the certificate says that this authority has signed it. */
  isIssuerOf(certificate: Certificate): boolean {
    return fieldsOf(certificate).authorityKeyId?.toLowerCase() === this.#signerKeyId.toLowerCase();
  }

  /** Adds a certificate to the list. */
  async revoke({ serialNumber }: Certificate, now: number): Promise<void> {
    if (this.#revoked.has(serialNumber)) return;
    this.#revoked.set(serialNumber, now);
    const number = this.#revoked.size + 1;
    const list = await createList(this.#signer, { number, now, nextUpdate: this.expiresAt, revoked: this.#revoked });
    // Of two that were made at once, the one that has more.
    if (number > this.#list.number) this.#list = { number, list };
  }

  /** Certifies a fresh key. The certificate ends when the authority does, if that is earlier. */
  async issue(init: X509LeafInit): Promise<X509Leaf> {
    const { publicKey, privateKey } = await generateKeys(init.keyType);
    const commonName = init.dnsNames.find((name) => name.length <= MAX_COMMON_NAME);
    const leaf = await createCertificate(
      {
        subject: [ORGANIZATION, ...(commonName === undefined ? [] : [{ type: 'CN', value: commonName }])],
        publicKey,
        uri: init.id.toString(),
        dnsNames: init.dnsNames,
        notBefore: init.now - BACKDATED_MS,
        notAfter: Math.min(init.now + init.ttlSeconds * 1000, this.expiresAt),
        authority: undefined,
      },
      this.#signer,
    );
    return { certificates: Buffer.concat([leaf, ...this.#intermediates]), privateKey };
  }
}

/** Tolerates a verifier whose clock is behind, as SPIRE does. */
const BACKDATED_MS = 10_000;
const ORGANIZATION: NameAttribute = { type: 'O', value: 'svidkit' };
const SERIAL_NUMBER_OID = '2.5.4.5';
/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME = 64;

interface ListInit {
  readonly number: number;
  readonly now: number;
  readonly nextUpdate: number;
  readonly revoked: ReadonlyMap<string, number>;
}

function firstList(signer: CertificateSigner, now: number, root: Certificate): Promise<CertificateRevocationList> {
  return createList(signer, { number: 1, now, nextUpdate: root.notAfter.getTime(), revoked: new Map() });
}

async function createList(
  signer: CertificateSigner,
  { now, ...contents }: ListInit,
): Promise<CertificateRevocationList> {
  return parseCertificateList(await createCertificateList({ ...contents, thisUpdate: now - BACKDATED_MS }, signer));
}

/** Every signer has a name of its own, so that a chain can be built by names alone (RFC 5280 section 4.1.2.4). */
async function createSigner(keyType: AuthorityKeyType): Promise<CertificateSigner> {
  const name = [ORGANIZATION, { type: SERIAL_NUMBER_OID, value: randomBytes(16).toString('hex') }];
  return { name, keyType, ...(await generateKeys(keyType)) };
}
