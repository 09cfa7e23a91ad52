/** How long requests go on in each file; the environment says otherwise. */
export const ROTATION_SECONDS: number = Number(process.env['ROTATION_SECONDS'] ?? 180);
