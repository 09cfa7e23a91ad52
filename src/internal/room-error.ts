import { ReadError } from './read-error.js';

/** A room's error class. */
export type RoomErrorClass<Code extends string> = new (code: Code, message: string, options?: ErrorOptions) => Error;

/** Runs a strict reader and turns what it refuses into the room's error, with the reader's rule as `code`. */
export function asRoomError<Code extends string, T>(RoomError: RoomErrorClass<Code>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReadError) throw new RoomError(error.rule as Code, error.message, { cause: error });
    throw error;
  }
}
