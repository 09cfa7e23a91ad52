export { createIssuer, type IssuerOptions } from './create-issuer.js';
export type {
  AuthorityState,
  IssueJwtOptions,
  Issuer,
  IssuerAuthorities,
  IssuerUpdatesOptions,
  IssueWitOptions,
  IssueX509Options,
} from './issuer.js';
export type { AuthorityKeyType, KeyType } from './key-type.js';
