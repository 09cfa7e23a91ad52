/**
 * Whether an error of Node's HTTP/2 client says that the server has not looked at the request, so that it is safe to
 * repeat whatever its method (RFC 9113 section 8.7): the stream was refused, or was to be opened after the GOAWAY.
 */
export function isRefusedUnseen(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  // The code of the stream is in the message alone.
  if (error.code === 'ERR_HTTP2_STREAM_ERROR') return error.message.includes('NGHTTP2_REFUSED_STREAM');
  return error.code === 'ERR_HTTP2_GOAWAY_SESSION';
}
