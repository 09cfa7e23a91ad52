import { JwtBundle, SpiffeBundle, WitBundle, X509Bundle } from '../bundle/index.js';
import { IssuerError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId, type TrustDomain, type WorkloadIdLike } from '../id/index.js';
import { Certificate } from '../internal/certificate.js';
import type { Clock } from '../internal/clock.js';
import { sameLists } from '../internal/held-certificate-lists.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { Latest } from '../internal/latest.js';
import { lifetimeOption } from '../internal/validity.js';
import { mintJwtSvid } from '../jwt-svid/index.js';
import { mintWit, parseWitSvid, type WitSvid } from '../wit/index.js';
import { type CertificateRevocationList, parseX509Svid, type X509CrlSource, X509Svid } from '../x509-svid/index.js';
import { checkDnsName } from './check-dns-name.js';
import { generateKeys, type KeyType } from './key-type.js';
import type { TokenAuthority } from './token-authority.js';
import type { X509Authority } from './x509-authority.js';

/** How one X.509-SVID is issued. */
export interface IssueX509Options {
  /** Lifetime in seconds, cut to that of the authority. Default: the issuer's `x509TtlSeconds`. */
  readonly ttlSeconds?: number | undefined;
  /** DNS names to certify next to the SPIFFE ID. Default: none. */
  readonly dnsNames?: readonly string[] | undefined;
  /** The operator's note on what the identity is for. Default: none. */
  readonly hint?: string | undefined;
  /** The key to make for it. Default: `ec-p256`. */
  readonly keyType?: KeyType | undefined;
}

/** How one JWT-SVID is issued. */
export interface IssueJwtOptions {
  /** For whom the token is meant: one name or several. */
  readonly audience: string | readonly string[];
  /** Lifetime in seconds. Default: the issuer's `jwtTtlSeconds`. */
  readonly ttlSeconds?: number | undefined;
}

/** How one WIT-SVID is issued. */
export interface IssueWitOptions {
  /** Lifetime in seconds. Default: the issuer's `witTtlSeconds`. */
  readonly ttlSeconds?: number | undefined;
  /** The algorithm of the workload's own proofs, for which a key is made. Default: `ES256`. */
  readonly alg?: JwsAlgorithm | undefined;
  /** The operator's note on what the identity is for. Default: none. */
  readonly hint?: string | undefined;
}

/** One authority whose public part is in the bundle. */
export interface AuthorityState {
  /** The subject key identifier of a root, or the `kid` of a key. */
  readonly id: string;
  /** Whether it signs what is issued now. */
  readonly active: boolean;
}

/** The published authorities of each kind, oldest first. */
export interface IssuerAuthorities {
  readonly x509: readonly AuthorityState[];
  readonly jwt: readonly AuthorityState[];
  readonly wit: readonly AuthorityState[];
}

/** How {@link Issuer.updates} and {@link Issuer.crlUpdates} are read. */
export interface IssuerUpdatesOptions {
  /** Ends the iteration by throwing the reason of the abort. */
  readonly signal?: AbortSignal | undefined;
}

/** What an issuer is made of. */
export interface IssuerInit {
  readonly trustDomain: TrustDomain;
  readonly clock: Clock;
  readonly ttlSeconds: { readonly x509: number; readonly jwt: number; readonly wit: number };
  readonly refreshHintSeconds: number;
  readonly createX509Authority: () => Promise<X509Authority>;
  readonly createTokenKey: () => Promise<TokenAuthority>;
  readonly authorities: { readonly x509: X509Authority; readonly jwt: TokenAuthority; readonly wit: TokenAuthority };
}

/**
 * A trust domain in memory, made by `createIssuer`. The newest authority of a kind signs; the older ones stay in the
 * bundle, so that what they signed keeps verifying, until they are revoked.
 */
export class Issuer implements X509CrlSource {
  /** The trust domain that every issued identity belongs to. */
  readonly trustDomain: TrustDomain;
  readonly #init: IssuerInit;
  #x509: readonly X509Authority[];
  #jwt: readonly TokenAuthority[];
  #wit: readonly TokenAuthority[];
  #sequence = 0;
  #renewal: Promise<unknown> | undefined;
  readonly #bundle: Latest<SpiffeBundle>;
  readonly #crls: Latest<readonly CertificateRevocationList[]>;

  constructor(init: IssuerInit) {
    this.trustDomain = init.trustDomain;
    this.#init = init;
    this.#x509 = [init.authorities.x509];
    this.#jwt = [init.authorities.jwt];
    this.#wit = [init.authorities.wit];
    this.#bundle = new Latest(this.#snapshot());
    this.#crls = new Latest(listsOf(this.#x509));
  }

  /** What verifies the identities of this trust domain now: immutable, with a sequence number that only grows. */
  get bundle(): SpiffeBundle {
    return this.#bundle.current;
  }

  /** The published authorities. The last of each kind is the active one. */
  get authorities(): IssuerAuthorities {
    return { x509: states(this.#x509), jwt: states(this.#jwt), wit: states(this.#wit) };
  }

  /**
   * Issues an X.509-SVID with a fresh key (X509-SVID sections 2 to 4): one URI name, key usage `digitalSignature`,
   * extended key usage for servers and clients, valid from ten seconds ago.
   *
   * @throws `IssuerError` `foreign_trust_domain`, `no_path` or `bad_dns_name`.
   * @throws `IdError` when `id` is not a SPIFFE ID.
   */
  async issueX509Svid(id: WorkloadIdLike, options: IssueX509Options = {}): Promise<X509Svid> {
    const workload = this.#checkId(id);
    const dnsNames = (options.dnsNames ?? []).map(checkDnsName);
    const ttlSeconds = lifetimeOption('ttlSeconds', options.ttlSeconds ?? this.#init.ttlSeconds.x509);
    const { keyType = 'ec-p256', hint } = options;
    const authority = await this.#x509Authority();
    const now = this.#init.clock();
    const leaf = await authority.issue({ id: workload, dnsNames, keyType, now, ttlSeconds });
    return parseX509Svid({ ...leaf, id: workload, hint });
  }

  /**
   * Issues a JWT-SVID (JWT-SVID sections 2 and 3) and gives the token.
   *
   * @throws `IssuerError` `foreign_trust_domain` or `no_path`.
   * @throws `IdError` when `id` is not a SPIFFE ID.
   * @throws `TypeError` when there is no audience.
   */
  async issueJwtSvid(id: WorkloadIdLike, options: IssueJwtOptions): Promise<string> {
    const workload = this.#checkId(id);
    const ttlSeconds = lifetimeOption('ttlSeconds', options.ttlSeconds ?? this.#init.ttlSeconds.jwt);
    const { audience } = options;
    const { id: kid, privateKey } = newest(this.#jwt);
    const { clock } = this.#init;
    return await mintJwtSvid({ id: workload, audience, ttlSeconds }, { key: privateKey, kid }, { clock });
  }

  /**
   * Issues a WIT-SVID of the SPIFFE profile with a fresh key for the workload's proofs.
   *
   * @throws `IssuerError` `foreign_trust_domain` or `no_path`.
   * @throws `IdError` when `id` is not a SPIFFE ID.
   * @throws `WitError` when the profile does not allow `alg`, such as `EdDSA`.
   */
  async issueWitSvid(id: WorkloadIdLike, options: IssueWitOptions = {}): Promise<WitSvid> {
    const workload = this.#checkId(id);
    const ttlSeconds = lifetimeOption('ttlSeconds', options.ttlSeconds ?? this.#init.ttlSeconds.wit);
    const { alg = 'ES256', hint } = options;
    const { publicKey, privateKey } = await generateKeys(proofKeyType(alg));
    const { id: kid, privateKey: issuerKey } = newest(this.#wit);
    const { clock } = this.#init;
    const token = await mintWit(
      { id: workload, key: publicKey, alg, ttlSeconds },
      { key: issuerKey, kid },
      { profile: 'spiffe', clock },
    );
    return parseWitSvid({ token, privateKey, id: workload, hint }, { profile: 'spiffe' });
  }

  /**
   * Publishes a new X.509 authority and signs with it from now on. Gives its identifier. X.509-SVIDs of the older
   * authorities stay valid.
   */
  async rotateX509Authority(): Promise<string> {
    const authority = await this.#init.createX509Authority();
    this.#x509 = [...this.#x509, authority];
    this.#publish();
    return authority.id;
  }

  /** Publishes a new key for JWT-SVIDs and signs with it from now on. Gives its `kid`. Older tokens stay valid. */
  async rotateJwtKey(): Promise<string> {
    const authority = await this.#init.createTokenKey();
    this.#jwt = [...this.#jwt, authority];
    this.#publish();
    return authority.id;
  }

  /** Publishes a new key for WIT-SVIDs and signs with it from now on. Gives its `kid`. Older tokens stay valid. */
  async rotateWitKey(): Promise<string> {
    const authority = await this.#init.createTokenKey();
    this.#wit = [...this.#wit, authority];
    this.#publish();
    return authority.id;
  }

  /**
   * Takes an older X.509 authority out of the bundle: what it signed no longer verifies.
   *
   * @throws `IssuerError` `unknown_authority` or `authority_active`.
   */
  revokeX509Authority(id: string): void {
    this.#x509 = without(this.#x509, id);
    this.#publish();
  }

  /**
   * Takes an older key for JWT-SVIDs out of the bundle.
   *
   * @throws `IssuerError` `unknown_authority` or `authority_active`.
   */
  revokeJwtKey(id: string): void {
    this.#jwt = without(this.#jwt, id);
    this.#publish();
  }

  /**
   * Takes an older key for WIT-SVIDs out of the bundle.
   *
   * @throws `IssuerError` `unknown_authority` or `authority_active`.
   */
  revokeWitKey(id: string): void {
    this.#wit = without(this.#wit, id);
    this.#publish();
  }

  /**
   * Revokes one X.509-SVID, or the certificate of its leaf, by a new revocation list of the authority that signed it.
   * Whoever applies these lists refuses it from then on; the bundle stays as it is. Revoking it again changes nothing.
   *
   * @throws `IssuerError` `unknown_authority` when no published authority has signed it.
   */
  async revokeX509Svid(svid: X509Svid | Certificate): Promise<void> {
    const leaf = svid instanceof X509Svid ? svid.certificates[0] : svid;
    if (!(leaf instanceof Certificate)) throw new TypeError('an X.509-SVID or a certificate is revoked');
    const now = this.#init.clock();
    const authority = this.#x509.find((known) => known.expiresAt > now && known.isIssuerOf(leaf));
    if (authority === undefined) {
      throw new IssuerError('unknown_authority', 'no published authority has signed this certificate');
    }
    await authority.revoke(leaf, now);
    this.#publishCrls();
  }

  /**
   * The newest revocation list of every published authority, empty ones included, so that `revocation: 'required'` has
   * what it asks for. Each is valid for as long as its authority.
   */
  getX509Crls(): readonly CertificateRevocationList[] {
    return this.#crls.current;
  }

  /** The current revocation lists at once, then newer ones whenever one of them changes. Never ends. */
  crlUpdates(options: IssuerUpdatesOptions = {}): AsyncIterableIterator<readonly CertificateRevocationList[]> {
    return this.#crls.values(options);
  }

  /** The current bundle at once, then each newer one; a slow reader skips what was replaced meanwhile. Never ends. */
  updates(options: IssuerUpdatesOptions = {}): AsyncIterableIterator<SpiffeBundle> {
    return this.#bundle.values(options);
  }

  #checkId(id: WorkloadIdLike): SpiffeId {
    const workload = parseSpiffeId(id);
    if (!workload.trustDomain.equals(this.trustDomain)) {
      throw new IssuerError('foreign_trust_domain', `${workload} is not in ${this.trustDomain}, which is issued here`);
    }
    if (workload.path === '') {
      throw new IssuerError('no_path', `${workload} names the trust domain; a workload needs a path`);
    }
    return workload;
  }

  /** The active authority, replaced when half of its life is over. Callers at the same moment share one replacement. */
  async #x509Authority(): Promise<X509Authority> {
    if (this.#init.clock() >= newest(this.#x509).renewAt) {
      this.#renewal ??= this.rotateX509Authority().finally(() => {
        this.#renewal = undefined;
      });
      await this.#renewal;
    }
    return newest(this.#x509);
  }

  #publish(): void {
    const active = newest(this.#x509);
    const now = this.#init.clock();
    this.#x509 = this.#x509.filter((authority) => authority === active || authority.expiresAt > now);
    this.#bundle.set(this.#snapshot());
    this.#publishCrls();
  }

  #publishCrls(): void {
    const lists = listsOf(this.#x509);
    if (!sameLists(lists, this.#crls.current)) this.#crls.set(lists);
  }

  #snapshot(): SpiffeBundle {
    const { trustDomain } = this;
    this.#sequence += 1;
    return new SpiffeBundle(trustDomain, {
      x509: new X509Bundle(
        trustDomain,
        this.#x509.map((authority) => authority.root),
      ),
      jwt: new JwtBundle(trustDomain, this.#jwt.map(toBundleKey)),
      wit: new WitBundle(trustDomain, this.#wit.map(toBundleKey)),
      sequence: this.#sequence,
      refreshHintSeconds: this.#init.refreshHintSeconds,
    });
  }
}

function newest<T>(authorities: readonly T[]): T {
  const last = authorities.at(-1);
  if (last === undefined) throw new TypeError('an issuer always has an active authority');
  return last;
}

function listsOf(authorities: readonly X509Authority[]): readonly CertificateRevocationList[] {
  return Object.freeze(authorities.flatMap(({ lists }) => lists));
}

function states(authorities: ReadonlyArray<{ readonly id: string }>): readonly AuthorityState[] {
  return authorities.map(({ id }, index) => ({ id, active: index === authorities.length - 1 }));
}

function without<T extends { readonly id: string }>(authorities: readonly T[], id: string): readonly T[] {
  if (newest(authorities).id === id) {
    throw new IssuerError('authority_active', 'this authority signs now: rotate first, then revoke it');
  }
  const rest = authorities.filter((authority) => authority.id !== id);
  if (rest.length === authorities.length) {
    throw new IssuerError('unknown_authority', 'no authority of this identifier is published');
  }
  return rest;
}

function toBundleKey(authority: TokenAuthority): { readonly kid: string; readonly key: TokenAuthority['publicKey'] } {
  return { kid: authority.id, key: authority.publicKey };
}

/** The key that a proof algorithm needs (RFC 7518 section 3.1, RFC 8037 section 3.1). */
function proofKeyType(alg: JwsAlgorithm): KeyType | 'ec-p521' {
  switch (alg) {
    case 'ES256':
      return 'ec-p256';
    case 'ES384':
      return 'ec-p384';
    case 'ES512':
      return 'ec-p521';
    case 'EdDSA':
    case 'Ed25519':
      return 'ed25519';
    default:
      return 'rsa-2048';
  }
}
