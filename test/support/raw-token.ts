/** One segment of a token: the text or bytes as they are, anything else as JSON, in base64url. */
export function segment(content: unknown): string {
  const bytes = content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content);
  return Buffer.from(bytes).toString('base64url');
}

/** A compact JWS with whatever header and payload, and by default a signature that nothing verifies. */
export function rawToken(header: unknown, payload: unknown, signature: Uint8Array = Buffer.alloc(64, 1)): string {
  return `${segment(header)}.${segment(payload)}.${segment(signature)}`;
}
