import { X509SvidError } from '../errors/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';
import { verifyCertificateSignature } from '../internal/certificate-signature.js';
import { asRoomError } from '../internal/room-error.js';
import { checkAuthority, isSelfIssued, nameOf, type PathConditions } from './authority-rules.js';
import { checkNameConstraints } from './name-constraints.js';
import { checkRevocation } from './revocation.js';

/** Leaf and authority included. */
const MAX_PATH = 10;
/** Public key operations for one chain; an honest one takes as many as its path has steps, or a few more. */
const MAX_SIGNATURE_CHECKS = 32;
/** Steps tried for one chain, most of which cost no public key operation. */
const MAX_STEPS = 512;

interface Candidate {
  readonly certificate: Certificate;
  readonly isAnchor: boolean;
}

/**
 * Finds a certification path from the leaf to one of the anchors (RFC 4158) that satisfies RFC 5280 section 6: issuer
 * by issuer, anchors first, and back where a step fails, so that an expired, revoked or cross-signed alternative does
 * not hide a good one. The work is bounded whatever the chain holds.
 *
 * @throws `X509SvidError`: when no path is good, the refusal that came closest to the anchors.
 */
export function buildPath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  conditions: PathConditions,
): readonly Certificate[] {
  return new PathBuilder(intermediates, anchors, conditions).build(leaf);
}

/**
 * Whether the public key of `issuer` made the signature of `certificate`.
 *
 * @throws `X509SvidError` `unsupported_algorithm`, or the rule that the issuer's key breaks.
 */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { signatureAlgorithm, tbs, signature } = fieldsOf(certificate);
  const { algorithm, oid } = signatureAlgorithm;
  if (algorithm === undefined) {
    throw new X509SvidError(
      'unsupported_algorithm',
      `${nameOf(certificate)} is signed with an algorithm that is not accepted: ${oid}`,
    );
  }
  const key = asRoomError(X509SvidError, () => issuer.publicKey);
  return verifyCertificateSignature(algorithm, key, tbs, signature);
}

class PathBuilder {
  readonly #pool: readonly Candidate[];
  readonly #conditions: PathConditions;
  readonly #issuers = new Map<Certificate, readonly Candidate[]>();
  /** What {@link checkAuthority} said, once for each candidate. */
  readonly #refusals = new Map<Candidate, X509SvidError | undefined>();
  readonly #signatures = new Map<Certificate, Map<Certificate, boolean>>();
  #signatureChecks = 0;
  #steps = 0;
  #closest: { readonly error: X509SvidError; readonly height: number } | undefined;

  constructor(intermediates: readonly Certificate[], anchors: readonly Certificate[], conditions: PathConditions) {
    this.#pool = [
      ...anchors.map((certificate) => ({ certificate, isAnchor: true })),
      ...intermediates.map((certificate) => ({ certificate, isAnchor: false })),
    ];
    this.#conditions = conditions;
  }

  build(leaf: Certificate): readonly Certificate[] {
    const path = this.#extend([leaf]);
    if (path !== undefined) return path;
    throw (
      this.#closest?.error ??
      new X509SvidError('untrusted', `no authority of the trust domain is the issuer of ${nameOf(leaf)}`)
    );
  }

  /** The path upwards from its last certificate, or undefined where every way fails. */
  #extend(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const top = path[path.length - 1];
    if (top === undefined) return undefined;
    for (const candidate of this.#candidatesFor(top)) {
      this.#steps += 1;
      if (this.#steps > MAX_STEPS) throw tooMuchWork(`more than ${MAX_STEPS} steps`);
      if (isRepeated(candidate.certificate, path)) continue;
      try {
        const longer = this.#step(path, top, candidate);
        const complete = candidate.isAnchor ? this.#checked(longer) : this.#extend(longer);
        if (complete !== undefined) return complete;
      } catch (error) {
        this.#note(error, path.length);
      }
    }
    return undefined;
  }

  #step(path: readonly Certificate[], child: Certificate, candidate: Candidate): readonly Certificate[] {
    const { certificate } = candidate;
    this.#checkCandidate(candidate);
    checkPathLength(path, certificate);
    if (!this.#isSigned(child, certificate)) {
      throw new X509SvidError(
        'bad_signature',
        `${nameOf(child)} bears the issuer's name of ${nameOf(certificate)}, whose key did not sign it`,
      );
    }
    return [...path, certificate];
  }

  /** Those with the issuer's name; the key identifiers only decide which is tried first. */
  #candidatesFor(child: Certificate): readonly Candidate[] {
    const known = this.#issuers.get(child);
    if (known !== undefined) return known;
    const { issuer, authorityKeyId } = fieldsOf(child);
    const named = this.#pool.filter(({ certificate }) => fieldsOf(certificate).subject.equals(issuer));
    const matches = ({ certificate }: Candidate) =>
      authorityKeyId !== undefined && certificate.subjectKeyId === authorityKeyId;
    const ordered = [...named.filter(matches), ...named.filter((candidate) => !matches(candidate))];
    this.#issuers.set(child, ordered);
    return ordered;
  }

  #checkCandidate(candidate: Candidate): void {
    if (!this.#refusals.has(candidate)) {
      this.#refusals.set(
        candidate,
        refusalOf(() => checkAuthority(candidate.certificate, candidate.isAnchor, this.#conditions)),
      );
    }
    const refusal = this.#refusals.get(candidate);
    if (refusal !== undefined) throw refusal;
  }

  #isSigned(child: Certificate, issuer: Certificate): boolean {
    const results = this.#signatures.get(child) ?? new Map<Certificate, boolean>();
    this.#signatures.set(child, results);
    const known = results.get(issuer);
    if (known !== undefined) return known;
    this.#signatureChecks += 1;
    if (this.#signatureChecks > MAX_SIGNATURE_CHECKS) {
      throw tooMuchWork(`more than ${MAX_SIGNATURE_CHECKS} signatures to verify`);
    }
    const result = isSignedBy(child, issuer);
    results.set(issuer, result);
    return result;
  }

  #checked(path: readonly Certificate[]): readonly Certificate[] {
    checkNameConstraints(path);
    checkRevocation(path, this.#conditions);
    return path;
  }

  #note(error: unknown, height: number): void {
    if (!(error instanceof X509SvidError) || error.code === 'too_much_work') throw error;
    if (this.#closest === undefined || height > this.#closest.height) this.#closest = { error, height };
  }
}

/** RFC 5280 section 6.1.4 (l) and (m), counted from below: the CAs between this one and the leaf. */
function checkPathLength(path: readonly Certificate[], authority: Certificate): void {
  if (path.length >= MAX_PATH) throw new X509SvidError('path_too_long', `a path has at most ${MAX_PATH} certificates`);
  const { pathLength } = fieldsOf(authority);
  const below = path.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (pathLength !== undefined && below > pathLength) {
    throw new X509SvidError(
      'path_too_long',
      `${nameOf(authority)} allows ${pathLength} CA certificates below it, the path has ${below}`,
    );
  }
}

/** RFC 4158 section 2.4.2: the same name with the same key again leads nowhere new. */
function isRepeated(candidate: Certificate, path: readonly Certificate[]): boolean {
  const { subject, spki } = fieldsOf(candidate);
  return path.some((certificate) => {
    const fields = fieldsOf(certificate);
    return Buffer.compare(fields.spki, spki) === 0 && fields.subject.equals(subject);
  });
}

function refusalOf(check: () => void): X509SvidError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof X509SvidError) return error;
    throw error;
  }
}

function tooMuchWork(what: string): X509SvidError {
  return new X509SvidError('too_much_work', `the chain of certificates asks for ${what}`);
}
