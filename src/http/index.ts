export { createProvingFetch, type ProvingFetchOptions } from './proving-fetch.js';
export { type Refusal, refusalOf } from './refusal.js';
export {
  type AuthenticatableRequest,
  type AuthenticateOptions,
  type Caller,
  createRequestAuthenticator,
  type RequestAuthenticator,
  type RequestAuthenticatorOptions,
} from './request-authenticator.js';
export { type CallerHandler, type RequireCallerOptions, requireCaller } from './require-caller.js';
