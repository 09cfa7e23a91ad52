import { type KeyObject, randomBytes } from 'node:crypto';
import type { SpiffeId, TrustDomain } from '../id/index.js';
import { type Certificate, parseCertificate } from '../internal/certificate.js';
import { type CertificateSigner, createCertificate, keyIdentifier, type NameAttribute } from './certificate-factory.js';
import { type AuthorityKeyType, generateKeys, type KeyType } from './key-type.js';

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

/** A root of a trust domain and the key that signs under it: the root's own, or an intermediate's. */
export class X509Authority {
  /** The subject key identifier of the root in hexadecimal, as SPIRE names its authorities. */
  readonly id: string;
  readonly root: Certificate;
  readonly expiresAt: number;
  /** From here on a new authority should sign: half of the lifetime has passed. */
  readonly renewAt: number;
  readonly #signer: CertificateSigner;
  readonly #intermediates: readonly Uint8Array[];

  private constructor(
    id: string,
    root: Certificate,
    signer: CertificateSigner,
    intermediates: readonly Uint8Array[],
    now: number,
  ) {
    this.id = id;
    this.root = root;
    this.expiresAt = root.notAfter.getTime();
    this.renewAt = now + (this.expiresAt - now) / 2;
    this.#signer = signer;
    this.#intermediates = intermediates;
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
    if (!init.intermediate) return new X509Authority(id, root, rootSigner, [], now);
    const signer = await createSigner(keyType);
    const intermediate = await createCertificate(
      { ...common, subject: signer.name, publicKey: signer.publicKey, authority: { pathLength: 0 } },
      rootSigner,
    );
    return new X509Authority(id, root, signer, [intermediate], now);
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

/** Every signer has a name of its own, so that a chain can be built by names alone (RFC 5280 section 4.1.2.4). */
async function createSigner(keyType: AuthorityKeyType): Promise<CertificateSigner> {
  const name = [ORGANIZATION, { type: SERIAL_NUMBER_OID, value: randomBytes(16).toString('hex') }];
  return { name, keyType, ...(await generateKeys(keyType)) };
}
