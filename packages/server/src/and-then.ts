/**
 * Goes on with a value: in the same turn where it is there, once it is where it is promised. Bun answers a request at half
 * the cost as long as nothing was awaited for it.
 */
export function andThen<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
