/**
 * What a strict reader throws. It never leaves the package: the room that called the reader turns it into its own
 * typed error with the rule as `code`.
 */
export class ReadError<Rule extends string = string> extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReadError';
    this.rule = rule;
  }
}
