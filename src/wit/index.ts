export type { Clock } from '../internal/clock.js';
export type { JsonObject, JsonValue } from '../internal/json.js';
export type { JwsAlgorithm } from '../internal/jws-algorithm.js';
export type { Signer, SigningKey } from '../internal/signing-key.js';
export { type DecodedWit, decodeWitUnverified } from './decode-wit.js';
export { type MintWitOptions, mintWit, type WitClaims, type WitSigningKey } from './mint-wit.js';
export type { WitProfile } from './profile.js';
export type { UnprovenWit, WitContents } from './unproven-wit.js';
export { type VerifyWitOptions, verifyWit } from './verify-wit.js';
export type { WitCredential } from './wit-credential.js';
export {
  type ParseWitSvidOptions,
  parseWitSvid,
  WitSvid,
  type WitSvidMaterial,
  type WitSvidSource,
} from './wit-svid.js';
