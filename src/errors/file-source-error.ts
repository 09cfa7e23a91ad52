import { SvidkitError } from './svidkit-error.js';

/**
 * What went wrong with credentials that another program writes to files. Whatever was read last and was sound is kept.
 *
 * A file that cannot be read:
 * - `file_missing`: there is no file at the path, or not yet.
 * - `access_denied`: this process may not read it; the message says who may.
 * - `not_a_file`: a folder, socket or pipe.
 * - `too_large`: over the size limit.
 * - `read_failed`: any other error of the operating system, which is the `cause`.
 *
 * Contents that are not used:
 * - `unsettled`: the files kept changing while they were read.
 * - `bad_identity`: certificates, key or token that do not parse or do not belong together.
 * - `bad_bundle`: a trust bundle that does not parse.
 * - `bad_crl`: a file without a revocation list, or with one that does not parse or is of a kind that is not supported.
 *
 * What a source cannot give:
 * - `not_ready`: the files have not given anything so far; `cause` is the last failure.
 * - `expired`: the identity in the files has expired and was not replaced.
 * - `no_identity`: none of the tokens fits the request.
 * - `timeout`: not ready within the time allowed.
 * - `closed`: the source was closed.
 *
 * A warning, told to `onError` alone; the identity is used all the same:
 * - `key_exposed`: every user of the machine may read the file of a private key.
 */
export type FileSourceErrorCode =
  | 'file_missing'
  | 'access_denied'
  | 'not_a_file'
  | 'too_large'
  | 'read_failed'
  | 'unsettled'
  | 'bad_identity'
  | 'bad_bundle'
  | 'bad_crl'
  | 'not_ready'
  | 'expired'
  | 'no_identity'
  | 'timeout'
  | 'closed'
  | 'key_exposed';

/** A failure of credentials in files: a path, what is in it, or a source that has nothing to give. */
export class FileSourceError extends SvidkitError<FileSourceErrorCode> {}
