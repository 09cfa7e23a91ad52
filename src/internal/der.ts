export type DerRule = 'bad_der' | 'too_large';
