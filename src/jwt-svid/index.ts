export type { Clock } from '../internal/clock.js';
export type { JsonObject, JsonValue } from '../internal/json.js';
export type { JwsAlgorithm } from '../internal/jws-algorithm.js';
export type { Signer, SigningKey } from '../internal/signing-key.js';
export { JwtSvid, type ParseJwtSvidOptions, parseJwtSvid } from './jwt-svid.js';
export {
  type JwtSvidClaims,
  type JwtSvidSigningKey,
  type MintJwtSvidOptions,
  mintJwtSvid,
} from './mint-jwt-svid.js';
export { type VerifiedJwtSvid, type VerifyJwtSvidOptions, verifyJwtSvid } from './verify-jwt-svid.js';
