export {
  BundleFileSource,
  type BundleFileSourceOptions,
  createBundleFileSource,
} from './bundle-file-source.js';
export type { FileSource } from './file-source.js';
export {
  createJwtFileSource,
  type FileJwtSvidRequest,
  type JwtFileContext,
  JwtFileSource,
  type JwtFileSourceOptions,
} from './jwt-file-source.js';
export type {
  BundlePaths,
  FileSourceHealth,
  FileSourceOptions,
  ReadyOptions,
  Source,
  UpdatesOptions,
} from './options.js';
export {
  createWitFileSource,
  type WitFileContext,
  WitFileSource,
  type WitFileSourceOptions,
} from './wit-file-source.js';
export {
  createX509FileSource,
  type X509FileContext,
  X509FileSource,
  type X509FileSourceOptions,
} from './x509-file-source.js';
