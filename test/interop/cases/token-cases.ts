import { base64, type Expected, type TokenCase } from '../support/case.js';
import { jwk, jwks } from '../support/jwks.js';
import { type KeyName, type KeyPair, keyPair } from '../support/keys.js';
import { type Alg, type TokenParts, token } from '../support/tokens.js';

export const DOMAIN = 'example.org';
export const SUBJECT: string = `spiffe://${DOMAIN}/workload`;
export const AUDIENCE = 'https://tools.example.org';

/** Every algorithm that JWT-SVID section 2.1 and WIT-SVID section 2.3 allow, with a key that fits. */
export const ALGORITHMS: readonly (readonly [Alg, KeyName])[] = [
  ['RS256', 'RSA'],
  ['RS384', 'RSA'],
  ['RS512', 'RSA-3072'],
  ['PS256', 'RSA'],
  ['PS384', 'RSA'],
  ['PS512', 'RSA-3072'],
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
];

/** A token and what its verifier knows. */
export interface Presented {
  readonly token: string;
  /** Documents by trust domain. Default: the one key of {@link TokenMaker} for example.org. */
  readonly bundles?: Readonly<Record<string, string>>;
  /** Default `jwks`. */
  readonly format?: TokenCase['format'];
  /** Default {@link AUDIENCE}, and nothing for a WIT. */
  readonly audience?: readonly string[];
}

export type Row = readonly [name: string, expected: Expected, presented: Presented];

/** Makes tokens that are well made but for what a case changes. */
export class TokenMaker {
  readonly kind: TokenCase['kind'];
  readonly header: object;
  readonly claims: object;
  /** The claims as text, for cases that change that. */
  readonly payload: string;
  readonly keys: KeyPair = keyPair('P-256', 'tokens');
  readonly otherKeys: KeyPair = keyPair('P-256', 'other tokens');
  readonly #use: string;

  constructor(kind: TokenCase['kind'], header: object, claims: object) {
    this.kind = kind;
    this.header = header;
    this.claims = claims;
    this.payload = JSON.stringify(claims);
    this.#use = `${kind}-svid`;
  }

  make(parts: Partial<TokenParts> = {}): string {
    return token({ header: this.header, payload: this.claims, key: this.keys.privateKey, ...parts });
  }

  made(parts: Partial<TokenParts> = {}): Presented {
    return { token: this.make(parts) };
  }

  withHeader(more: object): Presented {
    return this.made({ header: { ...this.header, ...more } });
  }

  withClaims(more: object): Presented {
    return this.made({ payload: { ...this.claims, ...more } });
  }

  /** The text of the claims with something put in front of them. */
  withText(text: string): Presented {
    return this.made({ payload: this.payload.replace('{', `{${text},`) });
  }

  /** Signed with another algorithm, by a key that the bundle holds. */
  signed(alg: Alg, name: KeyName, more: object = {}): Presented {
    const pair = keyPair(name, 'signing');
    return {
      token: this.make({ header: { ...this.header, alg }, key: pair.privateKey }),
      bundles: { [DOMAIN]: this.bundle(pair, more) },
    };
  }

  /** The well-made token, looked at with other bundles. */
  against(document: string, format: TokenCase['format'] = 'jwks'): Presented {
    return { token: this.make(), bundles: { [DOMAIN]: document }, format };
  }

  /** A set of one key that is marked for these tokens. */
  bundle(pair: KeyPair, more: object = {}): string {
    return jwks(jwk(pair, { kid: 'k', use: this.#use, ...more }));
  }

  cases(rows: readonly Row[]): TokenCase[] {
    const own = { [DOMAIN]: this.bundle(this.keys) };
    return rows.map(([name, expected, { token, bundles = own, format = 'jwks', audience }]) => ({
      kind: this.kind,
      name: `${this.kind}: ${name}`,
      expected,
      token,
      bundles: Object.fromEntries(Object.entries(bundles).map(([domain, text]) => [domain, base64(text)])),
      format,
      audience: audience ?? (this.kind === 'jwt' ? [AUDIENCE] : []),
    }));
  }
}

/** Makes the slow keys, so that no time passes between tokens and verdicts. */
export function prepareTokenKeys(): void {
  for (const [, name] of ALGORITHMS) {
    keyPair(name, 'signing');
    keyPair(name, 'bound');
  }
}
